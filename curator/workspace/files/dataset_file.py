"""Reads a dataset file as physical lines, whatever it comes as: plain, .gz, .zst, a JSON array, .csv, or stdin.

Lines end at LF alone; one CR before it is cut, and a BOM at the start. Blank lines are counted and skipped. Only
records leave here: (line number from 1, bytes without terminator). The source is never written.
"""

from __future__ import annotations

import csv
import io
import os
import stat
import sys
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import orjson

from curator.core import splice
from curator.errors import InputError
from curator.workspace.files.compressed import unpacked, unpacking_errors

BOM = b"\xef\xbb\xbf"
STDIN = "-"
BLOCK = 1 << 18
HEAD = 1 << 16
"""Bytes looked at to tell what a file is."""
GROUP = 500
"""Records of a batch, of what does not come as lines."""
MAX_WHOLE = 2 << 30
"""A JSON array or CSV file is read as a whole; above this it is refused."""

Kind = Literal["lines", "array", "csv"]
Record = tuple[int, bytes]
Batch = tuple[Sequence[int], list[bytes]]
"""Records that came together: their lines, and their bytes."""

_MAGIC = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"PK\x03\x04", "a ZIP archive (or an office document)"),
    (b"PAR1", "a Parquet file; `curator import` reads those"),
    (b"ARROW1", "an Arrow file"),
    (b"SQLite format 3", "an SQLite database"),
    (b"%PDF", "a PDF document"),
    (b"\x7fELF", "a program"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"GGUF", "a model file"),
)


@dataclass(slots=True)
class Notes:
    """What was seen of the file as a whole while its lines were read."""

    lines: int = 0
    """Physical lines, blank ones included."""
    records: int = 0
    blanks: array[int] = field(default_factory=lambda: array("q"))
    """Numbers of the blank lines."""
    carriage_returns: int = 0
    """Lines that ended in CR LF or hold a CR."""
    first_carriage_return: int = 0
    bom: bool = False
    encoding: str = ""
    """Set where the bytes are UTF-16; they were read as such."""


@dataclass(slots=True)
class Source:
    """One dataset file; iterate `records` once. `notes` are complete after that."""

    path: Path | None
    """None for standard input."""
    name: str
    kind: Kind
    stream: BinaryIO
    size: int | None
    """Bytes of the file as it lies on the disk."""
    plain: bool
    """Whether its lines can be read by byte ranges: not packed, UTF-8, one record a line."""
    notes: Notes = field(default_factory=Notes)

    def batches(self) -> Iterator[Batch]:
        """Every line that is not blank, or every element of an array, or every row of a CSV file as an object."""
        if self.kind == "lines":
            return batches(blocks(self.stream), self.notes, name=self.name)
        data = _whole(self.stream, self.name)
        read = _elements(data, self.notes) if self.kind == "array" else _rows(data, self.notes, self.name)
        return grouped(read)

    def records(self) -> Iterator[Record]:
        """The same one by one."""
        for numbers, raws in self.batches():
            yield from zip(numbers, raws, strict=True)


def grouped(records: Iterable[Record]) -> Iterator[Batch]:
    """Single records in batches."""
    left = iter(records)
    while some := list(islice(left, GROUP)):
        yield [number for number, _ in some], [raw for _, raw in some]


def batches(
    parts: Iterable[bytes], notes: Notes, number: int = 0, *, first: bool = True, name: str = "the data"
) -> Iterator[Batch]:
    """The records of a file that comes in parts of any size; `number` lines stand before it, `first` tells the
    file's beginning.

    Raises InputError, which calls it `name`, where it cannot be read to its end.
    """
    notes.lines = number
    try:
        for lines, odd in _lines(parts):
            before, notes.lines = notes.lines, notes.lines + len(lines)
            numbers: Sequence[int] = range(before + 1, notes.lines + 1)
            if first or odd or min(lines) < b"!":  # one that is empty, or begins with white space
                numbers, lines = _trimmed(numbers, lines, notes, first=first)
                first = False
            notes.records += len(lines)
            yield numbers, lines
    except unpacking_errors() as error:
        raise InputError(f"{name} cannot be read after line {notes.lines}: {error}") from None


def split(parts: Iterable[bytes], notes: Notes, *, name: str = "the data") -> Iterator[Record]:
    """`batches`, one record after another."""
    for numbers, raws in batches(parts, notes, name=name):
        yield from zip(numbers, raws, strict=True)


def _trimmed(numbers: Iterable[int], lines: list[bytes], notes: Notes, *, first: bool) -> Batch:
    """The lines without byte order mark, carriage returns at their ends, and blank ones."""
    kept, raws = [], []
    for number, raw in zip(numbers, lines, strict=True):
        if first:
            first = False
            notes.bom = raw.startswith(BOM)
            raw = raw[3:] if notes.bom else raw
        if b"\r" in raw:
            notes.carriage_returns += 1
            notes.first_carriage_return = notes.first_carriage_return or number
            raw = raw[:-1] if raw.endswith(b"\r") else raw
        if not raw or raw.isspace():
            notes.blanks.append(number)
            continue
        kept.append(number)
        raws.append(raw)
    return kept, raws


def _lines(parts: Iterable[bytes]) -> Iterator[tuple[list[bytes], bool]]:
    """Whole lines without their LF, many at once, and whether there are carriage returns among them."""
    rest: list[bytes] = []
    odd = False
    for part in parts:
        lines = part.split(b"\n")
        odd = odd or b"\r" in part
        rest.append(lines[0])
        if len(lines) > 1:
            lines[0], rest = b"".join(rest), [lines.pop()]
            yield lines, odd
            odd = b"\r" in rest[0]
    last = b"".join(rest)
    if last:
        yield [last], odd


def blocks(stream: BinaryIO, size: int | None = None) -> Iterator[bytes]:
    """The next `size` bytes of a stream, or all that are left, in parts."""
    read: Callable[[int], bytes] = cast(Any, stream).read1
    while size is None or size > 0:
        block = read(BLOCK if size is None else min(size, BLOCK))
        if not block:
            return
        size = None if size is None else size - len(block)
        yield block


@contextmanager
def opened(path: str | Path) -> Iterator[Source]:
    """A dataset file ready to be read; "-" is standard input, which is kept in a temporary file meanwhile.

    Raises InputError, one sentence, for what is missing, no regular file, unreadable, or no text.
    """
    if str(path) == STDIN:
        with tempfile.SpooledTemporaryFile(max_size=8 * BLOCK) as spool:
            while block := sys.stdin.buffer.read(BLOCK):
                spool.write(block)
            size = spool.tell()
            spool.seek(0)
            yield _identified(None, "standard input", cast(BinaryIO, spool), size)
        return
    path = Path(path)
    with _regular(path) as stream:
        yield _identified(path, _told(path.name), stream, os.fstat(stream.fileno()).st_size)


def _told(name: str) -> str:
    """A file's name as text that UTF-8 can hold: a name may be any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")


def _regular(path: Path) -> BinaryIO:
    """The file opened for reading, without ever waiting on a pipe or device."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except ValueError:
        raise InputError(f"{path!r} is no path") from None
    if stat.S_ISDIR(mode):
        raise InputError(f"{path} is a folder; name a .jsonl file or a workspace (NAME.curator)")
    if not stat.S_ISREG(mode):
        raise InputError(f"{path} is no regular file; write '-' to read standard input")
    try:
        return path.open("rb", buffering=BLOCK)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None


def _identified(path: Path | None, name: str, stream: BinaryIO, size: int) -> Source:
    """What the first bytes say: packed or not, which encoding, lines or one array."""
    head = stream.read(HEAD)
    stream.seek(0)
    content = unpacked(stream, head)
    plain = content is None
    stream = content or stream
    if not plain:
        head, stream = _peek(stream, name)
    notes = Notes()
    wide = _utf16(head)
    if wide:
        notes.encoding, plain = "UTF-16", False
        stream = _recoded(stream, wide, name)
        head, stream = _peek(stream, name)
    _refuse_binary(head, path or Path(name))
    kind: Kind = "lines"
    if name.lower().removesuffix(".gz").removesuffix(".zst").endswith((".csv", ".tsv")):
        kind = "csv"
    elif _is_array(head, len(head) < HEAD):
        kind = "array"
    return Source(path, name, kind, stream, size, plain and kind == "lines", notes)


def _peek(stream: BinaryIO, name: str) -> tuple[bytes, BinaryIO]:
    """The first bytes of a stream that cannot be rewound, and the stream from its start."""
    buffered = (
        stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream), HEAD)
    )
    try:
        return buffered.peek(HEAD)[:HEAD], buffered
    except unpacking_errors() as error:
        raise InputError(f"{name} cannot be unpacked: {error}") from None


def _utf16(head: bytes) -> str:
    """The UTF-16 flavour that the bytes look like; empty for any other encoding."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(head) >= 4 and head[1:4:2] == b"\0\0" and head[0] in b"{[":
        return "utf-16-le"
    return "utf-16-be" if len(head) >= 4 and head[0:4:2] == b"\0\0" and head[1] in b"{[" else ""


def _recoded(stream: BinaryIO, encoding: str, name: str) -> BinaryIO:
    data = _whole(stream, name)
    try:
        text = data.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:  # half a character: its line will be found faulty
        text = data.decode(encoding, "replace")
    text = text.removeprefix("\ufeff")
    return io.BytesIO(text.encode("utf-8", "surrogatepass"))


def _refuse_binary(head: bytes, path: Path) -> None:
    for magic, words in _MAGIC:
        if head.startswith(magic):
            raise InputError(f"{path} is {words}, not a JSONL file")
    if b"\0" in head and not any(isinstance(_parsed(line), dict) for line in head.split(b"\n")[:100]):
        raise InputError(f"{path} is binary data, not a JSONL file")


def _is_array(head: bytes, complete: bool) -> bool:
    """Whether the file is one JSON array, or pretty-printed values, rather than one value a line.

    Two lines that are no JSON by themselves tell it (a single bad line may stand anywhere), or a first line
    that is an array of objects.
    """
    text = head.removeprefix(BOM).lstrip()
    if not text.startswith((b"[", b"{")):
        return False
    lines = text.splitlines() if complete else text.splitlines()[:-1] or [text]
    whole = [line for line in lines if line.strip()][:3]
    values = [_parsed(line) for line in whole]
    if text.startswith(b"["):
        if whole[0].strip() == b"[" and (values[1:2] == [None] or (complete and text.rstrip().endswith(b"\n]"))):
            return True
        first = values[0]
        if isinstance(first, list):
            return len(whole) == 1 and any(isinstance(item, dict) for item in first)
        if len(whole) == 1:
            return not complete  # one long line that is cut off here
    return all(value is None for value in values) and len(whole) > 1 and _begins_a_value(text)


def _parsed(line: bytes) -> object:
    try:
        return cast(object, orjson.loads(line))
    except orjson.JSONDecodeError:
        return None


def _begins_a_value(text: bytes) -> bool:
    """`[` or `{` and then a line end, or a key or element: what pretty printers write first."""
    first = text.split(b"\n", 1)[0].strip()
    return first in (b"[", b"{", b"[{", b"[[") or (
        first.startswith((b"[", b"{")) and first.endswith((b",", b"{", b"["))
    )


def _whole(stream: BinaryIO, name: str) -> bytes:
    try:
        data = stream.read(MAX_WHOLE + 1)
    except unpacking_errors() as error:
        raise InputError(f"{name} cannot be unpacked: {error}") from None
    if len(data) > MAX_WHOLE:
        raise InputError(f"{name} is one value of more than {MAX_WHOLE >> 30} GB; write it as JSON Lines first")
    return data


def _elements(data: bytes, notes: Notes) -> Iterator[Record]:
    """The elements of an array, or values one after another, each on one line."""
    notes.bom = data.startswith(BOM)
    notes.lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    if b"\r" in data:
        notes.carriage_returns, notes.first_carriage_return = (
            data.count(b"\r"),
            data[: data.index(b"\r")].count(b"\n") + 1,
        )
    line, at = 1, 0
    for start, end in splice.values(data):
        line, at = line + data.count(b"\n", at, start), start
        notes.records += 1
        yield line, splice.on_one_line(data[start:end])


def _rows(data: bytes, notes: Notes, name: str) -> Iterator[Record]:
    """The rows of a CSV file as objects by its header; a cell in a `messages` column may hold JSON."""
    notes.bom = data.startswith(BOM)
    try:
        text = data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError:
        notes.encoding, text = "not UTF-8", data.decode("cp1252", "replace")
    notes.lines = text.count("\n") + (not text.endswith("\n") and bool(text))
    delimiter = "\t" if ".tsv" in name.lower() else ","
    csv.field_size_limit(min(MAX_WHOLE, 2**31 - 1))  # what its default refuses may well be a long conversation
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = _names(next(reader, []))
        line = reader.line_num + 1
        for row in reader:
            if any(row):
                notes.records += 1
                names += (f"column {at}" for at in range(len(names) + 1, len(row) + 1))
                yield line, splice.dump({key: _cell(key, cell) for key, cell in zip(names, row, strict=False)})
            else:
                notes.blanks.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{name} is no CSV file: {error} (line {reader.line_num})") from None


def _names(header: list[str]) -> list[str]:
    """The header's names, told apart where one stands twice: no cell replaces another."""
    names: list[str] = []
    for at, name in enumerate(header, 1):
        names.append(f"{name} (column {at})" if name in names else name)
    return names


def _cell(key: str, cell: str) -> object:
    if key in ("messages", "tools", "input", "preferred_output", "non_preferred_output") and cell[:1] in (
        "[",
        "{",
    ):
        try:
            return cast(object, orjson.loads(cell))
        except orjson.JSONDecodeError:
            return cell
    return cell

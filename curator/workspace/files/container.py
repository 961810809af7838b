"""Tells from a file's first bytes what it is: UTF-16, binary data, or one JSON value over many lines."""

from __future__ import annotations

import io
import json
import re
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from curator.core import splice
from curator.core.bookkeeping import is_bookkeeping
from curator.core.lines import BOM
from curator.errors import InputError
from curator.workspace.files.compressed import unpacking_errors

HEAD = 1 << 16
"""Bytes from which the kind of a file is told."""
MAX_WHOLE = 2 << 30
"""Most bytes of a file that has to be in memory as a whole: a JSON array, CSV, UTF-16."""
_MAGIC_NUMBERS = (
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
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x89HDF", "an HDF5 file"),
    (b"7z\xbc\xaf", "a 7-Zip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
    (b"\x04\x22\x4d\x18", "an LZ4 archive; unpack it first"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
    (b"GIF8", "a GIF image"),
    (b"MZ", "a program"),
)
_PICKLE = re.compile(rb"\A\x80[\x02-\x05]")
"""How a pickle of any protocol in use begins. It is never opened: unpickling runs what is in it."""
_CONTROLS = bytes({*range(32)} - {*b"\t\n\r\f\x1a\x1b"})
"""Control characters that do not occur in text."""
_MOST_CONTROLS = 0.05
"""Share of control characters above which a file is taken for binary data."""
_OTHER_TEXTS = (
    (
        re.compile(rb"\Aversion https://git-lfs\.github\.com/spec"),
        "a pointer of Git LFS; run `git lfs pull` first",
    ),
    (re.compile(rb"\A\s*<(?:!doctype html|html)", re.IGNORECASE), "a web page; download the file itself"),
    (re.compile(rb"\A\s*<\?xml"), "XML; write it as JSON Lines first"),
    (re.compile(rb"\A(?:%YAML|---\s*\n|- \w+:\s)"), "YAML; write it as JSON Lines first"),
    (re.compile(rb"\A\[\[?\w+\]\]?\s*\n\w+\s*="), "TOML; write it as JSON Lines first"),
)
"""How texts begin that hold no lines of JSON."""
WRAPPING_KEYS = ("data", "examples", "rows", "items", "records", "train")
"""Keys under which one object may hold the list of all records."""
_BESIDE_RECORDS = ("features", "columns", "fields", "splits", "links", "errors")
"""Keys of lists that say something about the records beside them."""
_ABOUT_FILE = ("version", "schema", "total", "count", "license")
_WRAPPED = re.compile(
    rb'\A\s*\{(?:[^\[\]{}]*|\s*"(?:dataset|features|schema)".{1,8000}?)"(?:'
    + "|".join(WRAPPING_KEYS).encode()
    + rb')"\s*:\s*\[\s*[\[{]',
    re.DOTALL,
)

_LISTED = re.compile(rb'\A\s*\{[^\[\]{}]*?"([^"\\]{1,200})"\s*:\s*\[\s*\{')
"""How an object begins that holds a list of objects behind nothing but plain values."""
_LOOKED_AT = 20
"""Items of a list by which it is judged."""


def peek(stream: BinaryIO, name: str) -> tuple[bytes, BinaryIO]:
    """The first bytes of a stream that cannot seek, and a stream that still begins with them."""
    buffered = (
        stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, stream), HEAD)
    )
    try:
        return buffered.peek(HEAD)[:HEAD], buffered
    except unpacking_errors() as error:
        raise InputError(f"{name} cannot be unpacked: {error}") from None


def utf16_encoding(head: bytes) -> str:
    """The codec for UTF-16 with a byte order mark, or of JSON without one; empty for any other encoding."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(head) >= 4 and head[1:4:2] == b"\0\0" and head[0] in b"{[":
        return "utf-16-le"
    return "utf-16-be" if len(head) >= 4 and head[0:4:2] == b"\0\0" and head[1] in b"{[" else ""


def recode_to_utf8(stream: BinaryIO, encoding: str, name: str) -> BinaryIO:
    """The content of a UTF-16 stream in UTF-8. Raises InputError where it is too long or cannot be unpacked."""
    data = read_whole(stream, name)
    try:
        text = data.decode(encoding, "surrogatepass")
    except UnicodeDecodeError:  # half a character: a check reports its line
        text = data.decode(encoding, "replace")
    text = text.removeprefix("\ufeff")
    return io.BytesIO(text.encode("utf-8", "surrogatepass"))


def refuse_binary(head: bytes, path: Path) -> None:
    """Raise InputError where the first bytes are not text; the message names the format where it is known."""
    for magic, words in _MAGIC_NUMBERS:
        if head.startswith(magic):
            what, _, advice = words.partition("; ")
            raise InputError(f"{path} is {what}, not a JSONL file" + (f"; {advice}" if advice else ""))
    if _PICKLE.match(head):
        raise InputError(f"{path} is a Python pickle, which is never opened here; write it as JSON Lines first")
    if head[257:262] == b"ustar":
        raise InputError(f"{path} is a tar archive; unpack it first")
    controls = len(head) - len(head.translate(None, _CONTROLS))
    binary = b"\0" in head or controls > _MOST_CONTROLS * len(head)
    if binary and not any(isinstance(parse_json(line.strip(b"\0\r ")), dict) for line in head.split(b"\n")[:100]):
        raise InputError(f"{path} is binary data, not a JSONL file")


def refuse_other_text(head: bytes, path: Path, kind: str) -> None:
    """Raise InputError where a text of no table and no JSON value is of a known other kind."""
    for pattern, words in _OTHER_TEXTS:
        if kind == "lines" and pattern.match(head.removeprefix(BOM)):
            what, _, advice = words.partition("; ")
            raise InputError(f"{path} is {what}, not a JSONL file; {advice}")


def wrapping_key(value: bytes, beside: list[str] | None = None) -> str:
    """The key of an object that only wraps a list of records (`{"data": [...]}`); empty where it does not.

    `beside` gets the other keys of such an object, but for bookkeeping.

    Only one key may hold a list of objects or lists, and it must be one of `WRAPPING_KEYS`, or hold records of
    known shapes in an object of none; lists that describe the records do not count.
    """
    record = parse_json(value)
    if record is None:  # a number that orjson does not take, maybe
        try:
            record = json.loads(value)
        except (ValueError, RecursionError):
            return ""
    if not isinstance(record, dict):
        return ""
    key = _key_of_records(record)
    if key and beside is not None:
        beside += [name for name, each in record.items() if name != key and not _is_about_records(name, each)]
    return key


def _is_about_records(key: str, value: object) -> bool:
    """Whether a value beside the records is bookkeeping, which nobody misses."""
    return key in (*_BESIDE_RECORDS, "version", "schema", "total", "count", "license") or is_bookkeeping(
        key, value
    )


def _key_of_records(record: dict[str, Any]) -> str:
    listed = [
        key for key, each in record.items() if isinstance(each, list) and each and key not in _BESIDE_RECORDS
    ]
    if len(listed) != 1:
        return ""
    items = record[listed[0]]
    if listed[0] not in WRAPPING_KEYS:
        return listed[0] if _are_records(record, items) else ""
    return listed[0] if all(isinstance(item, dict | list) for item in items) else ""


def _are_records(record: dict[str, Any], items: list[Any]) -> bool:
    """Whether a list holds records of known shapes, such as pairs of a prompt and an answer, and no turns."""
    from curator.core.convert.shapes import shape_of  # heavy: most files are no such object

    are_known = all(isinstance(item, dict) and shape_of(item) != "unknown" for item in items[:_LOOKED_AT])
    return are_known and shape_of(record) == "unknown"


def _is_cut_off_wrapper(text: bytes) -> bool:
    """Whether one long line that is cut off here begins as an object that only wraps records."""
    begins = _LISTED.match(text)
    if begins is None:
        return False
    spans = [*islice(splice.values(text[begins.end() - 1 :]), _LOOKED_AT + 1)][:-1]
    items = [parse_json(text[begins.end() - 1 :][start:end]) for start, end in spans]
    return bool(items) and bool(_key_of_records({begins[1].decode("utf-8", "replace"): items}))


def is_array(head: bytes, complete: bool) -> bool:
    """Whether a file is one JSON array, or pretty-printed values, rather than one value a line.

    `complete`: `head` is the whole file. It is so where the first two lines are no JSON by themselves (one alone
    may be a faulty line), or where the first line is an array of objects.
    """
    text = head.removeprefix(BOM).lstrip()
    if not text.startswith((b"[", b"{")):
        return False
    lines = text.splitlines() if complete else text.splitlines()[:-1] or [text]
    whole = [line for line in lines if line.strip()][:3]
    values = [parse_json(line) for line in whole]
    if text.startswith(b"["):
        if whole[0].strip() == b"[" and (values[1:2] == [None] or (complete and text.rstrip().endswith(b"\n]"))):
            return True
        first = values[0]
        if isinstance(first, list):
            return len(whole) == 1 and (any(isinstance(item, dict) for item in first) or _are_conversations(first))
        if len(whole) == 1:
            return not complete  # one long line that is cut off here
    if len(whole) == 1 and _WRAPPED.match(text):
        return not complete or bool(wrapping_key(text))
    if (
        len(whole) == 1
        and text.startswith(b"{")
        and (wrapping_key(text) if complete else _is_cut_off_wrapper(text))
    ):
        return True
    if len(whole) == 1:
        return values == [None] and _are_values(text, complete)
    return not any(isinstance(value, dict | list) for value in values) and _begins_a_value(text)


def _are_conversations(items: list[Any]) -> bool:
    """Whether the items of a list are lists of messages, each a record by itself."""
    return bool(items) and all(isinstance(item, list) and item and isinstance(item[0], dict) for item in items)


def _are_values(text: bytes, complete: bool) -> bool:
    """Whether one line, maybe cut off here, is two or more objects, one right after another."""
    spans = [*islice(splice.values(text), 1000)]
    spans = spans if complete else spans[:-1]
    return len(spans) > 1 and all(isinstance(parse_json(text[start:end]), dict) for start, end in spans)


def parse_json(line: bytes) -> object:
    """The value of a JSON text; None where it is not valid."""
    try:
        return cast(object, orjson.loads(line))
    except orjson.JSONDecodeError:
        return None


def _begins_a_value(text: bytes) -> bool:
    """Whether the first line is one that pretty printers write: brackets alone, or brackets before a first
    entry."""
    first = text.split(b"\n", 1)[0].strip()
    return first in (b"[", b"{", b"[{", b"[[") or (
        first.startswith((b"[", b"{")) and first.endswith((b",", b"{", b"["))
    )


def read_whole(stream: BinaryIO, name: str) -> bytes:
    """All bytes of a stream. Raises InputError for more than `MAX_WHOLE`, or where it cannot be unpacked."""
    try:
        data = stream.read(MAX_WHOLE + 1)
    except unpacking_errors() as error:
        raise InputError(f"{name} cannot be unpacked: {error}") from None
    if len(data) > MAX_WHOLE:
        raise InputError(f"{name} is one value of more than {MAX_WHOLE >> 30} GB; write it as JSON Lines first")
    return data

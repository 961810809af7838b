"""Reads a dataset file as physical lines, whatever it comes as: plain, .gz, .zst, a JSON array, .csv, or stdin.

Lines end at LF alone; one CR before it is cut, and a BOM at the start. Blank lines are counted and skipped. Only
records leave here: (line number from 1, bytes without terminator). The source is never written.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Literal, cast

from curator.errors import InputError
from curator.workspace.files.compressed import unpack
from curator.workspace.files.container import (
    HEAD,
    is_array,
    peek,
    read_whole,
    recode_to_utf8,
    refuse_binary,
    utf16_encoding,
)
from curator.workspace.files.line_splitter import BLOCK, Batch, Notes, Record, batches, blocks, group
from curator.workspace.files.tables import elements, rows

STDIN = "-"

Kind = Literal["lines", "array", "csv"]


@dataclass(slots=True)
class DatasetFile:
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
        data = read_whole(self.stream, self.name)
        read = elements(data, self.notes) if self.kind == "array" else rows(data, self.notes, self.name)
        return group(read)

    def records(self) -> Iterator[Record]:
        """The same one by one."""
        for numbers, raws in self.batches():
            yield from zip(numbers, raws, strict=True)


@contextmanager
def open_dataset(path: str | Path) -> Iterator[DatasetFile]:
    """A dataset file ready to be read; "-" is standard input, which is kept in a temporary file meanwhile.

    Raises InputError, one sentence, for what is missing, no regular file, unreadable, or no text.
    """
    if str(path) == STDIN:
        with tempfile.SpooledTemporaryFile(max_size=8 * BLOCK) as spool:
            while block := sys.stdin.buffer.read(BLOCK):
                spool.write(block)
            size = spool.tell()
            spool.seek(0)
            yield _identify(None, "standard input", cast(BinaryIO, spool), size)
        return
    path = Path(path)
    with _open_regular(path) as stream:
        yield _identify(path, _utf8_name(path.name), stream, os.fstat(stream.fileno()).st_size)


def _utf8_name(name: str) -> str:
    """A file's name as text that UTF-8 can hold: a name may be any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")


def _open_regular(path: Path) -> BinaryIO:
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


def _identify(path: Path | None, name: str, stream: BinaryIO, size: int) -> DatasetFile:
    """What the first bytes say: packed or not, which encoding, lines or one array."""
    head = stream.read(HEAD)
    stream.seek(0)
    content = unpack(stream, head)
    plain = content is None
    stream = content or stream
    if not plain:
        head, stream = peek(stream, name)
    notes = Notes()
    wide = utf16_encoding(head)
    if wide:
        notes.encoding, plain = "UTF-16", False
        stream = recode_to_utf8(stream, wide, name)
        head, stream = peek(stream, name)
    refuse_binary(head, path or Path(name))
    kind: Kind = "lines"
    if name.lower().removesuffix(".gz").removesuffix(".zst").endswith((".csv", ".tsv")):
        kind = "csv"
    elif is_array(head, len(head) < HEAD):
        kind = "array"
    return DatasetFile(path, name, kind, stream, size, plain and kind == "lines", notes)

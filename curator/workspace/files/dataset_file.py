"""Reads a dataset file as records, be it JSON Lines, a JSON array or CSV, plain, .gz or .zst, or standard input.

A record is (line number from 1, bytes of one example without line end). The file is never written.
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
from typing import BinaryIO, cast

from curator.errors import InputError
from curator.workspace.files.compressed import unpack
from curator.workspace.files.container import (
    HEAD,
    peek,
    read_whole,
    recode_to_utf8,
    refuse_binary,
    refuse_other_text,
    utf16_encoding,
)
from curator.workspace.files.kinds import Kind, kind_of_text
from curator.workspace.files.line_splitter import BLOCK, Batch, Notes, Record, batches, blocks, group

STDIN = "-"
"""The path that stands for standard input."""


@dataclass(slots=True)
class DatasetFile:
    """One open dataset file. Read `records` or `batches` once; after that `notes` are complete."""

    path: Path | None
    """None for standard input."""
    name: str
    kind: Kind
    stream: BinaryIO
    """The content, unpacked and in UTF-8."""
    size: int | None
    """Bytes of the file on the disk; None where there is no file."""
    plain: bool
    """Whether it is JSON Lines in UTF-8, not packed, so that its lines can be read by byte ranges."""
    notes: Notes = field(default_factory=Notes)

    def batches(self) -> Iterator[Batch]:
        """All records: lines that are not blank, elements of an array, or rows of a CSV file as objects."""
        if self.kind == "lines":
            return batches(blocks(self.stream), self.notes, name=self.name)
        from curator.workspace.files.tables import (
            elements,
            rows,
        )  # heavy: all shapes, for an array or a table alone

        data = read_whole(self.stream, self.name)
        records = elements(data, self.notes) if self.kind == "array" else rows(data, self.notes, self.name)
        return group(records)

    def records(self) -> Iterator[Record]:
        """As `batches`, one record after another."""
        for numbers, raws in self.batches():
            yield from zip(numbers, raws, strict=True)


@contextmanager
def open_dataset(path: str | Path) -> Iterator[DatasetFile]:
    """Open a dataset file; "-" is standard input, which is read to its end into a temporary file.

    Raises InputError where the file is missing, no regular file, unreadable, or not text.
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
    """A file's name as valid UTF-8: on Linux it may be any bytes."""
    return os.fsencode(name).decode("utf-8", "replace")


def _open_regular(path: Path) -> BinaryIO:
    """Open a regular file for reading; pipes and devices are refused, since opening one may block."""
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
    """Find out from the first bytes whether a file is packed, its encoding, and whether it is lines or one
    array."""
    head = stream.read(HEAD)
    stream.seek(0)
    content = unpack(stream, head)
    plain = content is None
    stream = content or stream
    if not plain:
        head, stream = peek(stream, name)
    notes = Notes(packed=not plain)
    wide = utf16_encoding(head)
    if wide:
        notes.encoding, plain = "UTF-16", False
        stream = recode_to_utf8(stream, wide, name)
        head, stream = peek(stream, name)
    refuse_binary(head, path or Path(name))
    kind, misnamed = kind_of_text(head, name, len(head) < HEAD)
    refuse_other_text(head, path or Path(name), kind)
    notes.misnamed = "; ".join(filter(None, (_packed_in_spite_of(name, notes.packed), misnamed)))
    return DatasetFile(path, name, kind, stream, size, plain and kind == "lines", notes)


def _packed_in_spite_of(name: str, packed: bool) -> str:
    """A phrase where a name says something else of the packing than the bytes do."""
    if name == "standard input" or packed == name.lower().endswith((".gz", ".zst")):
        return ""
    return "compressed in spite of its name" if packed else "not compressed in spite of its name"

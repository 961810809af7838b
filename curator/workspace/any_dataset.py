"""Reads the examples of any path: each with its line number in a file, or its id in a workspace."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections import deque
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from curator.core.lines import trim
from curator.errors import InputError
from curator.workspace.files.dataset_file import STDIN, DatasetFile, open_dataset
from curator.workspace.files.line_splitter import Notes, blocks, records
from curator.workspace.storage.folder import is_workspace

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

_IN_MEMORY = 256 * 1024 * 1024
"""Bytes of records in memory; more go to a temporary file."""
_LF = 10


class RecordsByNumber(Mapping[int, bytes]):
    """The bytes of all records by their number, in order; complete once the records were iterated over."""

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of all records that were read, in order."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[int]:
        return iter(self.numbers)

    def __len__(self) -> int:
        return len(self.numbers)

    def __contains__(self, number: object) -> bool:
        return number in self._rows

    @cached_property
    def _rows(self) -> dict[int, int]:
        """The position of each number."""
        return {number: row for row, number in enumerate(self.numbers)}

    def items(self) -> ItemsView[int, bytes]:
        """(number, bytes), read from first to last."""
        return _InOrder(self)

    def in_order(self) -> Iterator[tuple[int, bytes]]:
        """All records with their numbers, read once more from first to last: quicker than one by one."""
        return ((number, self[number]) for number in self.numbers)

    def close(self) -> None:
        """Free memory and files. Raises InputError where the file changed meanwhile."""


class _InOrder(ItemsView[int, bytes]):
    _mapping: RecordsByNumber

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return self._mapping.in_order()


class Spool(RecordsByNumber):
    """Stores records as they are read: in memory, or beyond `_IN_MEMORY` bytes in a temporary file."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._ends = array("q", [0])

    @property
    def numbers(self) -> Sequence[int]:
        """In the order in which they were stored."""
        return self._numbers

    def store(self, records: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        """The records, each stored as it passes."""
        for number, raw in records:
            self._file.write(raw)
            self._numbers.append(number)
            self._ends.append(self._ends[-1] + len(raw))
            yield number, raw

    def __getitem__(self, number: int) -> bytes:
        row = self._rows[number]
        self._file.seek(self._ends[row])
        return self._file.read(self._ends[row + 1] - self._ends[row])

    def close(self) -> None:
        """Free the memory or the file."""
        self._file.close()


class RereadFile(RecordsByNumber):
    """Stores only where the lines of a plain file end, and reads a record from the file again on demand."""

    def __init__(self, source: DatasetFile) -> None:
        self._source = source
        self._file = source.stream.fileno()
        self._stat = os.fstat(self._file)
        self._ends = array("q", [0])

    def read(self) -> Iterator[tuple[int, bytes]]:
        """All records of the file."""
        return records(self._note_ends(), self._source.notes, name=self._source.name)

    def physical_lines(self) -> Iterator[bytes]:
        """All lines with their ends, blank ones too: the quickest way to read the file."""
        at, note = 0, self._ends.append
        for line in self._source.stream:
            at += len(line)
            note(at)
            yield line

    def _note_ends(self) -> Iterator[bytes]:
        """The blocks of the file; the ends of their lines are stored."""
        import numpy as np  # heavy

        at = 0
        for block in blocks(self._source.stream):
            ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _LF) + (at + 1)
            self._ends.frombytes(ends.astype(np.int64).tobytes())
            at += len(block)
            yield block
        self._ends.append(at)

    @cached_property
    def numbers(self) -> Sequence[int]:
        """The numbers of all lines but the blank ones."""
        notes = self._source.notes
        if not notes.lines:  # it was read by `physical_lines`, which does not note blank lines
            return [line for line in range(1, len(self._ends)) if self[line].strip()]
        blank = set(notes.blanks)
        return [line for line in range(1, notes.lines + 1) if line not in blank]

    def __getitem__(self, number: int) -> bytes:
        start, end = self._ends[number - 1], self._ends[number]
        return trim(self._read(start, end - start), first=number == 1)

    def in_order(self) -> Iterator[tuple[int, bytes]]:
        self._source.stream.seek(0)
        return records(blocks(self._source.stream), Notes(), name=self._source.name)

    def _read(self, start: int, count: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file, count, start)
        os.lseek(self._file, start, os.SEEK_SET)
        return os.read(self._file, count)

    def close(self) -> None:
        """Raise InputError where the file is another one now than when it was read."""
        now = os.fstat(self._file)
        if (now.st_size, now.st_mtime_ns) != (self._stat.st_size, self._stat.st_mtime_ns):
            raise InputError(f"{self._source.name} changed while it was read; run the command again")


class Examples:
    """Iterate once over (number, bytes); afterwards `by_number` holds all records.

    Numbers are line numbers of a file or ids in a workspace; `noun` is `line` or `example` accordingly.
    """

    def __init__(self, records: Iterator[tuple[int, bytes]], by_number: RecordsByNumber, noun: str) -> None:
        self._records = records
        self.by_number = by_number
        self.noun = noun
        self.left_out = 0
        """Examples of a workspace that were passed over since they were rejected in review."""

    def read_from(self, records: Iterator[tuple[int, bytes]]) -> None:
        """Take the records from here."""
        self._records = records

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return self._records

    def physical_lines(self) -> Iterator[tuple[int, bytes]]:
        """As iterating, but quicker: with line ends, a byte order mark and blank lines where the file has them."""
        return (
            enumerate(self.by_number.physical_lines(), 1)
            if isinstance(self.by_number, RereadFile)
            else self._records
        )

    def raw(self, number: int) -> bytes:
        """The bytes of a record that was iterated over."""
        return self.by_number[number]

    def read_all(self) -> RecordsByNumber:
        """Read the remaining records and return all."""
        deque(self._records, 0)
        return self.by_number


def _unless_rejected(workspace: Workspace, examples: Examples) -> Iterator[tuple[int, bytes]]:
    """The records of a workspace without those that were rejected in review, which are counted."""
    for record in workspace.records(workspace.ids()):
        if record.review == "rejected":
            examples.left_out += 1
        else:
            yield record.id, record.raw


@contextmanager
def open_examples(path: str | Path, *, to_train: bool = False) -> Iterator[Examples]:
    """The examples of a dataset file (any kind, "-" too) or of a workspace, without its deleted ones.

    `to_train`: also without those that were rejected in review. Raises InputError. A workspace is opened for
    reading; for a file no workspace is made.
    """
    spool = Spool()
    if str(path) != STDIN and is_workspace(Path(path)):
        from curator.workspace.opening import open_workspace  # heavy

        with open_workspace(path, read_only=True) as workspace:
            examples = Examples(iter(()), spool, "example")
            records = ((r.id, r.raw) for r in workspace.records(workspace.ids()))
            examples.read_from(spool.store(_unless_rejected(workspace, examples) if to_train else records))
            yield examples
            spool.close()
        return
    with open_dataset(path) as source:
        if source.plain and source.path is not None:
            lines = RereadFile(source)
            yield Examples(lines.read(), lines, "line")
            lines.close()
        else:
            yield Examples(spool.store(source.records()), spool, "line")
            spool.close()

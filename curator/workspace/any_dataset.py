"""The examples of a path, file or workspace alike, each with the number it goes by."""

from __future__ import annotations

import os
import tempfile
from array import array
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from curator.core.lines import trim
from curator.errors import InputError
from curator.workspace.files.dataset_file import STDIN, DatasetFile, open_dataset
from curator.workspace.files.line_splitter import blocks, records
from curator.workspace.storage.folder import is_workspace

_IN_MEMORY = 256 * 1024 * 1024
_LF = 10


class Kept(Mapping[int, bytes]):
    """The bytes of all records by their number, in order."""

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
        """The place of each number; only once all are read."""
        return {number: row for row, number in enumerate(self.numbers)}

    def close(self) -> None:
        """Give everything back. Raises InputError where the source changed meanwhile."""


class Spool(Kept):
    """In memory while they are few and in a temporary file beyond."""

    def __init__(self) -> None:
        self._numbers = array("q")
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self._ends = array("q", [0])

    @property
    def numbers(self) -> Sequence[int]:
        """As they came."""
        return self._numbers

    def keeping(self, records: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        """The records, each kept on its way."""
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
        """Give the memory or the file back."""
        self._file.close()


class Again(Kept):
    """Those of a plain file are read a second time where they are wanted: only the ends of its lines are kept."""

    def __init__(self, source: DatasetFile) -> None:
        self._source = source
        self._file = source.stream.fileno()
        self._seen = os.fstat(self._file)
        self._ends = array("q", [0])

    def keeping(self) -> Iterator[tuple[int, bytes]]:
        """All records."""
        return records(self._noting(), self._source.notes, name=self._source.name)

    def physical(self) -> Iterator[bytes]:
        """All lines as they lie in the file, with their ends and blank ones too: the quickest way through it."""
        at, note = 0, self._ends.append
        for line in self._source.stream:
            at += len(line)
            note(at)
            yield line

    def _noting(self) -> Iterator[bytes]:
        import numpy as np

        at = 0
        for block in blocks(self._source.stream):
            ends = np.flatnonzero(np.frombuffer(block, np.uint8) == _LF) + (at + 1)
            self._ends.frombytes(ends.astype(np.int64).tobytes())
            at += len(block)
            yield block
        self._ends.append(at)

    @cached_property
    def numbers(self) -> Sequence[int]:
        """All lines but the blank ones."""
        notes = self._source.notes
        if not notes.lines:  # read by `physical`, which does not tell
            return [line for line in range(1, len(self._ends)) if self[line].strip()]
        blank = set(notes.blanks)
        return [line for line in range(1, notes.lines + 1) if line not in blank]

    def __getitem__(self, number: int) -> bytes:
        start, end = self._ends[number - 1], self._ends[number]
        return trim(self._read(start, end - start), first=number == 1)

    def _read(self, start: int, count: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file, count, start)
        os.lseek(self._file, start, os.SEEK_SET)
        return os.read(self._file, count)

    def close(self) -> None:
        """Raise InputError where the file is another one now than when it was read."""
        now = os.fstat(self._file)
        if (now.st_size, now.st_mtime_ns) != (self._seen.st_size, self._seen.st_mtime_ns):
            raise InputError(f"{self._source.name} changed while it was read; run the command again")


class Examples:
    """Iterate once over (number, bytes); afterwards any record can be had again from `kept`.

    Numbers are physical lines of a file, or ids of a workspace's examples (`noun` says which).
    """

    def __init__(self, records: Iterator[tuple[int, bytes]], kept: Kept, noun: str) -> None:
        self._records = records
        self.kept = kept
        self.noun = noun

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return self._records

    def rough(self) -> Iterator[tuple[int, bytes]]:
        """As iterating, but there may be blank lines, line ends and a byte order mark."""
        return enumerate(self.kept.physical(), 1) if isinstance(self.kept, Again) else self._records

    def raw(self, number: int) -> bytes:
        """The bytes of a record that was read."""
        return self.kept[number]

    def all(self) -> Kept:
        """Every record, once all are read."""
        deque(self._records, 0)
        return self.kept


@contextmanager
def examples(path: str | Path) -> Iterator[Examples]:
    """All examples of a dataset file (any kind that `lines` reads, "-" too) or of a workspace, deleted ones not.

    Raises InputError. A workspace is opened for reading; a file is never written and makes no workspace.
    """
    spool = Spool()
    if str(path) != STDIN and is_workspace(Path(path)):
        from curator.workspace.opening import open_workspace  # heavy

        with open_workspace(path, read_only=True) as workspace:
            records = ((r.id, r.raw) for r in workspace.records(workspace.ids()))
            yield Examples(spool.keeping(records), spool, "example")
            spool.close()
        return
    with open_dataset(path) as source:
        if source.plain and source.path is not None:
            again = Again(source)
            yield Examples(again.keeping(), again, "line")
            again.close()
        else:
            yield Examples(spool.keeping(source.records()), spool, "line")
            spool.close()

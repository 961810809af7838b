"""The examples of a path, file or workspace alike, each with the number it goes by."""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from curator.workspace import lines, place

_IN_MEMORY = 256 * 1024 * 1024


class Spool:
    """Bytes by number, kept in memory while they are few and in a temporary file beyond."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115
        self.numbers = array("q")
        self._ends = array("q", [0])
        self._row: dict[int, int] = {}

    def add(self, number: int, raw: bytes) -> None:
        """Keep one record."""
        self._file.write(raw)
        self._row[number] = len(self.numbers)
        self.numbers.append(number)
        self._ends.append(self._ends[-1] + len(raw))

    def __getitem__(self, number: int) -> bytes:
        """A record by its number; only once all are added."""
        row = self._row[number]
        self._file.seek(self._ends[row])
        return self._file.read(self._ends[row + 1] - self._ends[row])

    def close(self) -> None:
        """Give the memory or the file back."""
        self._file.close()


class Examples:
    """Iterate once over (number, bytes); afterwards any record can be had again by `raw`.

    Numbers are physical lines of a file, or ids of a workspace's examples (`noun` says which).
    """

    def __init__(self, records: Iterator[tuple[int, bytes]], noun: str) -> None:
        self._records = records
        self._spool = Spool()
        self.noun = noun

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for number, raw in self._records:
            self._spool.add(number, raw)
            yield number, raw

    def raw(self, number: int) -> bytes:
        """The bytes of a record that was read."""
        return self._spool[number]

    @property
    def numbers(self) -> Sequence[int]:
        """The numbers of all records that were read, in order."""
        return self._spool.numbers

    def close(self) -> None:
        """Give everything back."""
        self._spool.close()


@contextmanager
def examples(path: str | Path) -> Iterator[Examples]:
    """All examples of a dataset file (any kind that `lines` reads, "-" too) or of a workspace, deleted ones not.

    Raises InputError. A workspace is opened for reading; a file is never written and makes no workspace.
    """
    if str(path) != lines.STDIN and place.is_workspace(Path(path)):
        from curator.workspace.workspace import Workspace

        with Workspace.open(path, read_only=True) as workspace:
            found = Examples(((r.id, r.raw) for r in workspace.records(workspace.ids())), "example")
            yield found
            found.close()
        return
    with lines.opened(path) as source:
        found = Examples(source.records(), "line")
        yield found
        found.close()

"""Findings as JSON objects: few are held in memory, many in a temporary file until they are printed."""

from __future__ import annotations

import shutil
import tempfile
from typing import IO, BinaryIO

import orjson

from curator.core.problem import Problem
from curator.core.text import writable

IN_MEMORY = 8 << 20
"""Bytes held in memory before they go to the file."""


class Rows:
    """JSON objects, joined by commas. With `spill` they may go to a temporary file; such rows cannot be
    pickled."""

    def __init__(self, *, spill: bool = False) -> None:
        self.spill = spill
        self._text = bytearray()
        self._file: IO[bytes] | None = None

    def add(self, rows: bytes) -> None:
        """Append one object, or several that are joined by commas already."""
        if rows:
            self._text += b"," + rows if self._text or self._file is not None else rows
        if self.spill and len(self._text) > IN_MEMORY:
            self._file = self._file or tempfile.TemporaryFile("w+b")  # noqa: SIM115 (lives as long as the rows)
            self._file.write(self._text)
            self._text.clear()

    def extend(self, later: Rows) -> None:
        """Append other rows, which must be without `spill`."""
        self.add(bytes(later._text))

    def write_to(self, out: BinaryIO) -> None:
        """Write all rows in order, without brackets."""
        if self._file is not None:
            self._file.seek(0)
            shutil.copyfileobj(self._file, out)
        out.write(self._text)

    def parsed(self) -> list[dict[str, object]]:
        """All rows parsed; only for few rows."""
        if self._file is not None:
            self._file.seek(0)
        start = self._file.read() if self._file is not None else b""
        rows: list[dict[str, object]] = orjson.loads(b"[%b%b]" % (start, bytes(self._text)))
        return rows


def as_json(line: int | None, problem: Problem) -> bytes:
    """One entry of `problems` in the JSON of `curator check`."""
    return orjson.dumps(
        {
            "line": line,
            "rule": problem.rule,
            "severity": problem.severity.value,
            "location": writable(problem.location),
            "message": writable(problem.message),
            "fix": problem.fix,
        }
    )

"""Findings as JSON rows: few stay in memory, many go to a temporary file until they are printed."""

from __future__ import annotations

import shutil
import tempfile
from typing import IO, BinaryIO

import orjson

from curator.core.problem import Problem
from curator.core.text import writable

IN_MEMORY = 8 << 20


class Rows:
    """JSON objects one after another, with commas between. One that is to be pickled must not be `spill`ing."""

    def __init__(self, *, spill: bool = False) -> None:
        self.spill = spill
        self._text = bytearray()
        self._file: IO[bytes] | None = None

    def add(self, rows: bytes) -> None:
        """Append one row, or rows that are joined already."""
        if rows:
            self._text += b"," + rows if self._text or self._file is not None else rows
        if self.spill and len(self._text) > IN_MEMORY:
            self._file = self._file or tempfile.TemporaryFile("w+b")  # noqa: SIM115 (lives as long as the rows)
            self._file.write(self._text)
            self._text.clear()

    def extend(self, later: Rows) -> None:
        """Append the rows of one that never spilt."""
        self.add(bytes(later._text))

    def write_to(self, out: BinaryIO) -> None:
        """All rows, in order."""
        if self._file is not None:
            self._file.seek(0)
            shutil.copyfileobj(self._file, out)
        out.write(self._text)

    def parsed(self) -> list[dict[str, object]]:
        """All rows as objects; for callers who know them to be few."""
        if self._file is not None:
            self._file.seek(0)
        start = self._file.read() if self._file is not None else b""
        found: list[dict[str, object]] = orjson.loads(b"[%b%b]" % (start, bytes(self._text)))
        return found


def as_json(line: int | None, problem: Problem) -> bytes:
    """One entry of CHECK's `problems`."""
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

"""Findings as JSON objects: few are held in memory, many in a temporary file until they are printed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import IO, BinaryIO

import orjson
from xxhash import xxh3_64_hexdigest

from curator.core.problem import Problem
from curator.core.rules.facts import Facts
from curator.core.text import writable

IN_MEMORY = 1 << 20
"""Bytes held in memory before they go to the file."""


class Rows:
    """JSON objects, one a line. With `spill` they may go to a temporary file; such rows cannot be pickled."""

    def __init__(self, *, spill: bool = False) -> None:
        self.spill = spill
        self._text = bytearray()
        self._file: IO[bytes] | None = None

    def add(self, rows: bytes) -> None:
        """Append one object, or several that are joined by line feeds already."""
        if rows:
            self._text += rows + b"\n"
        if self.spill and len(self._text) > IN_MEMORY:
            self._file = self._file or tempfile.TemporaryFile("w+b")  # noqa: SIM115 (lives as long as the rows)
            self._file.write(self._text)
            self._text.clear()

    def extend(self, later: Rows) -> None:
        """Append other rows, which must be without `spill`."""
        self.add(bytes(later._text).removesuffix(b"\n"))

    def __iter__(self) -> Iterator[bytes]:
        """The rows in order, each without its line feed; nothing may be added meanwhile."""
        if self._file is not None:
            self._file.seek(0)
            yield from (row.rstrip(b"\n") for row in self._file)
            self._file.seek(0, os.SEEK_END)
        yield from bytes(self._text).splitlines()

    def write_to(self, out: BinaryIO) -> None:
        """Write all rows in order, joined by commas, without brackets."""
        for number, row in enumerate(self):
            out.write(b"," + row if number else row)

    def parsed(self) -> list[dict[str, object]]:
        """All rows parsed; only for few rows."""
        return [orjson.loads(row) for row in self]


def fingerprint(facts: Facts | None, raw: bytes) -> str:
    """What names an example wherever it stands: from its values, or from its bytes where they are no JSON.

    Equal for examples that say the same; equal in every process.
    """
    return value_fingerprint(facts.prompt, facts.answer) if facts is not None else f"raw-{xxh3_64_hexdigest(raw)}"


def value_fingerprint(prompt: int, answer: int) -> str:
    """As `fingerprint`, of the hashes of `Facts`."""
    return f"{prompt:016x}{answer:08x}"


def as_json(line: int | None, problem: Problem, example: str | None = None) -> bytes:
    """One entry of `problems` in the JSON of `curator check`; `example` is its fingerprint."""
    return orjson.dumps(
        {
            "line": line,
            "rule": problem.rule,
            "severity": problem.severity.value,
            "location": writable(problem.location),
            "message": writable(problem.message),
            "fix": problem.fix,
            "fingerprint": example,
        }
    )

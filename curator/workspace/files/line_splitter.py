"""Splits the bytes of a dataset file into records: (line number from 1, bytes without line end).

Lines are cut by the rule of `curator.core.lines`. Blank lines are counted and skipped.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, BinaryIO, cast

from curator.core.lines import BOM, split, trim
from curator.errors import InputError
from curator.workspace.files.compressed import unpacking_errors

BLOCK = 1 << 18
"""Bytes read at a time."""
GROUP = 500
"""Records in a batch of array elements or CSV rows."""

Record = tuple[int, bytes]
"""Line number from 1, and the bytes of one example."""
Batch = tuple[Sequence[int], list[bytes]]
"""Several records: their line numbers, and as many byte strings."""


@dataclass(slots=True)
class Notes:
    """Facts about the file as a whole, collected while its lines are read; complete after the last one."""

    lines: int = 0
    """Physical lines, blank ones included."""
    records: int = 0
    """Lines that are not blank."""
    blanks: array[int] = field(default_factory=lambda: array("q"))
    """Line numbers of the blank lines."""
    carriage_returns: int = 0
    """Lines that ended in CR LF or hold a CR."""
    first_carriage_return: int = 0
    """The first of these lines; 0 where there is none."""
    bom: bool = False
    """Whether the file begins with a UTF-8 byte order mark."""
    encoding: str = ""
    """What the bytes are where they are not UTF-8: "UTF-16", or "not UTF-8" for a CSV file read as CP1252."""
    delimiter: str = ""
    """What stands between the cells of a CSV file; empty for other files."""
    packed: bool = False
    """Whether the bytes are compressed, whatever the name."""
    misnamed: str = ""
    """A phrase where the file is something else than its name says."""
    wrapped_in: str = ""
    """The key of the one object whose list holds the records; empty where nothing wraps them."""
    beside_records: Sequence[str] = ()
    """The keys of that object that are left behind, but for bookkeeping."""
    joined_by: str = ""
    """The column of a table by which rows with one message each are joined to conversations; empty for others."""
    traced_by: str = ""
    """Whose traces the file holds, of which the prompts are read; empty for other files."""
    unread_calls: int = 0
    """Calls of models in such a file whose messages are not there or cannot be read."""


def group(records: Iterable[Record]) -> Iterator[Batch]:
    """Put single records together into batches of `GROUP`."""
    remaining = iter(records)
    while batch := list(islice(remaining, GROUP)):
        yield [number for number, _ in batch], [raw for _, raw in batch]


def batches(
    parts: Iterable[bytes], notes: Notes, number: int = 0, *, first: bool = True, name: str = "the data"
) -> Iterator[Batch]:
    """The records in `parts`, consecutive bytes of a file cut anywhere.

    `number` lines of the file stand before them; `first` says whether they begin with the file's first line.
    `notes` is filled. Raises InputError, whose message calls the file `name`, where unpacking fails.
    """
    notes.lines = number
    try:
        for lines, has_returns in _lines(parts):
            before, notes.lines = notes.lines, notes.lines + len(lines)
            numbers: Sequence[int] = range(before + 1, notes.lines + 1)
            if first or has_returns or min(lines) < b"!":  # a line is empty, or begins with white space
                numbers, lines = _records_of(numbers, lines, notes, first=first)
                first = False
            notes.records += len(lines)
            yield numbers, lines
    except unpacking_errors() as error:
        raise InputError(f"{name} cannot be read after line {notes.lines}: {error}") from None


def records(parts: Iterable[bytes], notes: Notes, *, name: str = "the data") -> Iterator[Record]:
    """As `batches`, one record after another."""
    for numbers, raws in batches(parts, notes, name=name):
        yield from zip(numbers, raws, strict=True)


def _records_of(numbers: Iterable[int], lines: list[bytes], notes: Notes, *, first: bool) -> Batch:
    """The lines that are not blank, trimmed, with their numbers; BOM, carriage returns and blanks are noted."""
    record_numbers, raws = [], []
    for number, line in zip(numbers, lines, strict=True):
        if first:
            notes.bom = line.startswith(BOM)
        if b"\r" in line:
            notes.carriage_returns += 1
            notes.first_carriage_return = notes.first_carriage_return or number
        raw, first = trim(line, first=first), False
        if not raw or raw.isspace():
            notes.blanks.append(number)
            continue
        record_numbers.append(number)
        raws.append(raw)
    return record_numbers, raws


def _lines(parts: Iterable[bytes]) -> Iterator[tuple[list[bytes], bool]]:
    """Whole lines without their LF, all of one part at a time, and whether a CR may be among them."""
    unfinished: list[bytes] = []
    has_returns = False
    for part in parts:
        lines = split(part)
        has_returns = has_returns or b"\r" in part
        unfinished.append(lines[0])
        if len(lines) > 1:
            lines[0], unfinished = b"".join(unfinished), [lines.pop()]
            yield lines, has_returns
            has_returns = b"\r" in unfinished[0]
    last = b"".join(unfinished)
    if last:
        yield [last], has_returns


def blocks(stream: BinaryIO, size: int | None = None) -> Iterator[bytes]:
    """The next `size` bytes of a stream (None: all up to its end), in parts of at most `BLOCK` bytes."""
    read: Callable[[int], bytes] = cast(Any, stream).read1
    while size is None or size > 0:
        block = read(BLOCK if size is None else min(size, BLOCK))
        if not block:
            return
        size = None if size is None else size - len(block)
        yield block

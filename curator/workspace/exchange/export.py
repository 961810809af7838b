"""Writes examples to a file, in order: complete or not at all, and without `target` byte for byte."""

from __future__ import annotations

import csv
import hashlib
import io
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress, count
from pathlib import Path
from typing import BinaryIO

from curator import atomic
from curator.core import spelled_numbers, splice
from curator.core.convert.cells import CSV_HEADER, to_cells
from curator.core.convert.targets import Target, to_target
from curator.core.example import parse
from curator.core.lines import BOM
from curator.core.text import count_of
from curator.errors import InputError
from curator.workspace.exchange.marks_file import (
    Marks,
    MarksPlace,
    hash_of,
    marks_of,
    with_marks_key,
    write_marks,
)
from curator.workspace.exchange.right_answers_file import write_right_answers
from curator.workspace.storage.examples import StoredExamples
from curator.workspace.storage.line_file import CHUNK, LineFile
from curator.workspace.workspace import Workspace

TOGETHER = 10_000
"""Ids whose changed bytes are read from the database together."""


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What was written. `skipped` are the ids of examples that the target format cannot hold."""

    path: Path
    examples: int
    bytes: int
    sha256: str
    skipped: tuple[int, ...] = ()
    backup: Path | None = None
    right_answers: Path | None = None
    """The file with further right answers that was written beside it."""
    marks: Path | None = None
    """The file with labels, ratings, reviews and notes that was written beside it."""
    unmarked: int = 0
    """Marked examples that are no JSON object, whose marks could not be written under a key."""

    @property
    def words(self) -> str:
        """Two lines for the user: the file with its number of examples and bytes, and its SHA-256."""
        skipped = f", {len(self.skipped):,} left out that the format cannot hold" if self.skipped else ""
        size = f"{count_of(self.examples)}{skipped}, {count_of(self.bytes, 'byte')}"
        return f"{self.path.name}: {size}\nsha256 {self.sha256}"


def export(
    workspace: Workspace,
    ids: Sequence[int],
    out: Path,
    target: Target | None = None,
    progress: Callable[[int], None] | None = None,
    marks: MarksPlace | None = None,
) -> ExportReport:
    """Write the examples `ids` in that order; without `target` each as one line with its exact bytes.

    With `marks` labels, ratings, reviews and notes go along: beside the file, or under a key of each line.
    `progress` gets the number of examples written. Raises InputError where `out` is the file of a source or cannot
    be written; it is then what it was before.
    """
    out = Path(out)
    origins = {str(source.origin) for source in workspace.stored.sources}
    if str(out.resolve()) in origins:
        raise InputError(f"{out} is the source itself: export elsewhere, or write back with a backup")
    sink = Sink(progress)
    if marks is not None:
        with workspace.guard:
            sink.marks = marks_of(workspace.stored)
        sink.in_keys = marks == "keys"
    report = write_examples(workspace, ids, out, target, sink)
    answers = workspace.also_right() if target is None else {}
    report = replace(report, right_answers=write_right_answers(out, ids, answers), unmarked=sink.unmarked)
    if marks != "sidecar":
        return report
    left_out = set(report.skipped)
    written = [example for example in ids if example not in left_out] if left_out else ids
    return replace(report, marks=write_marks(out, written, sink.marks, sink.hashes))


def write_examples(
    workspace: Workspace, ids: Sequence[int], out: Path, target: Target | None, sink: Sink
) -> ExportReport:
    """As `export`, also to the file of a source. Raises InputError; `out` is then what it was before."""
    try:
        with atomic.replacing(out) as file:
            sink.file = file
            if target is None and not sink.marks:
                for piece, count in pieces(workspace, ids):
                    sink.put(piece, count)
            else:
                _convert(workspace, ids, target, sink)
    except OSError as error:
        raise InputError(f"cannot write {out}: {error.strerror or error}") from error
    return ExportReport(out, sink.examples, sink.bytes, sink.digest.hexdigest(), tuple(sink.skipped))


class Sink:
    """The open file, with the size, digest and skipped ids of what was written to it so far."""

    file: BinaryIO

    def __init__(self, progress: Callable[[int], None] | None) -> None:
        self.digest = hashlib.sha256()
        self.examples = self.bytes = 0
        self.skipped: list[int] = []
        self.marks: dict[int, Marks] = {}
        """The marks that go along, by id."""
        self.in_keys = False
        """Whether they are written under a key of each line."""
        self.unmarked = 0
        self.hashes: dict[int, str] = {}
        """The hash of the written line of each marked example."""
        self._progress = progress

    def put_line(self, example: int, line: bytes) -> None:
        """Write the line of one example, with its marks where they go under a key."""
        if example in self.marks:
            if self.in_keys:
                marked = with_marks_key(line, self.marks[example])
                self.unmarked += marked is None
                line = line if marked is None else marked
            else:
                self.hashes[example] = hash_of(line)
        self.put(line + b"\n", 1)

    def put(self, data: bytes, examples: int) -> None:
        """Write bytes that hold a number of examples."""
        self.file.write(data)
        self.digest.update(data)
        self.bytes += len(data)
        self.examples += examples
        if self._progress is not None:
            self._progress(self.examples)


def pieces(workspace: Workspace, ids: Sequence[int]) -> Iterator[tuple[bytes, int]]:
    """The lines of examples, each ended by LF, as (bytes of several lines, number of examples).

    Neighbouring examples without changes come as blocks of their source: many times quicker than one by one.
    """
    rows = workspace.db.execute("SELECT id FROM example WHERE raw IS NOT NULL ORDER BY id")
    rewritten = array("q", (row[0] for row in rows))
    for start in range(0, len(ids), TOGETHER):
        yield from _pieces(workspace.stored, ids[start : start + TOGETHER], rewritten)


def _pieces(stored: StoredExamples, ids: Sequence[int], rewritten: Sequence[int]) -> Iterator[tuple[bytes, int]]:
    """As `pieces`, for ids whose changed bytes are read at once; `rewritten` are all changed ids, ascending."""
    raws = dict(stored.raws(_among(ids, rewritten)))
    at = 0
    while at < len(ids):
        source = stored.source_of(ids[at])
        if ids[at] in raws or source is None:
            raw = raws.get(ids[at])
            at += 1
            if raw is not None:
                yield raw + b"\n", 1
            continue
        first = ids[at] - source.first_id
        behind = bisect_left(rewritten, ids[at])
        end = source.line_file.lines if behind == len(rewritten) else rewritten[behind] - source.first_id
        run = _run(ids, at, min(end, source.line_file.lines) - first)
        yield from _unchanged_lines(source.line_file, first, first + run)
        at += run


def _among(ids: Sequence[int], rewritten: Sequence[int]) -> Sequence[int]:
    """Which of some ids are in `rewritten`, which ascends."""
    if isinstance(ids, range) and ids.step == 1:
        return rewritten[bisect_left(rewritten, ids.start) : bisect_left(rewritten, ids.stop)]
    return sorted(set(rewritten).intersection(ids)) if rewritten else ()


def _run(ids: Sequence[int], at: int, most: int) -> int:
    """How many ids from index `at` on, at most `most`, are consecutive numbers."""
    first, most = ids[at], min(most, len(ids) - at)
    if isinstance(ids, range) and ids.step == 1:
        return most
    run = 1
    while run < most:
        further = min(2 * run, most)
        mine = array("q", ids[at + run : at + further])
        if mine != array("q", range(first + run, first + further)):
            return run + next(compress(count(), map(int.__ne__, mine, count(first + run))))
        run = further
    return run


def _unchanged_lines(line_file: LineFile, first: int, end: int) -> Iterator[tuple[bytes, int]]:
    """Lines `first` to before `end`, as the file's own blocks unless line ends or a BOM have to be removed."""
    offsets = line_file.offsets
    while first < end:
        start = offsets[first]
        after = bisect_left(offsets, start + CHUNK, first + 1, end)
        block = line_file.read(start, offsets[after] - start)
        if len(block) < offsets[after] - start or b"\r" in block or (not start and block.startswith(BOM)):
            block = b"".join(line_file.line(number) + b"\n" for number in range(first, after))
        yield block if block.endswith(b"\n") else block + b"\n", after - first
        first = after


def _convert(workspace: Workspace, ids: Sequence[int], target: Target | None, sink: Sink) -> None:
    """Write the examples in the target format; those that it cannot hold are skipped."""
    if target == "csv":
        sink.put(_row(CSV_HEADER), 0)
    for example, raw in workspace.stored.raws(ids):
        if target is None:
            sink.put_line(example, raw)
            continue
        parsed = parse(raw)
        if target == "csv":
            cells = to_cells(parsed.value, raw)
            if cells is None:
                sink.skipped.append(example)
            else:
                sink.put(_row(cells), 1)
            continue
        present = spelled_numbers.read(parsed)
        value = None if parsed.broken else to_target(present, target)
        if value is None:
            sink.skipped.append(example)
        else:
            sink.put_line(example, raw if value is present else splice.encoded(spelled_numbers.spell(value)))


def _row(cells: Sequence[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode("utf-8")


def dataset_sha256(workspace: Workspace, ids: Sequence[int] | None = None) -> str:
    """The SHA-256 of what an export of these examples (default: all) would write; it identifies a version."""
    digest = hashlib.sha256()
    for piece, _ in pieces(workspace, workspace.ids() if ids is None else ids):
        digest.update(piece)
    return digest.hexdigest()

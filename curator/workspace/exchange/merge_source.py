"""Compares a source with its file, which another program changed, and merges the differences as one change."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from curator.errors import InputError
from curator.workspace.files.dataset_file import open_dataset
from curator.workspace.records import Change
from curator.workspace.storage.example_order import START
from curator.workspace.storage.sources import Source
from curator.workspace.storage.tables import ADDITION_UNDONE
from curator.workspace.workspace import Workspace

Group = tuple[int, list[bytes]]
"""(id of an example of the source, the new lines that follow it in the file); id 0: before the first."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the file of a source differs from its examples; `merge` applies it."""

    groups: tuple[Group, ...]
    removed_ids: tuple[int, ...]
    """Examples without changes whose line is no longer in the file."""
    kept_ids: tuple[int, ...]
    """Examples whose line is no longer in the file, but which were edited here: they stay."""
    stat: os.stat_result
    """Of the file before it was read."""

    @property
    def new(self) -> int:
        """Number of lines in the file that no example of the source has or had."""
        return sum(len(raws) for _, raws in self.groups)

    @property
    def changed(self) -> int:
        """How many of the new lines stand in the place of a removed line."""
        removed = {*self.removed_ids, *self.kept_ids}
        total = 0
        for anchor, raws in self.groups:
            run = 0
            while run < len(raws) and anchor + run + 1 in removed:
                run += 1
            total += run
        return total

    @property
    def words(self) -> str:
        """E.g. `3 new lines (2 in the place of a removed one), 4 removed`."""
        parts = [f"{self.new:,} new line{'s' * (self.new != 1)}"]
        if self.changed:
            parts[0] += f" ({self.changed:,} in the place of a removed one)"
        parts.append(f"{len(self.removed_ids) + len(self.kept_ids):,} removed")
        if self.kept_ids:
            parts.append(f"{len(self.kept_ids):,} of these kept, as they were edited here")
        return ", ".join(parts)


def compare(workspace: Workspace, source_id: int, progress: Callable[[int], None] | None = None) -> Comparison:
    """Compare the file of a source with its examples; changes nothing. `progress` gets the number of lines read.

    A line belongs to the example that has these bytes or was imported with them, so a line that was written back
    is not new. Raises InputError where the file cannot be read or was converted when it was imported.
    """
    source = next((s for s in workspace.stored.sources if s.id == source_id), None)
    if source is None or source.origin is None or source.format != "jsonl":
        name = source.name if source is not None else "this source"
        raise InputError(f"{name} was converted when it was imported: import it again to have what is new there")
    unmatched = _examples_by_digest(workspace, source)
    used: set[int] = set()
    groups: list[Group] = []
    anchor = source.first_id - 1
    try:
        stat = Path(source.origin).stat()
        with open_dataset(Path(source.origin)) as dataset:
            for done, (_, raw) in enumerate(dataset.records()):
                if progress is not None and done % 1000 == 0:
                    progress(done)
                example = _take(unmatched.get(_digest(raw)), used)
                if example is not None:
                    anchor = example
                elif groups and groups[-1][0] == anchor:
                    groups[-1][1].append(raw)
                else:
                    groups.append((anchor, [raw]))
    except OSError as error:
        raise InputError(f"cannot read {source.origin}: {error.strerror or error}") from error
    end = source.first_id + source.line_file.lines
    missing = [
        example
        for example in range(source.first_id, end)
        if example not in used and not source.line_file.is_blank(example - source.first_id)
    ]
    rows = workspace.stored.example_rows(missing)
    live = [i for i in missing if i not in rows or not rows[i].deleted]
    kept_ids = tuple(i for i in live if i in rows and rows[i].version)
    removed_ids = tuple(i for i in live if i not in rows or not rows[i].version)
    return Comparison(tuple(groups), removed_ids, kept_ids, stat)


def _examples_by_digest(workspace: Workspace, source: Source) -> dict[bytes, list[int]]:
    """Ids by the digest of their bytes: as imported, as they are now, and of those added here.

    The lists are read from their ends.
    """
    ids: dict[bytes, list[int]] = {}
    for number in range(source.line_file.lines):
        if not source.line_file.is_blank(number):
            ids.setdefault(_digest(source.line_file.line(number)), []).append(source.first_id + number)
    for examples in ids.values():
        examples.reverse()
    rewritten = workspace.db.execute(
        "SELECT id, raw FROM example WHERE raw IS NOT NULL AND deleted < ?", (ADDITION_UNDONE,)
    )
    for example, raw in rewritten:
        if workspace.stored.source_of(example) in (None, source):
            ids.setdefault(_digest(raw), []).append(example)
    return ids


def _digest(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=16).digest()


def _take(examples: list[int] | None, used: set[int]) -> int | None:
    """The next example to which no line belongs yet; it is added to `used`."""
    while examples:
        example = examples.pop()
        if example not in used:
            used.add(example)
            return example
    return None


def merge(workspace: Workspace, source_id: int, comparison: Comparison | None = None) -> Change:
    """Apply to the workspace what changed in the file of a source, as one change.

    New lines become examples behind the line they follow; examples whose line is no longer there are deleted
    unless they were edited here. Raises InputError where the file cannot be read.
    """
    with workspace.guard:
        workspace.changes.writing.begin()
        comparison = comparison or compare(workspace, source_id)
        source = workspace.stored.source(source_id)
        start = source.first_id - 1
        groups = [
            (_anchor_before(workspace, source) if at == start else at, raws) for at, raws in comparison.groups
        ]
        change = workspace.changes.merge_lines(groups, comparison.removed_ids, source.name)
        workspace.accept_origin(source_id, comparison.stat)
        return change


def _anchor_before(workspace: Workspace, source: Source) -> int:
    """The example that stands before the first line of a source, deleted or not; `START` where there is none."""
    ids = workspace.ids(deleted=True)
    numbers = range(source.first_id, source.first_id + source.line_file.lines)
    first = next((i for i in numbers if not source.line_file.is_blank(i - source.first_id)), None)
    at = ids.index(first) if first is not None else 0
    return ids[at - 1] if at else START

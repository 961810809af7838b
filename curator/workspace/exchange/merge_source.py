"""A source whose file was changed outside: what is new there, what is gone, and bringing both in as one change."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import InputError
from curator.workspace.files.dataset_file import open_dataset
from curator.workspace.storage.example_order import START
from curator.workspace.storage.tables import ADDITION_UNDONE

if TYPE_CHECKING:
    from curator.workspace.records import Change
    from curator.workspace.storage.examples import Source
    from curator.workspace.workspace import Workspace

Group = tuple[int, list[bytes]]
"""An example of the source, and the new lines that follow it in the file; 0: before the first."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A source's file beside its examples. `new` and `gone` are what `merge` would bring in."""

    groups: tuple[Group, ...]
    gone: tuple[int, ...]
    """Untouched examples whose line is no longer in the file."""
    kept: tuple[int, ...]
    """Examples whose line is gone, but which were edited here: they stay."""
    stat: os.stat_result
    """Of the file before it was read."""

    @property
    def new(self) -> int:
        """Lines of the file that no example of the source has or had."""
        return sum(len(raws) for _, raws in self.groups)

    @property
    def changed(self) -> int:
        """How many of the new lines stand where one that is gone stood."""
        gone = {*self.gone, *self.kept}
        found = 0
        for anchor, raws in self.groups:
            run = 0
            while run < len(raws) and anchor + run + 1 in gone:
                run += 1
            found += run
        return found

    @property
    def words(self) -> str:
        """E.g. `3 new lines (2 in the place of a removed one), 4 removed`."""
        parts = [f"{self.new:,} new line{'s' * (self.new != 1)}"]
        if self.changed:
            parts[0] += f" ({self.changed:,} in the place of a removed one)"
        parts.append(f"{len(self.gone) + len(self.kept):,} removed")
        if self.kept:
            parts.append(f"{len(self.kept):,} of these kept, as they were edited here")
        return ", ".join(parts)


def compare(workspace: Workspace, source_id: int, progress: Callable[[int], None] | None = None) -> Comparison:
    """Look for a source's lines in its file as it is now; changes nothing. `progress` gets the lines done.

    A line is known by the bytes that an example has or was imported with, so one that was written back is no
    news. Raises InputError where the file cannot be read or was converted when it was imported.
    """
    source = next((s for s in workspace.stored.sources if s.id == source_id), None)
    if source is None or source.origin is None or source.format != "jsonl":
        name = source.name if source is not None else "this source"
        raise InputError(f"{name} was converted when it was imported: import it again to have what is new there")
    known = _known(workspace, source)
    used: set[int] = set()
    groups: list[Group] = []
    anchor = source.first_id - 1
    try:
        stat = Path(source.origin).stat()
        with open_dataset(Path(source.origin)) as dataset:
            for done, (_, raw) in enumerate(dataset.records()):
                if progress is not None and done % 1000 == 0:
                    progress(done)
                found = _take(known.get(_digest(raw)), used)
                if found is not None:
                    anchor = found
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
    touched = workspace.stored.example_rows(missing)
    live = [i for i in missing if i not in touched or not touched[i].deleted]
    kept = tuple(i for i in live if i in touched and touched[i].version)
    gone = tuple(i for i in live if i not in touched or not touched[i].version)
    return Comparison(tuple(groups), gone, kept, stat)


def _known(workspace: Workspace, source: Source) -> dict[bytes, list[int]]:
    """Examples by the digest of their bytes: as imported, as they are now, and those added here.

    The last of a list is to be taken first.
    """
    found: dict[bytes, list[int]] = {}
    for number in range(source.line_file.lines):
        if not source.line_file.is_blank(number):
            found.setdefault(_digest(source.line_file.line(number)), []).append(source.first_id + number)
    for examples in found.values():
        examples.reverse()
    rewritten = workspace.db.execute(
        "SELECT id, raw FROM example WHERE raw IS NOT NULL AND deleted < ?", (ADDITION_UNDONE,)
    )
    for example, raw in rewritten:
        if workspace.stored.source_of(example) in (None, source):
            found.setdefault(_digest(raw), []).append(example)
    return found


def _digest(raw: bytes) -> bytes:
    return hashlib.blake2b(raw, digest_size=16).digest()


def _take(examples: list[int] | None, used: set[int]) -> int | None:
    """The next example that no line was found for yet."""
    while examples:
        example = examples.pop()
        if example not in used:
            used.add(example)
            return example
    return None


def merge(workspace: Workspace, source_id: int, found: Comparison | None = None) -> Change:
    """Bring what changed in a source's file outside into the workspace, as one change.

    Lines that are new there become examples behind the line they follow; lines that are gone are deleted
    unless they were edited here. Raises InputError where the file cannot be read.
    """
    with workspace.guard:
        workspace.changes.writing.ready()
        found = found or compare(workspace, source_id)
        source = workspace.stored.source(source_id)
        start = source.first_id - 1
        groups = [(_before(workspace, source) if at == start else at, raws) for at, raws in found.groups]
        change = workspace.changes.merge_lines(groups, found.gone, source.name)
        workspace.accept_origin(source_id, found.stat)
        return change


def _before(workspace: Workspace, source: Source) -> int:
    """What stands before the first line of a source, deleted or not."""
    ids = workspace.ids(deleted=True)
    numbers = range(source.first_id, source.first_id + source.line_file.lines)
    first = next((i for i in numbers if not source.line_file.is_blank(i - source.first_id)), None)
    at = ids.index(first) if first is not None else 0
    return ids[at - 1] if at else START

"""Earlier states of a dataset: the bytes of an example at a revision, and what differs between two revisions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from curator.workspace.workspace import Workspace

_BATCH = 5_000


@dataclass(frozen=True, slots=True)
class RevisionDifference:
    """Ids of examples that were added, removed or changed from revision `old` to `new`, which may be earlier."""

    old: int
    new: int
    added: tuple[int, ...]
    removed: tuple[int, ...]
    edited: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """As `history --json` prints it."""
        return {"added": self.added, "removed": self.removed, "edited": self.edited}

    def __len__(self) -> int:
        return len(self.edited) + len(self.added) + len(self.removed)

    def change_at(self, index: int) -> tuple[str, int]:
        """The sign (~, +, -) and the example of a change by its place: edited ones first, then added, removed."""
        for sign, ids in (("~", self.edited), ("+", self.added)):
            if index < len(ids):
                return sign, ids[index]
            index -= len(ids)
        return "-", self.removed[index]


def difference(workspace: Workspace, old: int, new: int) -> RevisionDifference:
    """Compare two revisions; the time grows with the number of changes between them."""
    low, high = min(old, new), max(old, new)
    first: dict[tuple[int, str], Any] = {}
    last: dict[tuple[int, str], Any] = {}
    for example, field, before, after in _parts(workspace, low, high):
        first.setdefault((example, field), before)
        last[(example, field)] = after
    if old > new:
        first, last = last, first
    added, removed = _added_and_removed(workspace, first, last)
    edited = [
        example
        for (example, field), value in first.items()
        if field == "version"
        and value != last[(example, field)]
        and example not in added
        and example not in removed
        and not first.get((example, "deleted"))  # added, edited and deleted again: it is in neither revision
    ]
    return RevisionDifference(old, new, tuple(sorted(added)), tuple(sorted(removed)), tuple(sorted(edited)))


def has_changed(workspace: Workspace, revision: int) -> bool:
    """Whether examples came, went or got other bytes after a revision."""
    with workspace.guard:
        row = workspace.db.execute(
            "SELECT 1 FROM part WHERE change > ? AND field IN ('deleted', 'version', 'hidden') LIMIT 1",
            (revision,),
        ).fetchone()
    return row is not None or revision > workspace.revision()


def _parts(workspace: Workspace, low: int, high: int) -> Iterator[tuple[int, str, Any, Any]]:
    """(example, field, before, after) of the changes from one revision to another, read in batches."""
    with workspace.guard:
        cursor = workspace.db.execute(
            "SELECT example, field, before, after FROM part WHERE change > ? AND change <= ? "
            "AND field IN ('deleted', 'version', 'hidden') ORDER BY change",
            (low, high),
        )
    while True:
        with workspace.guard:  # held for moments only, so that a long comparison in a thread stops nobody
            rows = cursor.fetchmany(_BATCH)
        if not rows:
            return
        yield from rows


def _added_and_removed(
    workspace: Workspace, first: dict[tuple[int, str], Any], last: dict[tuple[int, str], Any]
) -> tuple[set[int], set[int]]:
    """Ids that exist only at the second revision, and only at the first; by each field's first and last value."""
    added: set[int] = set()
    removed: set[int] = set()
    for (example, field), before in first.items():
        after = last[(example, field)]
        if field == "deleted" and bool(before) != bool(after):
            (removed if after else added).add(example)
        elif field == "hidden" and before != after:
            source = next((s for s in workspace.stored.sources if s.id == -example), None)
            if source is not None:
                ids = range(source.first_id, source.first_id + source.line_file.lines)
                (removed if after else added).update(
                    i for i in ids if not source.line_file.is_blank(i - source.first_id)
                )
    return added, removed


def raw_at(workspace: Workspace, example: int, revision: int) -> bytes:
    """The bytes of an example at a revision. Raises CuratorError for an id that does not exist."""
    with workspace.guard:
        row = workspace.db.execute(
            "SELECT before FROM change CROSS JOIN part ON part.change = change.id AND part.example = ? "
            "AND part.field = 'raw' WHERE change.id > ? ORDER BY change.id LIMIT 1",  # a look-up for each change
            (example, revision),
        ).fetchone()
    if row is None:
        return workspace.raw(example)
    if row[0] is not None:
        return bytes(row[0])
    source = workspace.stored.source_of(example)
    return workspace.raw(example) if source is None else source.line_file.line(example - source.first_id)

"""Undo and redo: each takes one change back, or does it again, as a change of its own."""

from __future__ import annotations

from collections.abc import Callable

from curator.workspace.changes.writing import Writing
from curator.workspace.records import Change


def undo(writing: Writing) -> Change | None:
    """Take back the latest change; None where nothing is left to undo."""
    return _step(writing, writing.journal.undo)


def redo(writing: Writing) -> Change | None:
    """Do again what was undone last; None where nothing is left to redo."""
    return _step(writing, writing.journal.redo)


def undo_to(writing: Writing, revision: int) -> list[Change]:
    """Go to the state after a revision: undo what came later, or redo what was undone up to it."""
    changes: list[Change] = []
    journal = writing.journal
    with writing.guard:
        while (target := journal.next_undo()) is not None and target > revision:
            if (change := undo(writing)) is None:
                break
            changes.append(change)
        while (target := journal.next_redo()) is not None and target <= revision:
            if (change := redo(writing)) is None:
                break
            changes.append(change)
    return changes


def _step(writing: Writing, step: Callable[[], Change | None]) -> Change | None:
    """Do `step`, which undoes or redoes a change, and read again what it may have altered."""
    with writing.guard:
        writing.begin()
        change = step()
        if change is not None:
            writing.stored.reload()
            writing.results.note_restructured()
            writing.publish(_ids_with_new_bytes(writing, change.id), True)
        return change


def _ids_with_new_bytes(writing: Writing, change: int) -> list[int]:
    """Ids of the examples whose bytes a change set."""
    rows = writing.journal.db.execute(
        "SELECT example FROM part WHERE change = ? AND field = 'version' AND example > 0", (change,)
    )
    return [example for (example,) in rows]

"""Going back to the data of an earlier revision, whatever was changed or undone since, as one change."""

from __future__ import annotations

from curator.errors import UsageError
from curator.workspace.changes.writing import Writing
from curator.workspace.records import Change
from curator.workspace.storage.open_change import FieldChange
from curator.workspace.storage.tables import ADDITION_UNDONE

_OF_THE_DATA = ("raw", "version", "deleted", "split", "review", "reviewed", "hidden", "meta:split")
"""The fields on which the files of a training depend; labels, ratings and notes stay as they are."""


def restore_to(writing: Writing, revision: int) -> Change:
    """Give all examples the bytes, the side and the review that they had after a revision.

    What was added since is deleted. Raises UsageError for a revision that is not there, NotSaved.
    """
    with writing.guard:
        writing.begin()
        if not 0 <= revision <= writing.journal.revision():
            raise UsageError(f"there is no revision {revision}; the latest is {writing.journal.revision()}")
        parts = _parts(writing, revision)
        label = f"Went back to the data of revision {revision}"
        examples = {part.example for part in parts if part.example > 0}
        change = writing.journal.commit("restore", label, parts, examples=len(examples) if parts else 0)
        if parts:
            writing.stored.reload()
            writing.results.note_restructured()
            writing.publish([part.example for part in parts if part.field == "version"], True)
        return change


def _parts(writing: Writing, revision: int) -> list[FieldChange]:
    """From the present values to those after the revision, field by field."""
    before: dict[tuple[int, str], object] = {}
    now: dict[tuple[int, str], object] = {}
    marks = ",".join("?" * len(_OF_THE_DATA))
    rows = writing.journal.db.execute(
        f"SELECT example, field, before, after FROM part WHERE change > ? AND field IN ({marks}) ORDER BY change",
        (revision, *_OF_THE_DATA),
    )
    for example, field, old, new in rows:
        before.setdefault((example, field), old)
        now[(example, field)] = new
    parts = []
    for (example, field), old in before.items():
        if field == "deleted" and old == ADDITION_UNDONE:
            old = 1  # is:deleted lists it, and it can be brought back
        parts.append(FieldChange(example, field, now[(example, field)], old))
    return [part for part in parts if part.before != part.after]

"""What two people judged differently, after a merge: a queue in `meta`, in which a person picks a side.

Each is a value under a key of its own, written by the change that finds or decides it: an undo takes both back.
"""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from curator.core.text import one_line
from curator.errors import UsageError
from curator.workspace.records import Change
from curator.workspace.storage.open_change import FieldChange
from curator.workspace.workspace import Workspace

PREFIX = "disagreement."
Side = Literal["mine", "theirs"]
Judgement = int | str | bool | None
"""A rating, a review state, or whether a label is on."""


class Disagreement(msgspec.Struct, frozen=True):
    """One judgement of one example on which two people differ."""

    example: int
    what: str
    """`rating`, `review` or `label:NAME`."""
    mine: Judgement
    theirs: Judgement
    by: str
    """Whose the other judgement is; untrusted text."""
    decided: Side | None = None
    decided_by: str = ""
    decided_at: float = 0.0

    @property
    def key(self) -> str:
        """The key in `meta`."""
        return f"{PREFIX}{self.example}.{self.what}.{self.by}"

    @property
    def subject(self) -> str:
        """`rating`, `review`, or `label good`; made printable."""
        return one_line(self.what.replace(":", " ", 1), 120)

    def words(self, judgement: Judgement) -> str:
        """One of the two judgements in a word or two."""
        if self.what.startswith("label:"):
            return "has it" if judgement else "has it not"
        return "none" if judgement is None else str(judgement)

    def part(self, before: Disagreement | None) -> FieldChange:
        """The part of a change that keeps it; `before` is what was kept (None: nothing)."""
        old = "null" if before is None else msgspec.json.encode(before).decode()
        return FieldChange(0, f"meta:{self.key}", old, msgspec.json.encode(self).decode())

    def decided_part(self, side: Side, who: str) -> FieldChange:
        """The part of a change that keeps who decided it, and for which side."""
        return msgspec.structs.replace(self, decided=side, decided_by=who, decided_at=time.time()).part(self)

    def part_away(self) -> FieldChange:
        """The part of a change that takes it away, since both judge alike now."""
        return FieldChange(0, f"meta:{self.key}", msgspec.json.encode(self).decode(), "null")


def all_disagreements(workspace: Workspace) -> Iterator[Disagreement]:
    """Open and decided ones; what no Curator writes is passed over, as in a foreign or damaged workspace."""
    with workspace.guard:
        rows = workspace.db.execute(
            "SELECT key, value FROM meta WHERE key >= ? AND key < ?", (PREFIX, "disagreement/")
        ).fetchall()
    for key, value in rows:
        try:
            each = msgspec.json.decode(value, type=Disagreement | None)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        if each is not None and each.key == key:
            yield each


def open_disagreements(workspace: Workspace) -> list[Disagreement]:
    """Those that nobody decided, in the order of the examples; not of deleted examples."""
    live = {example: place for place, example in enumerate(workspace.ids())}
    waiting = [each for each in all_disagreements(workspace) if each.decided is None and each.example in live]
    return sorted(waiting, key=lambda each: (live[each.example], each.what, each.by))


def name_of_user() -> str:
    """Who decides here: `CURATOR_NAME`, or the name of the account."""
    try:
        name = os.environ.get("CURATOR_NAME") or getpass.getuser()
    except (OSError, KeyError, ImportError):
        name = ""
    return one_line(name.strip(), 60) or "somebody"


def decide(workspace: Workspace, chosen: Iterable[tuple[Disagreement, Side]], who: str) -> Change:
    """Give examples the judgement of the chosen sides, as one change that says who decided.

    Raises UsageError for one that is decided already, NotSaved.
    """
    decisions = list(chosen)
    with workspace.guard:
        writing = workspace.changes.writing
        writing.begin(each.example for each, _ in decisions)
        waiting = {each.key: each for each in all_disagreements(workspace) if each.decided is None}
        parts: list[FieldChange] = []
        for each, side in decisions:
            if each.key not in waiting:
                raise UsageError(f"the {each.subject} of example {each.example} is decided already")
            chosen_judgement = each.mine if side == "mine" else each.theirs
            parts += judgement_parts(workspace, each.example, each.what, chosen_judgement)
            parts.append(each.decided_part(side, who))
        label = _label_of(workspace, decisions, who)
        return writing.journal.commit(
            "decide", label, parts, examples=len({each.example for each, _ in decisions})
        )


def judgement_parts(
    workspace: Workspace, example: int, what: str, judgement: Judgement, *, stale: bool = False
) -> Iterator[FieldChange]:
    """The parts of a change that give an example this rating, review state or label, whatever it has now."""
    if what.startswith("label:"):
        had = example in workspace.stored.with_label(what.removeprefix("label:"))
        yield FieldChange(example, what, int(had), int(bool(judgement)))
        return
    row = workspace.stored.example_rows([example]).get(example)
    yield FieldChange(example, what, getattr(row, what) if row is not None else None, judgement)
    if what == "review":
        version = row.version if row is not None else 0
        reviewed = None if judgement is None else version + 1 if stale else version
        yield FieldChange(example, "reviewed", row.reviewed if row is not None else None, reviewed)


def _label_of(workspace: Workspace, decisions: list[tuple[Disagreement, Side]], who: str) -> str:
    writing = workspace.changes.writing
    ids = list(dict.fromkeys(each.example for each, _ in decisions))
    what = decisions[0][0].subject if len(decisions) == 1 else f"{len(decisions):,} disagreements"
    sides = {each.by if side == "theirs" else who for each, side in decisions}
    sided = f" with {one_line(sides.pop(), 60)}" if len(sides) == 1 else ""
    return f"{who} decided {what} of {writing.describe('{}', ids)}{sided}"

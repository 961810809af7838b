"""What was proposed for a workspace, and what became of it.

A proposal is open until a person accepts or rejects it. The verdict is a value in `meta` of `workspace.db` that
is part of the change: whoever takes the change back opens the proposal again.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import orjson

from curator.core.text import one_line
from curator.workspace.operations import inbox
from curator.workspace.operations.inbox import Target
from curator.workspace.operations.perform import Operation
from curator.workspace.storage.open_change import FieldChange
from curator.workspace.workspace import Workspace

State = Literal["open", "accepted", "edited", "rejected"]
"""`edited`: accepted after a person changed it."""
_PREFIX = "proposal."
"""`meta` has a key `proposal.ID` for each proposal that was ever settled."""


class Proposal(NamedTuple):
    """A change that a machine suggests and nobody has accepted yet, or that was accepted or rejected."""

    id: int
    operation: Operation
    by: str
    """Who proposes: the name of a model or a program; untrusted text."""
    why: str
    targets: tuple[Target, ...]
    """The examples it is about, as they were then."""
    created_at: float
    state: State

    @property
    def ids(self) -> list[int]:
        """The examples it is about."""
        return [target.example for target in self.targets]


def proposals_of(workspace: Workspace, state: State | None = "open") -> list[Proposal]:
    """The proposals in this state (None: all), oldest first. Raises InputError where their file is damaged."""
    with workspace.guard:
        states = settled_states(workspace.db)
    rows = inbox.read(workspace.path)
    proposals = (Proposal(*row, states.get(row.id, "open")) for row in rows)
    return [proposal for proposal in proposals if state is None or proposal.state == state]


def settled_states(db: sqlite3.Connection) -> dict[int, State]:
    """The state of each proposal that was accepted or rejected, by its id."""
    states: dict[int, State] = {}
    rows = db.execute("SELECT key, value FROM meta WHERE key >= ? AND key < ?", (_PREFIX, "proposal/"))
    for key, value in rows:
        number, name = key.removeprefix(_PREFIX), _text_of(value)
        if number.isascii() and number.isdigit() and name in get_args(State):
            states[int(number)] = name  # type: ignore[assignment]  # it is one of the names
    return states


def _text_of(stored: str) -> str:
    try:
        return str(orjson.loads(stored))
    except orjson.JSONDecodeError:
        return ""


def verdict_part(db: sqlite3.Connection, proposal: int, state: State) -> FieldChange:
    """The part of a change that settles a proposal."""
    key = f"{_PREFIX}{proposal}"
    row = db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return FieldChange(0, f"meta:{key}", "null" if row is None else row[0], orjson.dumps(state).decode())


def shares(proposals: Sequence[Proposal]) -> dict[str, dict[str, int]]:
    """How many proposals of each author are open, accepted, edited (and accepted) and rejected."""
    counts = {proposal.by: Counter[str]() for proposal in proposals}
    for proposal in proposals:
        counts[proposal.by][proposal.state] += 1
    return {author: {state: count[state] for state in get_args(State)} for author, count in counts.items()}


def changed_since(workspace: Workspace, proposal: Proposal) -> str:
    """Why a proposal is out of date, in words: an example changed or went; empty where all are as they were."""
    with workspace.guard:
        rows = workspace.stored.example_rows(proposal.ids)
        for target in proposal.targets:
            row = rows.get(target.example)
            if row is not None and row.deleted and not target.deleted:
                return f"{workspace.changes.writing.describe('{}', [target.example])} was deleted since"
            if (row.version if row is not None else 0) != target.version:
                return f"{workspace.changes.writing.describe('{}', [target.example])} changed since"
    return ""


def words_of(workspace: Workspace, proposal: Proposal) -> str:
    """What a proposal would do, in a few words, e.g. `edit messages[2].content of line 12`; made printable."""
    op, name, on = proposal.operation, str(proposal.operation.get("op")), proposal.operation.get("on", True)
    with workspace.guard:
        where = workspace.changes.writing.describe("{}", proposal.ids)
    words = {
        "edit": f"edit {op.get('location')} of {where}",
        "add": "add an example",
        "label": f"label {where} {op.get('label')}" if on else f"take the label {op.get('label')} off {where}",
        "rate": f"rate {where} {op.get('rating')}" if op.get("rating") else f"take the rating off {where}",
        "review": f"mark {where} as {op.get('state')}",
        "note": f"write a note on {where}",
        "fix": f"fix {op.get('rule') or 'all that is safe to fix'} in {where}",
        "also_right": f"accept '{op.get('answer')}' as also right for {where}",
        "split": f"divide {where if proposal.targets else 'all examples'} into training and held out",
    }
    return one_line(words.get(name, f"{name} {where}"), 120)

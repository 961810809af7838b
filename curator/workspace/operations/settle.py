"""A person decides: what is accepted becomes one change, however many proposals it was; what is rejected too.

Proposals are tried one after the other in a copy of the workspace; what came of all of them together is written as
one change with the verdicts in it. So one undo takes everything back, and the proposals are open again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from curator.core.example import parse_path
from curator.errors import CuratorError, UsageError
from curator.workspace.operations.perform import Operation, chooses, perform, with_ids
from curator.workspace.operations.proposed import (
    Proposal,
    State,
    changed_since,
    proposals_of,
    verdict_part,
    words_of,
)
from curator.workspace.operations.trial import trial_of
from curator.workspace.records import Change
from curator.workspace.storage.open_change import REVISION, Addition, FieldChange
from curator.workspace.workspace import Workspace

_Place = tuple[str | int, ...]
"""The location of a value inside an example, as `core.example` parses it."""
_WHOLE: _Place = ()
"""The location of an example as a whole."""
_OF_BYTES = frozenset({"edit", "fix", "delete", "restore"})
"""Operations that change what an example says, or whether it is there."""
_RESTRUCTURING = frozenset({"deleted", "split", "meta:split"})
"""Fields after whose change the order of examples is built again."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of accepting or rejecting some proposals."""

    change: Change | None
    """The one change; None where nothing was settled."""
    ids: tuple[int, ...]
    """The proposals that were settled."""
    left: Mapping[int, str]
    """The others, which stay open, by id, each with the reason in words."""


def accept(
    workspace: Workspace,
    ids: Iterable[int],
    *,
    even_changed: Collection[int] = (),
    to_edit: Collection[int] = (),
) -> Settled:
    """Apply open proposals as one change. Those that cannot be applied stay open.

    A proposal about an example that changed since is not applied, unless it is in `even_changed`; `to_edit` are
    those that a person goes on to edit. Raises UsageError for an id that is no open proposal, NotSaved.
    """
    with workspace.guard:
        workspace.changes.writing.begin()
        proposals = _open_ones(workspace, ids)
        base, first_new = workspace.revision(), workspace.stored.next_id()
        with trial_of(workspace) as trial:
            changes, refused = _try_all(workspace, trial, proposals, even_changed)
            parts, additions = _gathered(trial, base, first_new)
        settled = [proposal for proposal in proposals if proposal.id in changes]
        if not settled:
            return Settled(None, (), refused)
        parts += [verdict_part(workspace.db, p.id, "edited" if p.id in to_edit else "accepted") for p in settled]
        label = changes[settled[0].id].label if len(settled) == 1 else f"Accepted {len(settled):,} proposals"
        change = _commit(workspace, f"{label} · proposed by {_authors(settled)}", parts, additions)
        twins = tuple(twin for change in changes.values() for twin in change.twins)
        parted = tuple(each for change in changes.values() for each in change.parted)
        return Settled(replace(change, twins=twins, parted=parted), tuple(changes), refused)


def _try_all(
    workspace: Workspace,
    trial: Workspace,
    proposals: Sequence[Proposal],
    even_changed: Collection[int],
) -> tuple[dict[int, Change], dict[int, str]]:
    """Do proposals one after the other in a trial: the change of each by id, and why the others were refused."""
    changes: dict[int, Change] = {}
    refused: dict[int, str] = {}
    touched: dict[int, list[_Place]] = {}
    for proposal in workspace.journal.meter.over("Trying", proposals, len(proposals)):
        op = proposal.operation
        try:
            if proposal.id not in even_changed and (why := changed_since(workspace, proposal)):
                raise CuratorError(f"{why}: look at it as it is now")
            _require_apart(op, proposal.ids, touched)
            change = perform(trial, with_ids(op, proposal.ids) if chooses(op) else op)
            if change is None or not change.examples:
                raise CuratorError("nothing would change any more")
            changes[proposal.id] = change
        except CuratorError as error:
            refused[proposal.id] = error.message
    return changes, refused


def reject(workspace: Workspace, ids: Iterable[int]) -> Settled:
    """Reject open proposals, as one change that can be taken back. Raises UsageError for another id, NotSaved."""
    with workspace.guard:
        workspace.changes.writing.begin()
        proposals = _open_ones(workspace, ids)
        if not proposals:
            return Settled(None, (), {})
        parts = [verdict_part(workspace.db, proposal.id, "rejected") for proposal in proposals]
        what = f"the proposal to {words_of(workspace, proposals[0])}"
        if len(proposals) > 1:
            what = f"{len(proposals):,} proposals"
        label = f"Rejected {what} · proposed by {_authors(proposals)}"
        change = workspace.journal.commit("reject", label, parts, examples=0)
        return Settled(change, tuple(proposal.id for proposal in proposals), {})


def _open_ones(workspace: Workspace, ids: Iterable[int]) -> list[Proposal]:
    """The proposals with these ids, in the order in which they were made. Raises UsageError."""
    wanted_ids = set(ids)
    states: dict[int, State] = {}
    proposals = []
    for proposal in proposals_of(workspace, None):
        states[proposal.id] = proposal.state
        if proposal.id in wanted_ids and proposal.state == "open":
            proposals.append(proposal)
    for number in sorted(wanted_ids - {proposal.id for proposal in proposals}):
        if number in states:
            raise UsageError(f"proposal {number} is {states[number]} already; take that back by an undo")
        raise UsageError(f"there is no proposal {number}")
    return proposals


def _require_apart(op: Operation, ids: Sequence[int], touched: dict[int, list[_Place]]) -> None:
    """Note what an operation writes to. Raises CuratorError where one that is accepted with it does so too."""
    if op.get("op") not in _OF_BYTES:
        return
    location = _WHOLE
    if op["op"] == "edit":
        try:
            location = tuple(parse_path(str(op.get("location"))))
        except ValueError as error:
            raise UsageError(str(error)) from error
    for example in ids:
        if any(_overlap(location, other) for other in touched.get(example, ())):
            raise CuratorError("another proposal that is accepted with it changes the same place")
    for example in ids:
        touched.setdefault(example, []).append(location)


def _overlap(one: _Place, other: _Place) -> bool:
    """Whether one place is the other or inside of it."""
    return one[: len(other)] == other or other[: len(one)] == one


def _gathered(trial: Workspace, base: int, first_new: int) -> tuple[list[FieldChange], list[Addition]]:
    """What all changes of a trial after `base` came to, field by field, and the examples they added."""
    first: dict[tuple[int, str], object] = {}
    last: dict[tuple[int, str], object] = {}
    query = "SELECT example, field, before, after FROM part WHERE change > ? ORDER BY change"
    rows = trial.db.execute(query, (base,))
    for example, field, before, after in rows:
        first.setdefault((example, field), before)
        last[(example, field)] = after
    parts = []
    for (example, field), before in first.items():
        after = last[(example, field)]
        made_here = field in ("version", "reviewed") and isinstance(after, int) and after > base
        parts.append(FieldChange(example, field, before, REVISION if made_here else after))
    added = trial.db.execute(
        "SELECT id, raw, place FROM example WHERE id >= ? AND place IS NOT NULL ORDER BY id", (first_new,)
    )
    return parts, [Addition(*row) for row in added]


def _commit(
    workspace: Workspace,
    label: str,
    parts: Sequence[FieldChange],
    additions: Sequence[Addition],
) -> Change:
    """Write the one change and bring everything that follows from it up to date."""
    writing = workspace.changes.writing
    examples = len({part.example for part in parts if part.example > 0})
    change = writing.journal.commit("accept", label, parts, additions=additions, examples=examples)
    fresh = [part.example for part in parts if part.field == "version"] + [addition.id for addition in additions]
    restructured = bool(additions) or any(part.field in _RESTRUCTURING for part in parts)
    if restructured:
        writing.stored.reload()
        writing.results.note_restructured()
    writing.publish(fresh, restructured)
    return change


def _authors(proposals: Sequence[Proposal]) -> str:
    names = list(dict.fromkeys(proposal.by for proposal in proposals))
    return names[0] if len(names) == 1 else f"{len(names)} authors"

"""Keeps operations as proposals, after the checks of `apply`: what would be refused there is refused here."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, Self

import orjson

from curator.core.text import one_line
from curator.errors import CuratorError, UsageError
from curator.workspace.operations import inbox
from curator.workspace.operations.inbox import KeptProposal, Target
from curator.workspace.operations.perform import Operation, chooses, chosen_ids, perform, with_ids
from curator.workspace.operations.proposed import settled_states
from curator.workspace.operations.trial import trial_of
from curator.workspace.records import Change, Parted, Twin
from curator.workspace.workspace import Workspace

MAX_AUTHOR, MAX_REASON = 100, 2_000
"""Characters."""
_NOT_PROPOSED = ("undo", "redo")
"""Operations on the history, which is for people."""


class Kept(NamedTuple):
    """A proposal that was kept."""

    id: int
    revision: int
    """That of the workspace, which a proposal leaves as it is."""
    examples: int
    """How many examples it would change or add."""
    twins: tuple[Twin, ...]
    """Those of them that copy a held-out example, and would join its side."""
    parted: tuple[Parted, ...]
    """Those of them that would copy none any more, and would go back."""
    known: bool
    """Whether the same was proposed before and is still open; then `id` is that proposal's."""


class Proposing:
    """Keeps proposals of one author; use it in `with`. The workspace may be open for reading only."""

    def __init__(self, workspace: Workspace, by: str) -> None:
        """Raises UsageError where `by` is no name: 1 to 100 visible characters."""
        self.by = by.strip()
        if not self.by or len(self.by) > MAX_AUTHOR or one_line(self.by) != self.by or not _is_encodable(self.by):
            raise UsageError(f"who proposes is named by 1 to {MAX_AUTHOR} visible characters")
        self._workspace = workspace
        self._stack = ExitStack()
        self._trial: Workspace | None = None
        self._open, self._rejected = self._earlier_operations()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def propose(self, op: Operation, why: str = "") -> Kept:
        """Keep one operation, which is on the disk when this returns; the operation's own `why` counts too.

        Raises CuratorError for what `apply` would refuse, and where nothing would change.
        """
        reason = _reason(op, why)
        op = {key: value for key, value in op.items() if key != "why"}
        if op.get("op") in _NOT_PROPOSED or (op.get("op") == "restore" and "revision" in op):
            raise UsageError(f"'{op['op']}' cannot be proposed: going back in the history is for people")
        key = _key_of(op)
        with self._workspace.guard:
            ids = list(chosen_ids(self._workspace, op)) if chooses(op) else []
            change = self._try(with_ids(op, ids) if chooses(op) else op, ids)
            facts = change.examples, change.twins, change.parted
            if key in self._open:
                return Kept(self._open[key], self._workspace.revision(), *facts, True)
            row = KeptProposal(0, op, self.by, reason, tuple(self._targets(ids)), 0)
            least = max(settled_states(self._workspace.db), default=0) + 1
            (number,) = inbox.add(self._workspace.path, [row], least)
            self._open[key] = number
        return Kept(number, self._workspace.revision(), *facts, False)

    def _try(self, op: Operation, ids: Sequence[int]) -> Change:
        """Do the operation in a copy, and take it back there."""
        if chooses(op) and not ids:
            raise CuratorError("it chooses no example")
        if self._trial is None:
            self._trial = self._stack.enter_context(trial_of(self._workspace))
        change = perform(self._trial, op)
        if change is None or not change.examples:
            raise CuratorError("nothing would change: it is so already")
        self._trial.changes.undo()
        return change

    def _targets(self, ids: Sequence[int]) -> list[Target]:
        rows = self._workspace.stored.example_rows(ids)
        targets = []
        for example in ids:
            row = rows.get(example)
            targets.append(Target(example, row.version if row else 0, bool(row and row.deleted)))
        return targets

    def was_rejected(self, op: Operation) -> bool:
        """Whether a person rejected the same operation of this author before."""
        return _key_of(op) in self._rejected

    def _earlier_operations(self) -> tuple[dict[bytes, int], set[bytes]]:
        """This author's proposals by their operation: the ids of the open ones, and those that were rejected."""
        settled = settled_states(self._workspace.db)
        open_ids: dict[bytes, int] = {}
        rejected: set[bytes] = set()
        for row in inbox.read(self._workspace.path):
            state = settled.get(row.id, "open")
            if row.author == self.by and state == "open":
                open_ids[_key_of(row.operation)] = row.id
            elif row.author == self.by and state == "rejected":
                rejected.add(_key_of(row.operation))
        return open_ids, rejected


def propose_and_answer(proposing: Proposing, op: Operation) -> dict[str, Any]:
    """Propose an operation and return what `apply --propose` prints. Raises CuratorError where it is refused."""
    proposal = proposing.propose(op)
    answer: dict[str, Any] = {"ok": True, "proposal": proposal.id, "revision": proposal.revision}
    answer["examples"] = proposal.examples
    if proposal.known:
        answer["known"] = True
    return answer | held_out_keys(proposal.twins, proposal.parted, proposal.examples)


def held_out_keys(twins: Sequence[Twin], parted: Sequence[Parted], examples: int) -> dict[str, Any]:
    """What a printed answer tells of examples that changed sides.

    An example that copies a held-out one (`twin`) joins its side. One that copies none any more, whose `twin` is
    null, goes back to the side that it had before.
    """
    rows: list[dict[str, Any]] = [twin._asdict() for twin in twins]
    rows += [{"example": each.example, "twin": None, "side": each.side or "train"} for each in parted]
    if len(rows) == 1 and examples == 1:
        return {"side": rows[0]["side"], "twin": rows[0]["twin"]}
    return {"twins": rows} if rows else {}


def _reason(op: Operation, why: str) -> str:
    reason = op.get("why", why)
    if not isinstance(reason, str) or len(reason) > MAX_REASON or not _is_encodable(reason):
        raise UsageError(f'"why" is a text of at most {MAX_REASON:,} characters')
    return reason


def _is_encodable(text: str) -> bool:
    return "\0" not in text and text.encode("utf-8", "replace") == text.encode("utf-8", "surrogatepass")


def _key_of(op: Operation) -> bytes:
    """The operation as text, by which the same one is known. Raises UsageError where it cannot be kept."""
    try:
        return orjson.dumps(op, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise UsageError(f"the operation cannot be kept: {error}") from error

"""The gate for what machines write: rules, contract, copies and held-out examples, before a person sees it."""

from __future__ import annotations

from typing import Any

from curator.core import rules, splice
from curator.core.example import parse
from curator.core.problem import Severity
from curator.core.rules import Context
from curator.core.text import one_line
from curator.workspace.duplicates.known_texts import KnownTexts
from curator.workspace.operations.propose import Proposing
from curator.workspace.workspace import Workspace

MOST = 100_000
"""Examples that new ones are compared with; of more all that are held out, and the first of the others."""
CONTRACT_RULE = "answer_outside_contract"


class Gate:
    """Tells of a new example why it should not even be shown; reads the workspace's examples once."""

    def __init__(self, workspace: Workspace) -> None:
        with workspace.guard:
            ids = list(workspace.ids())
            self._held_out = workspace.stored.held_out()
            held_out = [example for example in ids if example in self._held_out]
            others = [example for example in ids if example not in self._held_out]
            compared = [*held_out, *others[: max(0, MOST - len(held_out))]]
            self._known = KnownTexts(workspace.stored.raws(compared))
            self._context = workspace.context()
            self._fresh_id = workspace.stored.next_id()
        self._taken: set[int] = set()

    def why_not(self, raw: bytes) -> str:
        """Why an example should not be shown, in words; empty where it may be, and is known from now on."""
        if broken := why_broken(raw, self._context):
            return broken
        twin = self._known.twin(raw)
        if twin is None:
            self._known.add(self._fresh_id, raw)
            self._taken.add(self._fresh_id)
            self._fresh_id += 1
            return ""
        if twin in self._taken:
            return "a copy of another one that was written just now"
        if twin in self._held_out:
            return f"a copy of example {twin}, which is held out, or it asks the same"
        return f"a copy of example {twin}, or it asks the same"


def why_broken(raw: bytes, context: Context) -> str:
    """The error of an example, or what its answer breaks of the contract, in words; empty where there is none."""
    for problem in rules.check(parse(raw), context):
        if problem.rule == CONTRACT_RULE or problem.severity is Severity.ERROR:
            return one_line(problem.message, 120)
    return ""


def propose_new(gate: Gate, proposing: Proposing, example: dict[str, Any], why: str) -> tuple[int | None, str]:
    """Propose an example that a machine wrote, labelled with its author: the proposal's id, or None and why it is
    not even shown."""
    operation = {"op": "add", "example": example, "labels": [proposing.by]}
    if proposing.was_rejected(operation):
        return None, "you rejected the very same before"
    if why_not := gate.why_not(splice.dump(example)):
        return None, why_not
    return proposing.propose(operation, why).id, ""

"""The gate for what machines write: rules, contract, copies and held-out examples, before a person sees it."""

from __future__ import annotations

from curator.core import rules
from curator.core.example import parse
from curator.core.problem import Severity
from curator.core.text import one_line
from curator.workspace.duplicates.known_texts import KnownTexts
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
        for problem in rules.check(parse(raw), self._context):
            if problem.rule == CONTRACT_RULE or problem.severity is Severity.ERROR:
                return one_line(problem.message, 120)
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

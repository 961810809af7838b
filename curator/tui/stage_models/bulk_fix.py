"""What a rule's fix would do to all examples of a view, found before anybody is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from curator.core import rules
from curator.core.example import Example
from curator.tui.session.session import Session

LOOKED_AT = 2_000
"""Examples whose fix is tried before the question; of more of them the rest is only counted."""


@dataclass(frozen=True, slots=True)
class Repairs:
    """The examples of the view with a rule's problem, and what its fix does to them."""

    rule: str
    ids: Sequence[int]
    fixable: int
    """How many of those looked at it repairs."""
    before: Example
    """The first that it repairs."""
    fixed: bytes

    @property
    def words(self) -> str:
        """What is found, and what the fix repairs of it."""
        found = f"{self.rule} is found in {_many(len(self.ids))}."
        return f"{found}\nIts fix repairs {self.reach}, as one step; u takes it back."

    @property
    def reach(self) -> str:
        """How many it repairs."""
        if len(self.ids) > LOOKED_AT:
            return f"{self.fixable:,} of the first {LOOKED_AT:,} of them"
        return "all of them" if self.fixable == len(self.ids) else f"{self.fixable:,} of them"

    @property
    def accept(self) -> str:
        """The word on the button."""
        return f"Fix {_many(self.fixable)}" if len(self.ids) <= LOOKED_AT else f"Fix {_many(len(self.ids))}"


def repairs(session: Session, rule: str) -> Repairs | None:
    """What the rule's fix does to the examples of the view; None where it repairs none. Takes its time."""
    inside = f"({session.query}) " if session.query else ""
    ids = session.workspace.view(f"{inside}rule:{rule}").ids
    records = session.workspace.records(list(islice(ids, LOOKED_AT)))
    tried = ((record.example, rules.fix(record.example, rule, session.context)) for record in records)
    repaired = ((example, fixed) for example, fixed in tried if fixed is not None)
    first = next(repaired, None)
    return Repairs(rule, ids, 1 + sum(1 for _ in repaired), *first) if first is not None else None


def _many(count: int) -> str:
    return f"{count:,} example{'s' * (count != 1)}"

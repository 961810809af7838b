"""Works out what a rule's fix would do to all examples of the view, for the question before it is applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from curator.core import rules
from curator.core.example import Example
from curator.core.query.query import grouped
from curator.tui.session.session import Session

TRIED = 2_000
"""Most examples whose fix is tried out before the question; further ones are only counted."""


class FixedExample(NamedTuple):
    """What a fix does to one example."""

    id: int
    before: Example
    fixed: bytes
    loses: bool
    """Whether something may be lost."""


@dataclass(frozen=True, slots=True)
class BulkFix:
    """The examples of the view that have a rule's problem, and what its fix does to the first `TRIED` of them."""

    rule: str
    ids: Sequence[int]
    fixable: int
    """How many of the examples tried the fix repairs."""
    losing: int
    """In how many of these something may be lost, since the fix is unsafe there."""
    fixes: Sequence[FixedExample]
    """What happens to each of them, those that lose something first."""

    @property
    def words(self) -> str:
        """The text of the question: how many have the problem, and how many the fix repairs."""
        affected = f"{self.rule} is found in {_count_words(len(self.ids))}."
        question = f"{affected}\nIts fix repairs {self.reach}, as one step; u takes it back."
        if not self.losing:
            return question
        where = "in all of these" if self.losing == self.fixable else f"in {self.losing:,} of these"
        return f"{question}\nIt may lose something {where}, which stand first, before and after:"

    @property
    def reach(self) -> str:
        """How many of the examples the fix repairs, in words."""
        if len(self.ids) > TRIED:
            return f"{self.fixable:,} of the first {TRIED:,} of them"
        return "all of them" if self.fixable == len(self.ids) else f"{self.fixable:,} of them"

    @property
    def accept(self) -> str:
        """The text of the button."""
        return f"Fix {_count_words(self.fixable if len(self.ids) <= TRIED else len(self.ids))}"


def plan_bulk_fix(session: Session, rule: str) -> BulkFix | None:
    """Try a rule's fix on the examples of the view; None where it repairs none. Slow: call it in a thread."""
    ids = session.workspace.view(f"{grouped(session.query)}rule:{rule}").ids
    changes: list[FixedExample] = []
    for record in session.workspace.records(list(islice(ids, TRIED))):
        fixed = rules.fix(record.example, rule, session.context)
        if fixed is None:
            continue
        is_safe = fixed == rules.fix(record.example, rule, session.context, safe_only=True)
        changes.append(FixedExample(record.id, record.example, fixed, not is_safe))
    changes.sort(key=lambda change: not change.loses)
    losing = sum(change.loses for change in changes)
    return BulkFix(rule, ids, len(changes), losing, changes) if changes else None


def _count_words(count: int) -> str:
    return f"{count:,} example{'s' * (count != 1)}"

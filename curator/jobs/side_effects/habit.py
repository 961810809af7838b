"""The habit that a training teaches: the form of its answers, by which a leak into other questions is known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from statistics import median

from curator.core.answers.contract import Contract, propose
from curator.core.duplicates.question import question_and_answer

MOST_READ = 20_000
"""Most training examples whose answers are read."""
_SHORT = 80
"""Longest answer, in characters, whose repetition word for word counts as the habit."""


@dataclass(frozen=True)
class Habit:
    """What the answers of the training data are like."""

    contracts: tuple[Contract, ...] = ()
    """Forms of a right answer: the workspace's contract, and the one that the answers suggest."""
    answers: frozenset[str] = field(default_factory=frozenset)
    """Short answers of the training data."""
    usual_length: float = 0.0
    """Median length of the answers, in characters."""

    @classmethod
    def of(cls, raws: Iterable[bytes], contract: Contract | None) -> Habit:
        """The habit of the first `MOST_READ` training examples, under the workspace's contract."""
        answers = [question_and_answer(raw)[1].strip() for raw in islice(raws, MOST_READ)]
        answers = [answer for answer in answers if answer]
        proposal = propose(answers)
        suggested = proposal.contract if proposal else None
        forms = [form for form in (contract, suggested) if form is not None and form != Contract()]
        short = frozenset(answer for answer in answers if len(answer) <= _SHORT)
        return cls(tuple(forms), short, median(map(len, answers)) if answers else 0.0)

    def shows(self, answer: str) -> bool:
        """Whether an answer has the form of the task's answers, or is one of them."""
        text = answer.strip()
        return text in self.answers or any(form.allows(text) for form in self.contracts)

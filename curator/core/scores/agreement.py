"""How far a judge model agrees with a person about which of two answers is better."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from curator.core.scores.metrics import Interval, wilson
from curator.core.text import count_of

Choice = Literal["first", "second", "tie"]
ENOUGH_MARKS = 20
"""Pairs that a person has to have marked before a judge's score is worth a look."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The share of `marks` pairs, marked by a person, with the same choice; Cohen's kappa (None: undefined)."""

    marks: int
    share: Interval
    kappa: float | None

    @property
    def enough(self) -> bool:
        """Whether there are enough marks to show the judge's score."""
        return self.marks >= ENOUGH_MARKS

    @property
    def words(self) -> str:
        """The sentence for people."""
        if not self.enough:
            return (
                f"The judge's score is not shown: it has to be held against {ENOUGH_MARKS} pairs that you marked; "
                f"there {'is' if self.marks == 1 else 'are'} {self.marks}; mark {ENOUGH_MARKS - self.marks} more."
            )
        interval = f"{self.share.low:.0%} to {self.share.high:.0%}"
        chance = "" if self.kappa is None else f", kappa {self.kappa:.2f}"
        return (
            f"It agrees with you on {self.share.value:.0%} of {count_of(self.marks, 'pair')} ({interval}{chance})."
        )


def measure_agreement(by_person: Sequence[Choice], by_judge: Sequence[Choice]) -> Agreement:
    """The agreement of two lists of choices about the same pairs. Raises ValueError for different lengths."""
    pairs = list(zip(by_person, by_judge, strict=True))
    count = len(pairs)
    same = sum(one == other for one, other in pairs)
    if not count:
        return Agreement(0, wilson(0, 0), None)
    ours, theirs = Counter(by_person), Counter(by_judge)
    by_chance = sum(ours[choice] * theirs[choice] for choice in ours) / count**2
    kappa = None if by_chance == 1 else (same / count - by_chance) / (1 - by_chance)
    return Agreement(count, wilson(same, count), kappa)

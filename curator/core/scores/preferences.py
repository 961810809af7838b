"""What a person's blind judgements of two rows amount to: how often each was better, with its interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from curator.core.scores.metrics import Interval, wilson

CRITERIA = ("relevance", "coherence", "accuracy", "fluency", "conciseness")
"""What may decide a judgement, in the order of their keys."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """How many judgements there are of each verdict; `criteria` counts those that decided for either row."""

    first: int = 0
    second: int = 0
    tie: int = 0
    both_bad: int = 0
    both_right: int = 0
    criteria: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By criterion: how often it was named where the first row was better, and where the second was."""

    @property
    def decided(self) -> int:
        """How many judgements prefer one of the two."""
        return self.first + self.second

    @property
    def share(self) -> Interval:
        """The share of the decided judgements that prefer the first row."""
        return wilson(self.first, self.decided)

    def words(self, first: str, second: str) -> str:
        """The result in sentences."""
        if not self.decided:
            sentence = f"Neither {first} nor {second} was called better yet"
        else:
            better, other, count = (first, second, self.first)
            if self.second > self.first:
                better, other, count = second, first, self.second
            interval = wilson(count, self.decided)
            low, high = 100 * interval.low, 100 * interval.high
            sentence = (
                f"{better} is better than {other} in {count:,} of {self.decided:,} "
                f"({100 * interval.value:.0f} %, {low:.0f}–{high:.0f})"
            )
            if interval.low <= 0.5:
                sentence += ", which can be chance"
        others = [
            f"{count:,} {words}"
            for count, words in (
                (self.tie, f"tie{'s' * (self.tie != 1)}"),
                (self.both_bad, "both bad"),
                (self.both_right, "both right"),
            )
            if count
        ]
        named = [f"{name} {one}:{two}" for name, (one, two) in self.criteria.items() if one or two]
        sentences = [", ".join([sentence, *others])]
        if named:
            sentences.append(f"Named, {first} : {second}: {', '.join(named)}")
        return ". ".join(sentences) + "."


def count_preferences(judgements: Iterable[tuple[str, Iterable[str]]]) -> Preferences:
    """Count (verdict, criteria) pairs; other verdicts than those of the ledger are left out."""
    verdicts: Counter[str] = Counter()
    named: dict[str, list[int]] = {name: [0, 0] for name in CRITERIA}
    for verdict, criteria in judgements:
        verdicts[verdict] += 1
        for name in criteria:
            if name in named and verdict in ("first", "second"):
                named[name][verdict == "second"] += 1
    return Preferences(
        verdicts["first"],
        verdicts["second"],
        verdicts["tie"],
        verdicts["both_bad"],
        verdicts["both_right"],
        {name: (one, two) for name, (one, two) in named.items()},
    )

"""How far two people agree who judged the same examples: percent, Cohen's kappa, Gwet's AC1.

Kappa: Cohen, Educational and Psychological Measurement 20 (1960). AC1: Gwet, British Journal of Mathematical
and Statistical Psychology 61 (2008). Both are the share of equal judgements, corrected for
chance; where nearly everything gets the same judgement kappa falls towards 0 although two people agree, AC1 not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RaterAgreement:
    """The agreement of two people about `examples` examples, of which they judged `same` alike."""

    examples: int
    same: int
    kappa: float | None
    """Cohen's kappa; None where chance alone would make all judgements equal, or there is no example."""
    ac1: float | None
    """Gwet's AC1; None without examples."""

    @property
    def percent(self) -> float | None:
        """The share of equal judgements in percent."""
        return 100 * self.same / self.examples if self.examples else None

    @property
    def words(self) -> str:
        """E.g. `180 of 200 alike (90.0 %), kappa 0.79, AC1 0.81`."""
        if self.percent is None:
            return "nothing was judged by both"
        kappa = "not defined" if self.kappa is None else f"{self.kappa:.2f}"
        return (
            f"{self.same:,} of {self.examples:,} alike ({self.percent:.1f} %), kappa {kappa}, AC1 {self.ac1:.2f}"
        )


def rater_agreement(
    ours: Sequence[Hashable], theirs: Sequence[Hashable], categories: Sequence[Hashable]
) -> RaterAgreement:
    """The agreement of two lists of judgements of the same examples, each one of `categories` (at least two).

    Raises ValueError for lists of different lengths.
    """
    count, same = len(ours), sum(one == other for one, other in zip(ours, theirs, strict=True))
    if not count:
        return RaterAgreement(0, 0, None, None)
    mine, others = Counter(ours), Counter(theirs)
    observed = same / count
    by_chance = sum(mine[each] * others[each] for each in mine) / count**2
    kappa = None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)
    shares = [(mine[each] + others[each]) / (2 * count) for each in categories]
    expected = sum(share * (1 - share) for share in shares) / (len(categories) - 1)
    return RaterAgreement(count, same, kappa, (observed - expected) / (1 - expected))

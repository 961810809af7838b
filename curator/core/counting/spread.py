"""The distribution of numbers: the statistics of the JSON output's `per_example`, and a histogram."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from curator.core.counting.counter import Tokens


@dataclass(frozen=True, slots=True)
class Spread:
    """Statistics of numbers; all 0 for no numbers."""

    min: float = 0
    max: float = 0
    mean: float = 0.0
    median: float = 0.0
    p10: float = 0.0
    """p10 and p90 are quantiles by linear interpolation (numpy's default). OpenAI's notebook prints them as p5
    and p95 (docs/openai.md §4)."""
    p90: float = 0.0


@dataclass(frozen=True, slots=True)
class Bin:
    """The count of numbers from `low` to below `high`; the last bin includes `high`."""

    low: int
    high: int
    count: int


@dataclass(slots=True)
class TokenTally:
    """The token counts of a dataset, added example by example; 16 bytes per example."""

    limit: int | None = None
    """Tokens that training reads of one example; longer examples are counted in `over_limit`."""
    totals: array[int] = field(default_factory=lambda: array("q"))
    assistants: array[int] = field(default_factory=lambda: array("q"))
    over_limit: int = 0
    estimated: bool = False

    def add(self, tokens: Tokens) -> None:
        """Count one example."""
        self.totals.append(tokens.total)
        self.assistants.append(tokens.assistant)
        self.over_limit += self.limit is not None and tokens.total > self.limit
        self.estimated |= tokens.estimated

    def as_dict(self, model: str, encoding: str) -> dict[str, object]:
        """The `tokens` object of the JSON output; `estimated`: at least one count is an estimate."""
        return {
            "encoding": encoding,
            "model": model,
            "estimated": self.estimated,
            "total": sum(self.totals),
            "assistant": sum(self.assistants),
            "over_limit": self.over_limit,
            "limit": self.limit,
            "per_example": asdict(spread(self.totals)),
            "assistant_per_example": asdict(spread(self.assistants)),
        }


def spread(numbers: Iterable[float]) -> Spread:
    """The minimum, maximum, mean, median and the quantiles 0.1 and 0.9 of some numbers."""
    ordered = sorted(numbers)
    if not ordered:
        return Spread()
    mean = math.fsum(ordered) / len(ordered)
    return Spread(ordered[0], ordered[-1], mean, *(quantile(ordered, q) for q in (0.5, 0.1, 0.9)))


def quantile(ordered: Sequence[float], q: float) -> float:
    """The q-quantile of sorted numbers by linear interpolation, equal to numpy's. Raises IndexError for no
    numbers."""
    place = q * (len(ordered) - 1)
    below = math.floor(place)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    share = place - below
    # numpy interpolates from the nearer end, which decides the last digit
    return high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share


def histogram(numbers: Sequence[int], most: int = 8) -> list[Bin]:
    """About `most` bins of a round width (1, 2 or 5 × 10ⁿ), none for no numbers. Where the largest numbers are far
    above the 95 % quantile, one more bin takes all of them."""
    if not numbers:
        return []
    ordered = sorted(numbers)
    least, greatest = ordered[0], ordered[-1]
    usual = math.ceil(quantile(ordered, 0.95))
    cut = greatest if greatest - least <= 3 * max(1, usual - least) else usual
    width = _round_width((cut - least + 1) / most)
    start = least // width * width
    edges = list(range(start, cut + 1, width)) + [cut // width * width + width]
    counts = [0] * (len(edges) - 1)
    tail = 0
    for number in ordered:
        if number < edges[-1]:
            counts[(number - start) // width] += 1
        else:
            tail += 1
    bins = [Bin(low, high, count) for low, high, count in zip(edges, edges[1:], counts, strict=False)]
    return [*bins, Bin(edges[-1], greatest, tail)] if tail else bins


def _round_width(least: float) -> int:
    if least <= 1:
        return 1
    power = 10 ** math.floor(math.log10(least))
    return next(int(power * factor) for factor in (1, 2, 5, 10) if power * factor >= least)

"""Comparing trainings on the same prompts: a difference with its interval, and what more examples may bring.

A value is told with the luck of the prompts (which ones happened to be held out) and that of the trainings (their
seeds), which are independent: half the interval is the root of the sum of their squares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, variance

from curator.core.scores.metrics import Z95, Interval

Scores = Sequence[Sequence[float]]
"""The score of each prompt, for each seed: all rows are as long."""
_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Two-sided 95 % quantiles of Student's t for 1 to 10 degrees of freedom."""


def t95(freedom: int) -> float:
    """The two-sided 95 % quantile of Student's t; without a degree of freedom infinite."""
    if freedom < 1:
        return math.inf
    return _T95[freedom - 1] if freedom <= len(_T95) else Z95 + 2.5 / freedom


def mean_by_prompt(scores: Scores) -> list[float]:
    """The mean over the seeds of each prompt's score."""
    return [fmean(column) for column in zip(*scores, strict=True)]


def _error_of_prompts(values: Sequence[float]) -> float:
    return math.sqrt(variance(values) / len(values)) if len(values) > 1 else math.inf


def level(scores: Scores) -> Interval:
    """The mean score of one kind of training."""
    by_prompt, means = mean_by_prompt(scores), [fmean(row) for row in scores]
    half = Z95 * _error_of_prompts(by_prompt)
    if len(means) > 1:
        half = math.hypot(half, t95(len(means) - 1) * math.sqrt(variance(means) / len(means)))
    return _around(fmean(by_prompt), half)


def difference(before: Scores, after: Scores) -> Interval:
    """Mean score of `after` less that of `before`, paired by prompts; the luck of seeds is pooled over both."""
    pairs = zip(mean_by_prompt(before), mean_by_prompt(after), strict=True)
    by_prompt = [new - old for old, new in pairs]
    half = Z95 * _error_of_prompts(by_prompt)
    freedom = len(before) + len(after) - 2
    if len(before) > 1 and len(after) > 1:
        luck = sum(variance([fmean(row) for row in arm]) / len(arm) for arm in (before, after))
        half = math.hypot(half, t95(freedom) * math.sqrt(luck))
    return _around(fmean(by_prompt), half)


def gain_of_more(points: Sequence[tuple[int, Scores]], more: int) -> Interval:
    """What `more` examples beyond the largest point may add to the mean score, if it goes on growing with the
    logarithm of the number of examples (least squares over all seeds)."""
    rows = [(math.log(count), row) for count, scores in points for row in scores]
    centre = fmean(x for x, _ in rows)
    spread = sum((x - centre) ** 2 for x, _ in rows)
    step = math.log1p(more / max(count for count, _ in points))
    if not spread:
        return Interval(0.0, -math.inf, math.inf)
    slopes = [sum((x - centre) * row[at] for x, row in rows) / spread for at in range(len(rows[0][1]))]
    slope, level_at_centre = fmean(slopes), fmean(fmean(row) for _, row in rows)
    misfits = [fmean(row) - level_at_centre - slope * (x - centre) for x, row in rows]
    freedom = len(rows) - 2
    error = math.sqrt(sum(each * each for each in misfits) / freedom / spread) if freedom > 0 else math.inf
    half = math.hypot(Z95 * _error_of_prompts(slopes), t95(freedom) * error)
    return _around(slope * step, half * step)


def is_told(interval: Interval) -> bool:
    """Whether an interval lies on one side of 0."""
    return interval.low > 0 or interval.high < 0


def _around(value: float, half: float) -> Interval:
    return Interval(value, value - half, value + half)

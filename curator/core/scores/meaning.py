"""What the rows of a comparison mean, in one sentence: can they be told apart, and does a training pay?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from curator.core.scores import metrics

_CHANCE = 0.05
"""Least p value of a difference that is called chance."""


@dataclass(frozen=True, slots=True)
class RightRow:
    """A row of the comparison, and which of its answers are right."""

    label: str
    tuned: bool
    right: Sequence[bool]

    @property
    def share(self) -> float:
        """The share of right answers."""
        return metrics.share(self.right)


def meaning(rows: Sequence[RightRow]) -> str:
    """One sentence, without markup; empty for no rows or no prompts. The last tuned row is the newest."""
    rows = [row for row in rows if row.right]
    if not rows:
        return ""
    tuned = next((row for row in reversed(rows) if row.tuned), None)
    others = [row for row in rows if not row.tuned]
    if tuned is not None and others:
        return _against(
            tuned, max(others, key=lambda row: row.share), "the training pays", "asking so is better than it"
        )
    if tuned is not None or len(others) == 1:
        row = tuned or others[0]
        hint = "" if row.tuned else "; m asks it with your own examples before it, which needs no training"
        return f"{_said(row)}{hint}."
    first, best = others[0], max(others[1:], key=lambda row: row.share)
    return _against(best, first, "a training has to beat that", "the plain question is better")


def _against(row: RightRow, other: RightRow, better: str, worse: str) -> str:
    """How two rows differ, and what follows where the difference is more than chance."""
    flips = metrics.flips(other.right, row.right)
    pair = f"{row.label} {100 * row.share:.0f} % right, {other.label} {100 * other.share:.0f} %"
    fixed, broken = len(flips.fixed), len(flips.broken)
    words = f"{pair}: {fixed:,} fixed, {broken:,} broken (McNemar p = {flips.p_value:.2g})"
    if flips.p_value >= _CHANCE:
        return f"{words}, {len(row.right):,} prompts cannot tell them apart."
    return f"{words}, {better if row.share > other.share else worse}."


def _said(row: RightRow) -> str:
    interval = metrics.wilson(sum(row.right), len(row.right))
    low, high = round(100 * interval.low), round(100 * interval.high)
    return f"{row.label}: {sum(row.right):,} of {len(row.right):,} right, which means {low} to {high} %"

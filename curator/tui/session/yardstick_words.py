"""How exact a score on some held-out prompts is, and how much exactness a smaller set loses, in words."""

from __future__ import annotations

from curator.core.scores import metrics
from curator.core.text import count_of


def margin_points(prompts: int) -> int:
    """Half the width of the 95 % interval of a share of one half over so many prompts, in percentage points."""
    interval = metrics.wilson(prompts // 2, prompts)
    return round(50 * (interval.high - interval.low))


def loss_words(side: str, before: int, after: int) -> str:
    """What a held-out side loses when it shrinks from `before` to `after` prompts."""
    if not after:
        return f"The {side} side is empty now: nothing measures a model any more."
    margins = f"±{margin_points(after)} points instead of ±{margin_points(before)}"
    return (
        f"The {side} side shrinks from {before:,} to {count_of(after, 'prompt')}: "
        f"a score on it is exact to {margins}."
    )

"""The marks of an axis: round numbers, or powers of ten."""

from __future__ import annotations

import math


def ticks(low: float, high: float, count: int) -> list[float]:
    """About `count` round numbers (1, 2 or 5 × 10ⁿ apart) from low to high (low < high); at least two."""
    rough = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [power * factor for factor in (10, 5, 2, 1, 0.5, 0.2, 0.1)]
    finest = next((at for at, step in enumerate(steps) if step < rough * 0.99), len(steps)) - 1
    for step in steps[max(0, finest) :]:
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last > first:
            return [step * at for at in range(first, last + 1)]
    return [low, high]


def log_ticks(low: float, high: float, count: int) -> list[float]:
    """The marks of a logarithmic axis, as exponents of ten: powers of ten, or 1, 2 and 5 × 10ⁿ, or round numbers;
    the first of these with at least two marks in the range."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    for factors in ((1,), (1, 2, 5)):
        marks = [power + math.log10(factor) for power in decades for factor in factors]
        inside = [mark for mark in marks if low - 1e-9 <= mark <= high + 1e-9]
        if len(inside) >= 2:
            return inside[:: math.ceil(len(inside) / (2 * count))]
    if high > 300 or low < -300:
        return [low, high]
    return [math.log10(value) for value in ticks(10**low, 10**high, count) if value > 0]

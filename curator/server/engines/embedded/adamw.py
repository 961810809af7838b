"""AdamW on one flat vector, with gradient clipping."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from curator.server.engines.embedded.lora import Array

CLIP = 1.0
_CHUNK = 1 << 15
"""Parameters updated at once: few enough that all arrays stay in the processor's cache."""


@dataclass(slots=True)
class AdamW:
    """AdamW (Loshchilov & Hutter 2019) with weight decay 0 on the parameters `flat`; `mean` and `square` are
    the moving averages of the gradient and of its square."""

    flat: Array
    mean: Array = field(init=False)
    square: Array = field(init=False)
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        self.mean = np.zeros_like(self.flat)
        self.square = np.zeros_like(self.flat)

    def update(self, gradient: Array, step: int, rate: float) -> float:
        """Apply update `step` (from 1) with learning rate `rate`; returns the gradient's norm before clipping.

        `gradient` is clipped in place. If its norm is not finite, nothing is changed.
        """
        norm = math.sqrt(float(np.dot(gradient, gradient)))
        if not math.isfinite(norm):
            return norm
        if norm > CLIP:
            gradient *= gradient.dtype.type(CLIP / (norm + 1e-6))
        first, second = self.betas
        size = rate / (1 - first**step)
        root = math.sqrt(1 - second**step)
        for start in range(0, len(self.flat), _CHUNK):
            part = slice(start, start + _CHUNK)
            g, m, v = gradient[part], self.mean[part], self.square[part]
            m += (1 - first) * (g - m)
            v *= second
            v += (1 - second) * g * g
            below = np.sqrt(v)
            below /= root
            below += self.eps
            self.flat[part] -= size * m / below
        return norm

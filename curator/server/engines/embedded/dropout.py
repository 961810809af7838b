"""Dropout of an adapter's inputs (Srivastava et al. 2014): its masks come from seed, step and place alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from curator.server.engines.embedded.lora import GROUPS, Array

_STEPS = 2**16
"""A number of 16 bits decides about each value, so a share is exact to 1/65,536."""


@dataclass(frozen=True, slots=True)
class DroppedInputs:
    """Which inputs (T, in) of one group of linear layers its adapter sees; they are multiplied by `scale`, so that
    their mean stays."""

    kept: npt.NDArray[np.bool_]
    scale: float

    def apply(self, values: Array) -> Array:
        """The values with the dropped ones zero, and the others scaled."""
        out: Array = values * self.kept
        out *= values.dtype.type(self.scale)
        return out


@dataclass(frozen=True, slots=True)
class Dropout:
    """Drops a `share` of the inputs of each adapter. `key` are the numbers that the masks are drawn from: the same
    key gives the same masks, so that a resumed job repeats them."""

    share: float
    key: tuple[int, ...]

    def of_row(self, number: int) -> Dropout:
        """The dropout of one packed row of a step, which is named by the number of an example in it."""
        return replace(self, key=(*self.key, number))

    def draw(self, layer: int, group: str, shape: tuple[int, ...]) -> DroppedInputs:
        """What is dropped of a group's inputs in one block."""
        random = np.random.Generator(np.random.SFC64([*self.key, layer, list(GROUPS).index(group)]))
        numbers = random.integers(0, _STEPS, shape, np.uint16)
        return DroppedInputs(numbers >= round(self.share * _STEPS), 1 / (1 - self.share))

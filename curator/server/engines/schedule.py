"""How a job's updates go, the same for both engines: their number, the order of examples, the learning rates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from curator.core.cost import default_epochs
from curator.server.engines.job import JobError

PEAK_RATE = 1e-3
"""Highest learning rate for `learning_rate_multiplier` 1 (rank 16, alpha 32; measured on SmolLM2-135M)."""
DPO_SHARE = 0.1
"""DPO's peak rate as a share of the supervised one: its gradient moves the probability of whole answers."""
WARM_UP = 0.1
"""Share of all updates in which the learning rate rises."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A job's hyperparameters with every "auto" resolved, and the numbers of updates that follow from them."""

    examples: int
    n_epochs: int
    batch_size: int
    multiplier: float

    @property
    def steps_per_epoch(self) -> int:
        """Updates in one pass over the examples; the last batch may be smaller."""
        return math.ceil(self.examples / self.batch_size)

    @property
    def total_steps(self) -> int:
        """Updates of the whole job."""
        return self.steps_per_epoch * self.n_epochs


def make_schedule(hyperparameters: dict[str, Any], examples: int) -> Schedule:
    """Resolve "auto": the number of epochs that cost estimates assume (`core.cost.default_epochs`), batches of 8
    (of all examples if there are fewer), multiplier 1. Raises JobError if there is no example."""
    if examples < 1:
        raise JobError("invalid_training_file", "The training file holds no example that can be trained on.")

    def number(name: str, default: float) -> float:
        value = hyperparameters.get(name, "auto")
        return default if value in ("auto", None, -1) else float(value)

    return Schedule(
        examples=examples,
        n_epochs=int(number("n_epochs", default_epochs(examples))),
        batch_size=int(number("batch_size", min(8, examples))),
        multiplier=number("learning_rate_multiplier", 1.0),
    )


def epoch_order(count: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """The numbers 0 to `count` - 1, shuffled by seed and epoch alone, so that a resumed job repeats no example."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def peak_rate(method: str, multiplier: float) -> float:
    """The highest learning rate of a job."""
    return PEAK_RATE * multiplier * (DPO_SHARE if method == "dpo" else 1.0)


def learning_rate(step: int, total: int, peak: float, shape: str = "linear") -> float:
    """Learning rate of update `step` (from 1) of `total`.

    It rises linearly over the first tenth of the updates. Then it stays (`shape` "constant"), or falls linearly or
    as half a cosine wave ("cosine") towards 0, which it would reach one update after the last.
    """
    warm = max(1, round(WARM_UP * total))
    if step <= warm:
        return peak * step / warm
    if shape == "constant":
        return peak
    left = (total + 1 - step) / (total + 1 - warm)
    return peak * left if shape == "linear" else peak * (1 - math.cos(math.pi * left)) / 2

"""How far the best of several models is flattered by having been chosen on the prompts that score it.

The best of many is the best partly by luck. Bootstrap bias correction (Tsamardinos et al. 2018, arXiv:1708.07180):
choose the best model on a resample of the prompts, score it on the prompts that are not in the
resample, and take the mean over all resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from curator.core.text import count_of

MANY_ROUNDS = 3
"""Models on one set of prompts from which on the best of them is worth a warning."""
_RESAMPLES = 1_000
_TOLD = 0.005
"""Flattery below this share is reported as none."""


@dataclass(frozen=True, slots=True)
class Flattery:
    """The best of `models` on `prompts`: its score there, and the score on prompts that did not choose it."""

    best: int
    """The position of the best model."""
    models: int
    prompts: int
    score: float
    fair: float

    @property
    def points(self) -> float:
        """By how many percentage points the best score is flattered; 0 or more."""
        return max(0.0, 100 * (self.score - self.fair))

    @property
    def words(self) -> str:
        """The sentences for people."""
        about = (
            f"The best of {count_of(self.models, 'model')} on these "
            f"{count_of(self.prompts, 'prompt')} has {self.score:.0%}"
        )
        if self.score - self.fair < _TOLD:
            return f"{about}; choosing it there flatters it by less than half a point."
        points = f"{self.points:.0f} point{'s' * (round(self.points) != 1)}"
        return (
            f"{about}, flattered by about {points}: {self.fair:.0%} on prompts that did not choose it. "
            "Fresh prompts or the test side tell more."
        )

    def to_json(self) -> dict[str, Any]:
        """The object `flattered` of `evaluate` and `history` (docs/cli.md)."""
        return {
            "models": self.models,
            "prompts": self.prompts,
            "score": self.score,
            "fair": self.fair,
            "points": self.points,
            "says": self.words,
        }


def measure_flattery(scores: Sequence[Sequence[float]], seed: int = 0) -> Flattery | None:
    """How far the best model is flattered. `scores[m][p]`: model m's score on prompt p, the same for all.

    None for fewer than two models or prompts. Raises ValueError where the rows differ in length.
    """
    import numpy as np  # heavy

    if len({len(row) for row in scores}) > 1:
        raise ValueError("the models were not asked the same prompts")
    if len(scores) < 2 or len(scores[0]) < 2:
        return None
    table = np.asarray(scores, dtype=float)
    models, prompts = table.shape
    random = np.random.default_rng(seed)
    outside_scores = []
    for _ in range(_RESAMPLES):
        chosen_rows = random.integers(0, prompts, prompts)
        outside = np.ones(prompts, dtype=bool)
        outside[chosen_rows] = False
        if outside.any():
            best = int(table[:, chosen_rows].mean(axis=1).argmax())
            outside_scores.append(float(table[best, outside].mean()))
    means = table.mean(axis=1)
    best = int(means.argmax())
    fair = min(float(means[best]), float(np.mean(outside_scores))) if outside_scores else float(means[best])
    return Flattery(best, models, prompts, float(means[best]), fair)

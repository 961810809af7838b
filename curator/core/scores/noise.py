"""How much of a difference between two trainings is the luck of the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import stdev

from curator.core.scores.metrics import mean


@dataclass(frozen=True, slots=True)
class TrainingNoise:
    """The scores of models that were trained alike but for the seed."""

    scores: tuple[float, ...]

    @property
    def spread(self) -> float:
        """Their standard deviation (n - 1)."""
        return stdev(self.scores)

    @property
    def words(self) -> str:
        """The sentence for people: twice the deviation of a difference of two trainings is what noise may do."""
        noise = 2 * 2**0.5 * self.spread
        low, high = min(self.scores), max(self.scores)
        average = f"{mean(self.scores):.0%} on average"
        return (
            f"Trained alike with {len(self.scores)} seeds: {low:.0%} to {high:.0%}, {average}. "
            f"Two trainings may differ by {100 * noise:.0f} points by the seed alone."
        )


def measure_noise(scores: Sequence[float]) -> TrainingNoise | None:
    """The noise of training; None for fewer than two scores."""
    return TrainingNoise(tuple(scores)) if len(scores) > 1 else None

"""Which epoch's validation loss is the lowest, and whether training goes on, the same for both engines."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from curator.server.engines.job import TrainingSettings
from curator.server.engines.schedule import Schedule


@dataclass(slots=True)
class ValidationWatch:
    """The validation losses of the epochs so far, by the step that ends the epoch."""

    settings: TrainingSettings
    losses: dict[int, float] = field(default_factory=dict)

    def note(self, step: int, loss: Any) -> None:
        """Take the loss of the whole validation file after an epoch; None where there is no such file."""
        if isinstance(loss, (int, float)) and math.isfinite(loss):
            self.losses[step] = float(loss)

    def forget_after(self, step: int) -> None:
        """Drop what was noted after `step`, where training goes on from there."""
        self.losses = {at: loss for at, loss in self.losses.items() if at <= step}

    @property
    def best_step(self) -> int | None:
        """The step with the lowest loss, the first of equal ones; None without a validation file."""
        return min(sorted(self.losses), key=self.losses.__getitem__, default=None)

    @property
    def kept_step(self) -> int | None:
        """The step whose checkpoint must not be removed, as it may become the model; None if there is none."""
        return self.best_step if self.settings.picks_best else None

    @property
    def is_over(self) -> bool:
        """Whether the loss has not fallen for as many epochs as the job allows."""
        best, patience = self.best_step, self.settings.patience
        return best is not None and patience is not None and sum(at > best for at in self.losses) >= patience

    def end(self, last: int, plan: Schedule, tokens: int) -> dict[str, Any]:
        """What the fact "succeeded" tells of a training that ended with step `last`. `tokens`: of one epoch."""
        chosen = self.kept_step or last
        return {
            "trained_tokens": tokens * (last // plan.steps_per_epoch),
            "path": f"ckpt-{chosen}",
            "stopped_at": last if last < plan.total_steps else None,
            "best": chosen if self.settings.picks_best else None,
        }

"""TRL's trainers with the embedded engine's order of examples and learning rates.

Imports torch and TRL: import this module late.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from trl import DPOTrainer, SFTTrainer

from curator.server.engines.schedule import epoch_order, learning_rate


class EpochOrder(torch.utils.data.Sampler):  # type: ignore[misc]
    """The order of examples in the epoch that `trainer` is in, from the job's seed."""

    def __init__(self, trainer: Any, size: int) -> None:
        self._trainer, self._size = trainer, size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        state, args = self._trainer.state, self._trainer.args
        epoch = state.global_step // max(1, state.max_steps // int(args.num_train_epochs))
        return iter(epoch_order(self._size, args.seed, epoch).tolist())


class _OwnSchedule:
    """Replaces the order of examples and the learning rates of a transformers trainer."""

    train_dataset: Any
    optimizer: Any
    lr_scheduler: Any
    schedule_shape: str = "linear"

    def _get_train_sampler(self, train_dataset: Any = None) -> Any:
        return EpochOrder(self, len(self.train_dataset if train_dataset is None else train_dataset))

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        if getattr(self, "lr_scheduler", None) is None:
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer or self.optimizer,
                lambda step: learning_rate(step + 1, num_training_steps, 1.0, self.schedule_shape),
            )
        return self.lr_scheduler


class SupervisedTrainer(_OwnSchedule, SFTTrainer):  # type: ignore[misc]
    """Supervised fine-tuning on examples that are tokenized already."""


class PreferenceTrainer(_OwnSchedule, DPOTrainer):  # type: ignore[misc]
    """Direct preference optimisation on pairs that are tokenized already."""

    def _prepare_dataset(self, dataset: Any, *_args: Any, **_kwargs: Any) -> Any:
        return dataset

"""Reports what transformers' trainer does as facts of the worker protocol, and stops it when the server asks.

Imports transformers: import this module late.
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

from transformers import TrainerCallback

from curator.server.engines.best_epoch import ValidationWatch
from curator.server.engines.checkpoints import publish_checkpoint
from curator.server.engines.job import STATE_EVERY, JobSpec, ProgressFile, StopRequest, TrainingSettings
from curator.server.engines.schedule import Schedule

_WORDS = (None, "save", "pause", "cancel", "stop")
"""What the first process may tell the others to do after a step."""
_NO_METRICS = ("total_steps", "seconds", "learning_rate", "grad_norm")
"""Facts of a step that a checkpoint does not repeat."""


class Reporter(TrainerCallback):  # type: ignore[misc]
    """The trainer's callback. Under a launcher every process has one; only the first writes facts."""

    def __init__(
        self,
        job: JobSpec,
        plan: Schedule,
        progress: ProgressFile,
        stop: StopRequest,
        watch: ValidationWatch | None = None,
    ) -> None:
        self._job, self._plan, self._progress, self._stop = job, plan, progress, stop
        self._watch = watch or ValidationWatch(TrainingSettings.of(job.hyperparameters))
        self.stopped: str | None = None
        """Why training ended early: "pause", "cancel" or "stop"."""
        self._step: dict[str, Any] | None = None
        """Facts of the last step, held back because validation may add to them."""
        self._last_step: dict[str, Any] = {}
        self._step_began = self._saved_at = time.monotonic()

    def report(self, kind: str, **facts: Any) -> None:
        """Append a fact to the job's progress file, in the first process only."""
        if _is_first_process():
            self._progress.append(kind, **facts)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.report(
            "started",
            total_steps=state.max_steps,
            steps_per_epoch=state.max_steps // self._plan.n_epochs,
            n_epochs=self._plan.n_epochs,
            batch_size=self._plan.batch_size,
            learning_rate_multiplier=self._plan.multiplier,
            seed=self._job.seed,
        )

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._report_step()
        self._step_began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        save_is_due = time.monotonic() - self._saved_at > STATE_EVERY
        word = _broadcast(self._stop.reason() or ("save" if save_is_due else None))
        if word is not None:
            control.should_save = True
        if word not in (None, "save") and state.global_step < state.max_steps:
            self.stopped = word
            control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if logs is None or "loss" not in logs:
            return
        self._report_step()
        self._step = {
            "step": state.global_step,
            "total_steps": state.max_steps,
            "train_loss": float(logs["loss"]),
            "train_mean_token_accuracy": _accuracy(logs, ""),
            "learning_rate": float(logs["learning_rate"]),
            "grad_norm": float(logs["grad_norm"]),
            "seconds": round(time.monotonic() - self._step_began, 3),
        }

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, Any] | None = None, **_: Any
    ) -> None:
        if metrics is None or self._step is None or "eval_loss" not in metrics:
            return
        for name, value in (
            ("loss", float(metrics["eval_loss"])),
            ("mean_token_accuracy", _accuracy(metrics, "eval_")),
        ):
            self._step |= {f"valid_{name}": value, f"full_valid_{name}": value}
        self._watch.note(state.global_step, self._step["full_valid_loss"])
        if self._watch.is_over:
            control.should_training_stop = True

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._report_step()
        self._saved_at = time.monotonic()
        step = state.global_step
        if step % (state.max_steps // self._plan.n_epochs) or not _is_first_process():
            return
        trained = Path(args.output_dir) / f"checkpoint-{step}"

        def copy_adapter(folder: Path) -> None:
            for file in ("adapter_config.json", "adapter_model.safetensors"):
                shutil.copyfile(trained / file, folder / file)

        kept = self._watch.kept_step
        name = publish_checkpoint(self._job.folder, step, copy_adapter, kept)
        metrics = {key: value for key, value in self._last_step.items() if key not in _NO_METRICS}
        self.report("checkpoint", step=step, path=name, best=kept, metrics=metrics)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._report_step()

    def _report_step(self) -> None:
        """Report the step that was held back, when nothing more can be added to it."""
        if self._step is not None:
            self._last_step, self._step = self._step, None
            self.report("step", **self._last_step)


def _is_first_process() -> bool:
    return int(os.environ.get("RANK", "0")) == 0


def _accuracy(logs: dict[str, Any], prefix: str) -> float:
    for name in ("rewards/accuracies", "mean_token_accuracy"):
        if f"{prefix}{name}" in logs:
            return float(logs[f"{prefix}{name}"])
    return 0.0


def _broadcast(word: str | None) -> str | None:
    """The first process's word, in every process: all must leave the training loop at the same step."""
    import torch.distributed as distributed  # heavy

    if not (distributed.is_available() and distributed.is_initialized()):
        return word
    words = [word]
    distributed.broadcast_object_list(words, src=0)
    return words[0] if words[0] in _WORDS else None

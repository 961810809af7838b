"""The embedded engine's training loop. A resumed job gives bit for bit the result of an uninterrupted one."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from curator.basemodels import text_model as tokenizer
from curator.basemodels import weights
from curator.server.engines.best_epoch import ValidationWatch
from curator.server.engines.checkpoints import publish_checkpoint
from curator.server.engines.embedded import state
from curator.server.engines.embedded.adamw import AdamW
from curator.server.engines.embedded.batches import ROW_TOKENS
from curator.server.engines.embedded.dropout import Dropout
from curator.server.engines.embedded.llama import Llama
from curator.server.engines.embedded.lora import TARGET_GROUPS, Adapter, write_peft
from curator.server.engines.embedded.loss import LossTotals
from curator.server.engines.embedded.objective import Objective, Preference, Shards, Supervised
from curator.server.engines.examples import read_examples, render_examples
from curator.server.engines.job import (
    BETA,
    STATE_EVERY,
    JobError,
    JobSpec,
    ProgressFile,
    StopRequest,
    TrainingSettings,
)
from curator.server.engines.learning_curves import LearningCurves
from curator.server.engines.schedule import Schedule, epoch_order, learning_rate, make_schedule, peak_rate


class EmbeddedTrainer:
    """One job: its examples, model, adapter and optimiser in memory."""

    def __init__(
        self, job: JobSpec, progress: ProgressFile, stop: StopRequest, model: Llama | None = None
    ) -> None:
        """`model`: the job's base model, where it is in memory already."""
        self._job, self._progress, self._stop = job, progress, stop
        text = tokenizer.load(job.model_path)
        training, self._tokens, lines = render_examples(
            job, text, list(read_examples(job.training_file)), "training"
        )
        valid: list[Any] = []
        if job.validation_file:
            valid, _, _ = render_examples(job, text, list(read_examples(job.validation_file)), "validation")
        self._plan = make_schedule(job.hyperparameters, len(training))
        self._curves = LearningCurves(self._plan.n_epochs, lines)
        model = model or Llama(weights.load(job.model_path))
        shards = Shards(job.threads)
        self._settings = settings = TrainingSettings.of(job.hyperparameters)
        self._watch = ValidationWatch(settings)
        self._training = self._objective(model, training, shards)
        self._validation = self._objective(model, valid, shards) if valid else None
        self._valid_count = len(valid)
        self._adapter = Adapter(model.config, settings.rank, settings.alpha, dropout=settings.dropout)
        self._adapter.trained = TARGET_GROUPS[settings.targets]
        self._adapter.initialise(job.seed)
        self._optimiser = AdamW(self._adapter.flat)
        self._fingerprint = _fingerprint(job, self._plan, settings, training)

    def _objective(self, model: Llama, examples: Sequence[Any], shards: Shards) -> Objective:
        row_tokens = 0 if self._settings.packing is False else ROW_TOKENS
        if self._job.method == "dpo":
            beta = self._job.hyperparameters.get("beta", "auto")
            return Preference(model, examples, BETA if beta in ("auto", None) else float(beta), shards, row_tokens)
        return Supervised(model, examples, shards, row_tokens)

    def run(self) -> None:
        """Train the job to its end or until it is asked to stop; facts go to its progress file."""
        plan, job = self._plan, self._job
        done = state.restore_state(job.folder, self._optimiser, self._fingerprint, self._curves)
        self._progress.append(
            "started",
            total_steps=plan.total_steps,
            steps_per_epoch=plan.steps_per_epoch,
            n_epochs=plan.n_epochs,
            batch_size=plan.batch_size,
            learning_rate_multiplier=plan.multiplier,
            seed=job.seed,
        )
        self._watch.losses = self._progress.validation_losses() if done else {}
        self._watch.forget_after(done)
        saved_at, last = time.monotonic(), done
        for step in range(done + 1, plan.total_steps + 1):
            if self._watch.is_over:
                break
            facts, last = self._step(step), step
            if step % plan.steps_per_epoch == 0:
                self._watch.note(step, facts.get("full_valid_loss"))
                self._checkpoint(step, facts)
                saved_at = self._save(step)
            elif time.monotonic() - saved_at > STATE_EVERY:
                saved_at = self._save(step)
            if step < plan.total_steps and self._stop_if_asked(step):
                return
        self._progress.append("succeeded", **self._watch.end(last, plan, self._tokens))

    def _step(self, step: int) -> dict[str, float]:
        """Do one update; reports and returns its metrics. Raises JobError if the loss is no longer finite."""
        begun = time.monotonic()
        plan = self._plan
        epoch, index = divmod(step - 1, plan.steps_per_epoch)
        shuffled = epoch_order(plan.examples, self._job.seed, epoch)
        batch = shuffled[index * plan.batch_size : (index + 1) * plan.batch_size].tolist()
        share = self._settings.dropout
        dropout = Dropout(share, (self._job.seed, step)) if share else None
        sums, gradient = self._training.gradient(batch, self._adapter, dropout)
        self._curves.take(epoch, batch, sums.by_example)
        facts = {"train_loss": sums.mean_loss, "train_mean_token_accuracy": sums.accuracy}
        peak = peak_rate(self._job.method, plan.multiplier)
        rate = learning_rate(step, plan.total_steps, peak, self._settings.schedule)
        self._adapter.keep_untrained(gradient)
        norm = self._optimiser.update(gradient, step, rate)
        if not math.isfinite(norm + sums.loss):
            raise JobError("training_diverged", "The loss is no longer a number: lower learning_rate_multiplier.")
        facts |= self._validate(step)
        self._progress.append(
            "step",
            step=step,
            total_steps=plan.total_steps,
            **facts,
            learning_rate=rate,
            grad_norm=norm,
            seconds=round(time.monotonic() - begun, 3),
        )
        return facts

    def _validate(self, step: int) -> dict[str, float]:
        """Metrics of the validation file: of one batch after each step, of the whole file after each epoch."""
        if self._validation is None:
            return {}
        size, count = self._plan.batch_size, self._valid_count
        if step % self._plan.steps_per_epoch == 0:
            whole = LossTotals()
            for start in range(0, count, 64):
                whole.add(self._validation.measure(range(start, min(count, start + 64)), self._adapter))
            sums, full = (
                whole,
                {"full_valid_loss": whole.mean_loss, "full_valid_mean_token_accuracy": whole.accuracy},
            )
        else:
            full = {}
            indexes = sorted({((step - 1) * size + n) % count for n in range(size)})
            sums = self._validation.measure(indexes, self._adapter)
        return {"valid_loss": sums.mean_loss, "valid_mean_token_accuracy": sums.accuracy, **full}

    def _checkpoint(self, step: int, metrics: dict[str, float]) -> None:
        job = self._job
        kept = self._watch.kept_step
        self._curves.write(job.folder)
        name = publish_checkpoint(
            job.folder, step, lambda folder: write_peft(folder, self._adapter, job.model), kept
        )
        self._progress.append("checkpoint", step=step, path=name, best=kept, metrics={"step": step, **metrics})

    def _save(self, step: int) -> float:
        state.save_state(self._job.folder, self._optimiser, step, self._fingerprint, self._curves)
        return time.monotonic()

    def _stop_if_asked(self, step: int) -> bool:
        """If the job was asked to stop, save its state, report it and return True."""
        reason = self._stop.reason()
        if reason is None:
            return False
        self._save(step)
        if reason in ("pause", "cancel"):
            self._progress.append("paused" if reason == "pause" else "cancelled", step=step)
        return True


def _fingerprint(
    job: JobSpec, plan: Schedule, settings: TrainingSettings, training: Sequence[Any]
) -> dict[str, Any]:
    """What identifies a job's state: a saved one with another fingerprint is not resumed."""
    digest = hashlib.sha256(repr(training).encode()).hexdigest()
    return {
        "model": job.model,
        "method": job.method,
        "seed": job.seed,
        "n_epochs": plan.n_epochs,
        "batch_size": plan.batch_size,
        "learning_rate_multiplier": plan.multiplier,
        "settings": asdict(settings),
        "data": digest,
    }

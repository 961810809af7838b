"""What a training process reads and writes in its job's folder: the spec, progress, requests to stop."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.errors import CuratorError, InputError

RANK, ALPHA_PER_RANK = 16, 2.0
TARGETS = ("all", "attention", "mlp")
"""Which linear layers of a block LoRA adapts."""
SCHEDULES = ("linear", "cosine", "constant")
"""How the learning rate goes after warming up."""
MOST_DROPOUT = 0.9
VALIDATED = ("early_stopping", "best_checkpoint")
"""Hyperparameters that go by the loss of the validation file."""
SETTINGS = ("lora_rank", "lora_alpha", "lora_targets", "lora_dropout", "schedule", "packing", *VALIDATED)
"""Hyperparameters that this server has beside those of OpenAI's API."""
EMBEDDED_ONLY = {"packing": "trains each example in a row of its own"}
"""Settings that the hf engine does not have, with what it does instead."""
BETA = 0.1
STATE_EVERY = 30.0
"""Seconds after which the state is saved within an epoch."""


def why_setting_unsupported(engine: str, hyperparameters: dict[str, Any]) -> str | None:
    """A sentence about the first setting that was turned on and that a job's engine does not have."""
    for name, instead in EMBEDDED_ONLY.items():
        if engine == "hf" and hyperparameters.get(name) not in ("auto", None, False):
            needs = f"and this model needs hf, which {instead}"
            return f"'{name}' is a setting of the embedded engine, {needs}: leave it out."
    return None


class JobError(CuratorError):
    """A job cannot go on. `code` is the API's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class JobSpec:
    """The content of `job.json` (docs/architecture.md, "server")."""

    folder: Path
    job_id: str
    model: str
    model_path: Path
    engine: str
    method: str
    training_file: Path
    validation_file: Path | None
    hyperparameters: dict[str, Any]
    seed: int
    threads: int

    @staticmethod
    def read(folder: Path) -> JobSpec:
        """Read `job.json` of a job's folder. Raises InputError if it is missing or incomplete."""
        try:
            raw = json.loads((folder / "job.json").read_bytes())
            validation = raw.get("validation_file")
            return JobSpec(
                folder=folder,
                job_id=str(raw["job_id"]),
                model=str(raw["model"]),
                model_path=Path(raw["model_path"]),
                engine=str(raw.get("engine") or "embedded"),
                method=str(raw.get("method") or "supervised"),
                training_file=Path(raw["training_file"]),
                validation_file=Path(validation) if validation else None,
                hyperparameters=dict(raw.get("hyperparameters") or {}),
                seed=int(raw.get("seed") or 0),
                threads=max(1, int(raw.get("threads") or 1)),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{folder / 'job.json'} cannot be used: {error!r}") from error


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """A job's adapter and how it is trained, beside the hyperparameters of OpenAI's API."""

    rank: int
    alpha: float
    targets: str
    dropout: float
    """The share of its inputs that an adapter does not see in a step."""
    schedule: str
    packing: bool | None
    """Whether the short examples of a batch share rows; None: as the engine does it by itself."""
    patience: int | None
    """Training stops after so many epochs in which the validation loss did not fall; None: never."""
    picks_best: bool
    """Whether the tuned model is the checkpoint of the lowest validation loss, not the last one."""

    @staticmethod
    def of(hyperparameters: dict[str, Any]) -> TrainingSettings:
        """The settings in a job's hyperparameters, with the defaults of docs/engines.md."""

        def value(name: str, default: Any) -> Any:
            given = hyperparameters.get(name, "auto")
            return default if given in ("auto", None) else given

        rank = int(value("lora_rank", RANK))
        patience = value("early_stopping", None)
        return TrainingSettings(
            rank=rank,
            alpha=float(value("lora_alpha", ALPHA_PER_RANK * rank)),
            targets=str(value("lora_targets", "all")),
            dropout=float(value("lora_dropout", 0.0)),
            schedule=str(value("schedule", "linear")),
            packing=value("packing", None),
            patience=None if patience is None else int(patience),
            picks_best=bool(value("best_checkpoint", patience is not None)),
        )


class ProgressFile:
    """`progress.jsonl` of a job's folder, to which a training process appends facts."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "progress.jsonl"

    def append(self, kind: str, **facts: Any) -> None:
        """Append one fact as a line of JSON, without those values that are None."""
        fact = {"kind": kind, **{name: value for name, value in facts.items() if value is not None}}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(fact, ensure_ascii=False) + "\n")

    def validation_losses(self) -> dict[int, float]:
        """The validation loss of each checkpoint so far, by its step."""
        losses = {}
        for line in self._path.read_bytes().splitlines() if self._path.is_file() else []:
            try:
                fact = json.loads(line)
                if fact["kind"] == "checkpoint":
                    losses[int(fact["step"])] = float(fact["metrics"]["full_valid_loss"])
            except (ValueError, KeyError, TypeError):  # half a line of a killed process, or no validation
                continue
        return losses


class StopRequest:
    """Whether the job was asked to stop, by the server's `control` file or by SIGTERM."""

    def __init__(self, folder: Path) -> None:
        self._control = folder / "control"
        self._terminated = False
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, _signal: int, _frame: Any) -> None:
        self._terminated = True

    def reason(self) -> str | None:
        """Why to stop: "pause", "cancel", "stop" (SIGTERM); None: go on."""
        try:
            word = self._control.read_text("ascii", "replace").strip()
        except OSError:
            word = ""
        if word in ("pause", "cancel"):
            return word
        return "stop" if self._terminated else None


def limit_threads() -> None:
    """Let each matrix product use one thread: with more, training on a busy machine becomes many times slower.

    The libraries read these variables when NumPy is imported, so this must run before.
    """
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(name, "1")

"""What both engines share of a job: its spec, its hyperparameters, what it reports, and when it should stop."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.errors import CuratorError, InputError

RANK, ALPHA = 16, 32.0
BETA = 0.1
KEPT_CHECKPOINTS = 3
STATE_EVERY = 30.0
"""Seconds after which the state is saved within an epoch."""


class JobError(CuratorError):
    """A job that cannot go on; `code` is what the API reports beside the message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class JobSpec:
    """`job.json` of a job's folder, as docs/architecture.md gives it."""

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
        """Load the spec. Raises InputError where it is missing or incomplete."""
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


class ProgressFile:
    """Appends facts to `progress.jsonl`, one flushed line each."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "progress.jsonl"

    def append(self, kind: str, **facts: Any) -> None:
        """Append one fact; None values are left out."""
        fact = {"kind": kind, **{name: value for name, value in facts.items() if value is not None}}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(fact, ensure_ascii=False) + "\n")


class StopRequest:
    """Whether the job should stop after this step: the server's `control` file, or SIGTERM."""

    def __init__(self, folder: Path) -> None:
        self._control = folder / "control"
        self._terminated = False
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._terminate)

    def _terminate(self, _signal: int, _frame: Any) -> None:
        self._terminated = True

    def reason(self) -> str | None:
        """ "pause", "cancel", "stop" (SIGTERM), or None to go on."""
        try:
            word = self._control.read_text("ascii", "replace").strip()
        except OSError:
            word = ""
        if word in ("pause", "cancel"):
            return word
        return "stop" if self._terminated else None


def limit_threads() -> None:
    """One thread a matrix product: several collapse on a busy machine. Must run before NumPy is imported."""
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        os.environ.setdefault(name, "1")

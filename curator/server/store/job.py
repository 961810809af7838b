"""A row of the table `jobs`, and how the API shows jobs, events and checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

TERMINAL = frozenset({"succeeded", "failed", "cancelled"})
LIVE = frozenset({"validating_files", "queued", "running", "paused"})
ORGANIZATION = "org-local"

COLUMNS = (
    "id, intent, status, created_at, finished_at, model, name, suffix, seed, engine, method, hyperparameters, "
    "metadata, training_file, validation_file, result_file, trained_tokens, error, estimated_finish, total_steps, "
    "step_seconds, pid, outcome, stopping, crashes, offset"
)


@dataclass(frozen=True, slots=True)
class JobRow:
    """One fine-tuning job. Times are Unix seconds; `name` is the tuned model's name, before it exists too."""

    id: str
    intent: str | None
    status: str
    created_at: int
    finished_at: int | None
    model: str
    name: str
    suffix: str | None
    seed: int
    engine: str | None
    """The engine that trains it; None until the files are validated."""
    method: str
    hyperparameters: dict[str, Any]
    metadata: dict[str, str]
    training_file: str
    validation_file: str | None
    result_file: str | None = None
    trained_tokens: int | None = None
    error: dict[str, Any] | None = None
    estimated_finish: int | None = None
    total_steps: int | None = None
    step_seconds: float | None = None
    """Moving average of a step's duration, for `estimated_finish`."""
    pid: int | None = None
    """Process group of a worker that may still live; None: no worker was started."""
    outcome: dict[str, Any] | None = None
    """The fact with which the worker reported its end, until the queue has acted on it."""
    stopping: bool = False
    """The worker was asked to save and stop because the server ends, so its end is no crash."""
    crashes: int = 0
    offset: int = 0
    """The byte offset up to which `progress.jsonl` has been turned into events."""

    @property
    def ended(self) -> bool:
        """Whether the job's status is final."""
        return self.status in TERMINAL

    def view(self) -> dict[str, Any]:
        """The API's FineTuningJob object."""
        view: dict[str, Any] = {
            "object": "fine_tuning.job",
            "id": self.id,
            "model": self.model,
            "created_at": self.created_at,
            "finished_at": self.finished_at,
            "fine_tuned_model": self.name if self.status == "succeeded" else None,
            "organization_id": ORGANIZATION,
            "result_files": [self.result_file] if self.result_file else [],
            "status": self.status,
            "validation_file": self.validation_file,
            "training_file": self.training_file,
            "hyperparameters": self.hyperparameters,
            "trained_tokens": self.trained_tokens,
            "error": self.error,
            "user_provided_suffix": self.suffix,
            "seed": self.seed,
            "estimated_finish": self.estimated_finish if self.status == "running" else None,
            "integrations": [],
            "method": {"type": self.method, self.method: {"hyperparameters": self.hyperparameters}},
        }
        if self.metadata:
            view["metadata"] = self.metadata
        return view


_JSON = ("hyperparameters", "metadata", "error", "outcome")


def job_from_row(row: Any) -> JobRow:
    """The job of a database row with all COLUMNS."""
    values = dict(row)
    for name in _JSON:
        values[name] = None if values[name] is None else orjson.loads(values[name])
    values["stopping"] = bool(values["stopping"])
    return JobRow(**values)


def to_json(value: Any) -> str:
    """A value as JSON text for a column."""
    return orjson.dumps(value).decode()


def event_view(row: Any) -> dict[str, Any]:
    """The API's event object of a row of `events`."""
    return {
        "object": "fine_tuning.job.event",
        "id": row["id"],
        "created_at": row["created_at"],
        "level": row["level"],
        "message": row["message"],
        "type": row["type"],
        "data": orjson.loads(row["data"]),
    }


def checkpoint_view(row: Any) -> dict[str, Any]:
    """The API's checkpoint object of a row of `checkpoints`."""
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": row["id"],
        "created_at": row["created_at"],
        "fine_tuning_job_id": row["job_id"],
        "fine_tuned_model_checkpoint": row["name"],
        "step_number": row["step"],
        "metrics": orjson.loads(row["metrics"]),
    }

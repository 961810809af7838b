"""Runs and deployments: as values, and as rows of `runs.db`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

import orjson

from curator.jobs.http import provider_records as records

OPEN = ("intent", "uploading", "creating", "unclear")
"""Statuses of ours, until the provider's job is known. After that the provider's status is stored."""
CLOSED = (*records.TERMINAL, "refused", "lost", "abandoned")
"""Statuses that never change again. `refused`: the provider refused the job. `lost`: our own server has no such
job any more. `abandoned`: the submission led to no job, and the user gave it up."""


@dataclass(frozen=True)
class Run:
    """One training: a frozen dataset, its parameters, the provider's job and its outcome."""

    run: str
    provider: str
    origin: str
    model: str
    status: str
    fingerprint: str
    created_at: float
    job_id: str | None = None
    fine_tuned_model: str | None = None
    training_file: str | None = None
    validation_file: str | None = None
    dataset_sha256: str | None = None
    validation_sha256: str | None = None
    examples: int | None = None
    method: str = "supervised"
    params: dict[str, Any] = field(default_factory=dict)
    source: str | None = None
    revision: int | None = None
    epochs: int | None = None
    trained_tokens: int | None = None
    usd_estimate: float | None = None
    error: dict[str, Any] | None = None
    finished_at: float | None = None
    result_files: list[str] = field(default_factory=list)
    job: dict[str, Any] = field(default_factory=dict)
    """The job object as the provider last sent it."""
    swept: int = 0
    """1 once the events, checkpoints and results of the finished job are stored."""

    @property
    def closed(self) -> bool:
        """True where the status cannot change any more."""
        return self.status in CLOSED

    @property
    def settled(self) -> bool:
        """True where there is nothing new to ask the provider for."""
        return self.closed and bool(self.swept or not self.job_id)

    @property
    def foreign(self) -> bool:
        """True for a job that was not submitted by this Curator."""
        return self.dataset_sha256 is None


@dataclass(frozen=True)
class Deployment:
    """A deployment of a tuned model, which may cost by the hour. `since`: when it was requested (Unix time)."""

    origin: str
    name: str
    model: str
    sku: str
    usd_per_hour: float | None
    since: float


EVENT = ("id", "created_at", "level", "message", "type")
COLUMNS = tuple(Run.__dataclass_fields__)
_JSON = {"params", "error", "result_files", "job"}
_REAL = {"created_at", "usd_estimate", "finished_at"}
_NUMBERS = {*_REAL, "examples", "revision", "epochs", "trained_tokens", "swept"}
_NEEDED: dict[str, Any] = {
    **dict.fromkeys(("run", "origin", "model", "fingerprint"), ""),
    "provider": "unknown",
    "status": "unknown",
    "method": "supervised",
    "created_at": 0.0,
    "swept": 0,
}


def run_of(row: sqlite3.Row) -> Run:
    """The run of a row. Values of unexpected types (the file may be a stranger's) are replaced by defaults."""
    values: dict[str, Any] = {}
    for name in COLUMNS:
        if name in _JSON:
            values[name] = from_json(row[name], list if name == "result_files" else dict)
        elif name in _NUMBERS:
            numeric = records.number(row[name])
            values[name] = numeric if numeric is None or name in _REAL else int(numeric)
        else:
            values[name] = row[name] if isinstance(row[name], str) else None
    values["error"] = values["error"] or None
    if values["status"] == "failed" and not values["error"]:  # an older Curator left it in the job alone
        values["error"] = records.failure(values["job"].get("error"))
    for name, usual in _NEEDED.items():
        values[name] = usual if values[name] is None else values[name]
    return Run(**values)


def from_json(stored: Any, kind: type[Any]) -> Any:
    """A value of type `kind` from stored JSON; an empty one where it cannot be read or is of another type."""
    try:
        value = orjson.loads(stored) if stored is not None else None
    except (ValueError, TypeError):
        value = None
    return value if isinstance(value, kind) else kind()


def to_column(name: str, value: Any) -> Any:
    """The value of a column as SQLite stores it: JSON for objects and lists."""
    return dumps(value) if name in _JSON and value is not None else value


def dumps(value: Any) -> bytes:
    """JSON of any value; what JSON has no form for is written as `str` gives it."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # a lone surrogate or a number beyond 64 bits, which a model's answer may hold
        return orjson.dumps(records.make_storable(value), default=str, option=orjson.OPT_NON_STR_KEYS)

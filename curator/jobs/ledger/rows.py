"""Runs and deployments as values, and as rows of `runs.db`."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from typing import Any

import orjson

from curator.jobs.http import provider_records as records

OPEN = ("intent", "uploading", "creating", "unclear")
"""Our own statuses, before the provider's job is known; after that the provider's words are kept."""
CLOSED = (*records.TERMINAL, "refused", "lost", "abandoned")
"""Statuses that never change again. `refused`: the provider said no; `lost`: our own server has no such job;
`abandoned`: its submission never came to a job, and the user gave it up."""


@dataclass(frozen=True)
class Run:
    """One round: a frozen dataset, its parameters, the provider's job and what came of it."""

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
    """The job as the provider last showed it."""
    swept: int = 0
    """1 once everything a finished job left behind (events, checkpoints, results) is stored."""

    @property
    def closed(self) -> bool:
        """True where nothing can change any more."""
        return self.status in CLOSED

    @property
    def settled(self) -> bool:
        """True where asking the provider again brings nothing new."""
        return self.closed and bool(self.swept or not self.job_id)

    @property
    def foreign(self) -> bool:
        """True for a job that was started elsewhere."""
        return self.dataset_sha256 is None


@dataclass(frozen=True)
class Deployment:
    """A tuned model that was deployed and may cost by the hour; `since` is when it was asked for."""

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
    """A run as it is stored; what is of another type than we write (a stranger's file) is as good as absent."""
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
    for name, usual in _NEEDED.items():
        values[name] = usual if values[name] is None else values[name]
    return Run(**values)


def from_json(stored: Any, kind: type[Any]) -> Any:
    """What was stored as JSON; an empty one of its kind where that cannot be read."""
    try:
        value = orjson.loads(stored) if stored is not None else None
    except (ValueError, TypeError):
        value = None
    return value if isinstance(value, kind) else kind()


def to_column(name: str, value: Any) -> Any:
    """A column's value as SQLite takes it."""
    return dumps(value) if name in _JSON and value is not None else value


def dumps(value: Any) -> bytes:
    """JSON of anything, also of what no JSON knows."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:  # half of a surrogate pair, a number beyond 64 bits: a model can answer with anything
        return orjson.dumps(records.tame(value), default=str, option=orjson.OPT_NON_STR_KEYS)

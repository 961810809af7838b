"""Turn the facts in a worker's `progress.jsonl` into events, checkpoints and estimates, each exactly once."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.server import ids
from curator.server.store.job import JobRow, to_json
from curator.server.store.jobs import add_event, set_columns

_ENDS = frozenset({"succeeded", "failed", "paused", "cancelled"})
_CHUNK = 2**20
_METRICS = (
    "train_loss",
    "train_mean_token_accuracy",
    "valid_loss",
    "valid_mean_token_accuracy",
    "full_valid_loss",
    "full_valid_mean_token_accuracy",
)
_LOSSES = (("train_loss", "training"), ("valid_loss", "validation"), ("full_valid_loss", "full validation"))


@dataclass(frozen=True, slots=True)
class NewFacts:
    """Facts that were read together, and the byte offset after them."""

    facts: list[dict[str, Any]]
    offset: int

    @property
    def end(self) -> dict[str, Any] | None:
        """The last fact that reports the worker's end; None if there is none."""
        return next((fact for fact in reversed(self.facts) if fact["kind"] in _ENDS), None)


def read_facts(path: Path, offset: int) -> NewFacts:
    """The complete lines from byte `offset` on, at most a megabyte. Lines that are no fact are skipped: a
    killed worker may leave half a line."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            block = file.read(_CHUNK)
    except FileNotFoundError:
        return NewFacts([], offset)
    block = block[: block.rfind(b"\n") + 1]
    facts = [fact for line in block.split(b"\n") if (fact := _parse(line)) is not None]
    return NewFacts(facts, offset + len(block))


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        fact = json.loads(line)
    except ValueError:
        return None
    return fact if isinstance(fact, dict) and isinstance(fact.get("kind"), str) else None


def store_facts(db: Any, job: JobRow, batch: NewFacts, keep: int) -> list[str]:
    """Store facts inside the caller's transaction; returns the paths of checkpoints older than the last `keep`."""
    dropped: list[str] = []
    seconds, total = job.step_seconds, job.total_steps
    for fact in batch.facts:
        if fact["kind"] == "started":
            total = fact["total_steps"]
            set_columns(db, job.id, hyperparameters=_resolve_hyperparameters(job, fact), total_steps=total)
            add_event(db, job.id, "started", "Fine-tuning job started")
        elif fact["kind"] == "step":
            seconds = _average(seconds, fact.get("seconds"))
            _step(db, job, fact, seconds)
        elif fact["kind"] == "checkpoint":
            dropped += _checkpoint(db, job, fact, total, keep)
        elif fact["kind"] == "paused" and job.status == "paused":
            add_event(db, job.id, f"paused:at:{fact['step']}", f"Fine-tuning job paused at step {fact['step']}")
    set_columns(db, job.id, offset=batch.offset, step_seconds=seconds)
    if batch.end is not None:
        set_columns(db, job.id, outcome=batch.end)
    return dropped


def _resolve_hyperparameters(job: JobRow, fact: dict[str, Any]) -> dict[str, Any]:
    """The job's hyperparameters with the values that the worker chose for "auto"."""
    return {name: fact.get(name, value) for name, value in job.hyperparameters.items()}


def _average(average: float | None, seconds: Any) -> float | None:
    if not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
        return average
    return float(seconds) if average is None else 0.8 * average + 0.2 * seconds


def _finite(fact: dict[str, Any]) -> dict[str, float]:
    metrics = ((name, fact.get(name)) for name in _METRICS)
    return {name: value for name, value in metrics if isinstance(value, (int, float)) and math.isfinite(value)}


def _step(db: Any, job: JobRow, fact: dict[str, Any], seconds: float | None) -> None:
    step, total = fact["step"], fact["total_steps"]
    metrics = _finite(fact)
    losses = ", ".join(f"{word} loss={metrics[name]:.2f}" for name, word in _LOSSES if name in metrics)
    message = f"Step {step}/{total}: {losses}"
    add_event(db, job.id, f"step:{step}", message, data={"step": step, "total_steps": total, **metrics})
    if seconds is not None:
        set_columns(db, job.id, estimated_finish=int(time.time() + (total - step) * seconds))


def _checkpoint(db: Any, job: JobRow, fact: dict[str, Any], total: int | None, keep: int) -> list[str]:
    step, best = fact["step"], fact.get("best")
    final = step == total and best is None  # else the model is that of the best one, which the end tells
    name = job.name if final else f"{job.name}:ckpt-step-{step}"
    metrics = {"step": step, **_finite(fact.get("metrics") or {})}
    values = (ids.new(ids.CHECKPOINT), job.id, step, int(time.time()), name, to_json(metrics), fact["path"])
    db.execute(
        "INSERT OR IGNORE INTO checkpoints (id, job_id, step, created_at, name, metrics, path) "
        "VALUES (?,?,?,?,?,?,?)",
        values,
    )
    if not final:
        message = f"Checkpoint created at step {step} with Snapshot ID: {name}"
        add_event(db, job.id, f"checkpoint:{step}", message)
    rows = db.execute(
        "DELETE FROM checkpoints WHERE job_id=?1 AND step IS NOT ?3 AND step NOT IN "
        "(SELECT step FROM checkpoints WHERE job_id=?1 ORDER BY step DESC LIMIT ?2) RETURNING path",
        (job.id, keep, best),
    ).fetchall()
    return [row["path"] for row in rows]

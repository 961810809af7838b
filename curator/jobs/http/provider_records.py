"""The objects that providers send, as values. A field that is absent, null or of another type becomes None.

Services differ from their own specification (docs/openai.md §6.9), so only ids are
checked strictly. What is kept of an object can always be stored and written as JSON: see `make_storable`.
"""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, field
from typing import Any

import orjson

TERMINAL = frozenset({"succeeded", "failed", "cancelled"})
"""Statuses after which a job never changes again."""

METRICS = (
    "train_loss",
    "train_mean_token_accuracy",
    "valid_loss",
    "valid_mean_token_accuracy",
    "full_valid_loss",
    "full_valid_mean_token_accuracy",
    "train_mean_reward",
    "full_valid_mean_reward",
)
"""The metrics that are stored for each step."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_DEEPEST = 40
"""Levels of nesting; values below become None. Real answers have fewer than five."""
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,255}\Z")


class BadRecord(ValueError):
    """The value is not the expected object; the text says what is missing."""


@dataclass(frozen=True)
class ProviderJob:
    """A fine-tuning job. `error` is None where nothing failed, also where it was sent as `{}`."""

    id: str
    status: str
    model: str | None
    fine_tuned_model: str | None
    created_at: int | None
    finished_at: int | None
    training_file: str | None
    validation_file: str | None
    result_files: tuple[str, ...]
    trained_tokens: int | None
    error: dict[str, Any] | None
    epochs: int | None
    estimated_finish: int | None
    metadata: dict[str, str]
    raw: dict[str, Any] = field(repr=False, compare=False)

    @property
    def finished(self) -> bool:
        """True in a terminal status."""
        return self.status in TERMINAL


@dataclass(frozen=True)
class ProviderFile:
    """An uploaded file; `status` is `uploaded`, `processed`, `error`, at Azure also `pending`, `running`."""

    id: str
    filename: str
    size: int | None
    purpose: str | None
    status: str | None
    status_details: str | None
    created_at: int | None


@dataclass(frozen=True)
class Event:
    """An event of a job. `data` may hold metrics."""

    id: str
    created_at: int
    level: str
    message: str
    type: str
    data: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The object as the API sends it."""
        return {
            "object": "fine_tuning.job.event",
            "id": self.id,
            "created_at": self.created_at,
            "level": self.level,
            "message": self.message,
            "type": self.type,
            "data": self.data,
        }


@dataclass(frozen=True)
class Checkpoint:
    """A model that was saved during training."""

    id: str
    model: str | None
    step: int | None
    created_at: int | None
    metrics: dict[str, float]


@dataclass(frozen=True)
class ProviderModel:
    """A model that the provider offers."""

    id: str
    owned_by: str | None
    created: int | None
    shutdown_date: str | None
    trainable: bool | None = None
    """Whether the provider says that it can be fine-tuned (Azure: `capabilities.fine_tune`); None: not said."""


def job(value: Any) -> ProviderJob:
    """Read a job object. Raises BadRecord without a usable id."""
    raw = _object(value, "a job")
    return ProviderJob(
        id=_id(raw, "job"),
        status=text(raw.get("status")) or "unknown",
        model=text(raw.get("model")),
        fine_tuned_model=text(raw.get("fine_tuned_model")),
        created_at=moment(raw.get("created_at")),
        finished_at=moment(raw.get("finished_at")),
        training_file=text(raw.get("training_file")),
        validation_file=text(raw.get("validation_file")),
        result_files=tuple(filter(None, map(text, _list(raw.get("result_files"))))),
        trained_tokens=integer(raw.get("trained_tokens")),
        error=failure(raw.get("error")),
        epochs=_epochs(raw),
        estimated_finish=moment(raw.get("estimated_finish")),
        metadata={k: v for k, v in _dict(raw.get("metadata")).items() if isinstance(v, str)},
        raw=raw,
    )


def file(value: Any) -> ProviderFile:
    """Read a file object. Raises BadRecord without a usable id."""
    raw = _object(value, "a file")
    return ProviderFile(
        id=_id(raw, "file"),
        filename=text(raw.get("filename")) or "",
        size=integer(raw.get("bytes")),
        purpose=text(raw.get("purpose")),
        status=text(raw.get("status")),
        status_details=text(raw.get("status_details")),
        created_at=moment(raw.get("created_at")),
    )


def event(value: Any) -> Event:
    """Read an event. Without an id it gets a hash of its content as id, so that repeats are recognised."""
    raw = _object(value, "an event")
    return Event(
        id=text(raw.get("id")) or "event-" + hashlib.sha256(_canonical(raw)).hexdigest()[:32],
        created_at=moment(raw.get("created_at")) or 0,
        level={"warning": "warn"}.get(text(raw.get("level")) or "info", text(raw.get("level")) or "info"),
        message=text(raw.get("message")) or "",
        type=text(raw.get("type")) or "message",
        data=_dict(raw.get("data")),
    )


def checkpoint(value: Any) -> Checkpoint:
    """Read a checkpoint. Raises BadRecord without a usable id."""
    raw = _object(value, "a checkpoint")
    return Checkpoint(
        id=_id(raw, "checkpoint"),
        model=text(raw.get("fine_tuned_model_checkpoint")),
        step=integer(raw.get("step_number")),
        created_at=moment(raw.get("created_at")),
        metrics=metrics(_dict(raw.get("metrics"))),
    )


def model(value: Any) -> ProviderModel:
    """Read a model. Raises BadRecord without an id."""
    raw = _object(value, "a model")
    name = text(raw.get("id"))
    if not name:
        raise BadRecord("a model without id")
    fine_tune = _dict(raw.get("capabilities")).get("fine_tune")
    return ProviderModel(
        name,
        text(raw.get("owned_by")),
        integer(raw.get("created")),
        text(raw.get("shutdown_date")),
        fine_tune if isinstance(fine_tune, bool) else None,
    )


def metrics(data: dict[str, Any]) -> dict[str, float]:
    """The finite numbers among `METRICS` in an event's data; Azure's name of the accuracy is translated."""
    if "validation_mean_token_accuracy" in data:
        data = {**data, "valid_mean_token_accuracy": data["validation_mean_token_accuracy"]}
    numbers = {name: number(data.get(name)) for name in METRICS}
    return {name: value for name, value in numbers.items() if value is not None}


def text(value: Any) -> str | None:
    """A non-empty string, or None."""
    return value if isinstance(value, str) and value else None


def integer(value: Any) -> int | None:
    """An int, or None. A float is truncated: some servers send times as floats."""
    numeric = number(value)
    return int(numeric) if numeric is not None and abs(numeric) < 2**53 else None


def moment(value: Any) -> int | None:
    """Seconds since 1970, from 0 up to the year 2242, or None."""
    seconds = integer(value)
    return seconds if seconds is not None and 0 <= seconds < 2**33 else None


def number(value: Any) -> float | None:
    """A finite number (no bool) as a float, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        numeric = float(value)
    except OverflowError:
        return None
    return numeric if math.isfinite(numeric) else None


def _canonical(raw: dict[str, Any]) -> bytes:
    return orjson.dumps(raw, default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def _object(value: Any, what: str) -> dict[str, Any]:
    """A storable dict of an SDK object or dict; `what` names it in errors. Raises BadRecord."""
    if hasattr(value, "to_dict"):
        try:
            value = value.to_dict(mode="json", warnings=False)
        except (ValueError, RecursionError):
            raise BadRecord(f"not {what} that can be read") from None
    if not isinstance(value, dict):
        raise BadRecord(f"not {what}")
    tamed: dict[str, Any] = make_storable(value)
    return tamed


def make_storable(value: Any, depth: int = 0) -> Any:
    """A JSON value that SQLite, orjson and UTF-8 accept: not too deep, ints of 64 bits, no lone surrogates."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, int):
        return value if abs(value) < 2**63 else None
    if isinstance(value, dict | list) and depth >= _DEEPEST:
        return None
    if isinstance(value, dict):
        return {make_storable(str(key)): make_storable(item, depth + 1) for key, item in value.items()}
    return [make_storable(item, depth + 1) for item in value] if isinstance(value, list) else value


def _id(raw: dict[str, Any], what: str) -> str:
    identifier = raw.get("id")
    if not isinstance(identifier, str) or not _ID.match(identifier):
        raise BadRecord(f"a {what} without a usable id")
    return identifier


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def failure(value: Any) -> dict[str, Any] | None:
    """Code, message and parameter of a job's error; None where nothing failed, also where it was sent as `{}`."""
    raw = _dict(value)
    error = {name: text(raw.get(name)) for name in ("code", "message", "param")}
    return error if error["code"] or error["message"] else None


def _epochs(raw: dict[str, Any]) -> int | None:
    """The number of epochs, from the old place (`hyperparameters`) or the new one (`method`); None: not set."""
    method = _dict(raw.get("method"))
    inner = _dict(_dict(method.get(text(method.get("type")) or "")).get("hyperparameters"))
    for source in (_dict(raw.get("hyperparameters")), inner):
        epochs = integer(source.get("n_epochs"))
        if epochs is not None and epochs > 0:
            return epochs
    return None

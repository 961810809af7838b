"""Check the body of `POST /v1/fine_tuning/jobs` as OpenAI does (docs/openai.md §6.3)."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Collection
from typing import Any

from curator.server import ids
from curator.server.engines.job import MOST_DROPOUT, SCHEDULES, SETTINGS, TARGETS, VALIDATED
from curator.server.errors import bad_request, quote
from curator.server.http.fields import Fields
from curator.server.store.job import JobRow

INTENT = "curator_intent"
"""The metadata key with which a client marks a job, so that repeating the request creates no second one."""

_SEEDS = 2**31 - 1
_METHODS = ("supervised", "dpo", "reinforcement")
_SUFFIX_ODD = re.compile(r"[^A-Za-z0-9._-]+")


def read_job_request(body: Fields) -> JobRow:
    """The new job of a body. Raises ApiError 400. Whether its files and model exist is checked later."""
    body.only(
        "model",
        "training_file",
        "validation_file",
        "hyperparameters",
        "suffix",
        "seed",
        "method",
        "integrations",
        "metadata",
    )
    model = body.must_text("model", shortest=1, longest=256)
    suffix = body.text("suffix", shortest=1, longest=64)
    seed = body.integer("seed", 0, _SEEDS)
    metadata = body.metadata()
    method, hyperparameters = _method(body)
    if body.array("integrations", longest=5):
        message = "Invalid 'integrations': this server has none; leave them out and read the events instead."
        raise bad_request(message, "integrations", "unsupported_value")
    job = JobRow(
        id=ids.new(ids.JOB),
        intent=metadata.get(INTENT),
        status="validating_files",
        created_at=int(time.time()),
        finished_at=None,
        model=model,
        name=tuned_name(model, suffix),
        suffix=suffix,
        seed=secrets.randbelow(_SEEDS) if seed is None else seed,
        engine=None,
        method=method,
        hyperparameters=hyperparameters,
        metadata=metadata,
        training_file=body.must_text("training_file", longest=256),
        validation_file=body.text("validation_file", longest=256),
    )
    return _require_validation(job)


def tuned_name(model: str, suffix: str | None) -> str:
    """The tuned model's name, `ft:MODEL:local:SUFFIX:XXXXXXXX`; other characters of the suffix become dashes."""
    clean = _SUFFIX_ODD.sub("-", suffix or "").strip("-")
    return f"ft:{model}:local:{clean}:{ids.tail(8)}"


def _method(body: Fields) -> tuple[str, dict[str, Any]]:
    outer = read_hyperparameters(body.inner("hyperparameters"), "supervised")
    method = body.inner("method")
    if method is None:
        return "supervised", outer
    method.only("type", *_METHODS)
    kind = method.choice("type", _METHODS, required=True) or ""
    if kind == "reinforcement":
        message = "Reinforcement fine-tuning is not available on this server; use 'supervised' or 'dpo'."
        raise bad_request(message, "method.type", "unsupported_value")
    inner = method.inner(kind)
    if inner is None:
        return kind, {**read_hyperparameters(None, kind), **outer}
    inner.only("hyperparameters")
    return kind, read_hyperparameters(inner.inner("hyperparameters"), kind)


def read_hyperparameters(
    fields: Fields | None, kind: str, own_settings: Collection[str] = SETTINGS
) -> dict[str, Any]:
    """The hyperparameters of a method, those that are not given as "auto". `own_settings`: the names of those that
    may be given beside OpenAI's. Raises ApiError 400."""
    fields = fields or Fields({})
    names = ["n_epochs", "batch_size", "learning_rate_multiplier", *(["beta"] if kind == "dpo" else [])]
    fields.only(*names, *own_settings)
    readers = {
        "n_epochs": lambda: fields.integer("n_epochs", 1, 50),
        "batch_size": lambda: fields.integer("batch_size", 1, 256),
        "learning_rate_multiplier": lambda: fields.number("learning_rate_multiplier", 0, 1e6, above=0),
        "beta": lambda: fields.number("beta", 0, 2, above=0),
    }
    values: dict[str, Any] = {}
    for name in names:
        value = fields.value.get(name, "auto")
        values[name] = "auto" if value in ("auto", None) else _read_number(fields, name, value, readers[name])
    return values | _read_settings(fields)


def _read_settings(fields: Fields) -> dict[str, Any]:
    """The settings that this server has beside OpenAI's; a job shows those that it was given."""
    readers: dict[str, Callable[[], Any]] = {
        "lora_rank": lambda: fields.integer("lora_rank", 1, 256),
        "lora_alpha": lambda: fields.number("lora_alpha", 0, 1024, above=0),
        "lora_targets": lambda: fields.choice("lora_targets", TARGETS),
        "lora_dropout": lambda: fields.number("lora_dropout", 0, MOST_DROPOUT),
        "schedule": lambda: fields.choice("schedule", SCHEDULES),
        "packing": lambda: fields.flag("packing"),
        "early_stopping": lambda: fields.integer("early_stopping", 1, 50),
        "best_checkpoint": lambda: fields.flag("best_checkpoint"),
    }
    return {name: readers[name]() for name in SETTINGS if fields.value.get(name) not in ("auto", None)}


def _require_validation(job: JobRow) -> JobRow:
    """Refuse settings that look at validation losses in a job without a validation file."""
    needing = [name for name in VALIDATED if job.hyperparameters.get(name)]
    if needing and job.validation_file is None:
        message = f"Missing required parameter: 'validation_file'. '{needing[0]}' goes by its loss."
        raise bad_request(message, "validation_file", "missing_required_parameter")
    return job


def _read_number(fields: Fields, name: str, value: Any, read: Any) -> Any:
    if isinstance(value, str):
        param = fields.path(name)
        message = f"Invalid value for '{param}': expected a number or 'auto', but got '{quote(value)}' instead."
        raise bad_request(message, param, "invalid_value")
    return read()

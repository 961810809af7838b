"""Answers held against the trimmed OpenAPI document."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_PATH = Path(__file__).with_name("data") / "openapi-finetuning.json"


@functools.cache
def document() -> dict[str, Any]:
    """The whole document; `paused` is added, which the service sends and its own enum lacks."""
    spec: dict[str, Any] = json.loads(_PATH.read_text())
    spec["components"]["schemas"]["FineTuningJob"]["properties"]["status"]["enum"].append("paused")
    return spec


@functools.cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document()["components"]})


def conforms(value: Any, name: str) -> None:
    """Fail where `value` is not what the schema `name` says."""
    errors = [f"{error.json_path}: {error.message}" for error in _validator(name).iter_errors(value)]
    assert not errors, f"{name}: {errors}"


def schema_of(method: str, path: str) -> str | None:
    """The name of a request's 200 schema: ("GET", "/files/file-x") -> "OpenAIFile"; None for raw bytes."""
    steps = path.strip("/").split("/")
    for template, operations in document()["paths"].items():
        slots = template.strip("/").split("/")
        fits = len(slots) == len(steps) and all(
            slot.startswith("{") or slot == step for slot, step in zip(slots, steps, strict=True)
        )
        if fits and method.lower() in operations:
            schema = operations[method.lower()]["responses"]["200"]["content"]["application/json"]["schema"]
            return schema["$ref"].rpartition("/")[2] if "$ref" in schema else None
    raise AssertionError(f"{method} {path} is in no operation of the document")

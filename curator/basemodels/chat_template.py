"""Jinja's sandbox for chat templates: they come with models, so their code is not trusted."""

from __future__ import annotations

import json
from typing import Any

import jinja2
import jinja2.ext
import jinja2.sandbox


def make_environment() -> jinja2.Environment:
    """An environment with what Hugging Face's own offers to a template: loop controls, `tojson` that keeps letters
    as they are, and `raise_exception`, which raises jinja2.TemplateError."""
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    return environment


def _to_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)

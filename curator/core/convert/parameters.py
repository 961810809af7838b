"""Parameters of a function that are listed by name with types of Python (xLAM), as the JSON Schema of the API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TYPES = {
    **dict.fromkeys(("str", "string", "text"), "string"),
    **dict.fromkeys(("int", "integer"), "integer"),
    **dict.fromkeys(("float", "number", "double"), "number"),
    **dict.fromkeys(("bool", "boolean"), "boolean"),
    **dict.fromkeys(("list", "array"), "array"),
    **dict.fromkeys(("dict", "object"), "object"),
}
_LIST = re.compile(r"(?:list|array)\[(.+)\]\Z", re.IGNORECASE)
_OPTIONAL = re.compile(r",?\s*optional\Z|\Aoptional\[(.+)\]\Z", re.IGNORECASE)
_OF_ONE = frozenset(
    ("type", "description", "default", "required", "enum", "items", "properties", "format", "example")
)


def schema_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of parameters that are listed by name; what is a schema already, or no list, stays as it is."""
    if not parameters or not all(isinstance(each, dict) and _is_parameter(each) for each in parameters.values()):
        return dict(parameters)
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, each in parameters.items():
        described, is_optional = _described(each)
        properties[name] = described
        if not is_optional:
            required.append(name)
    return {"type": "object", "properties": properties, **({"required": required} if required else {})}


def _is_parameter(value: Mapping[str, Any]) -> bool:
    kind = value.get("type")
    return isinstance(kind, str) and _OF_ONE.issuperset(value) and isinstance(value.get("required", True), bool)


def _described(parameter: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """(schema of a parameter, whether it may be left out). A type unknown to JSON joins the description."""
    kind = str(parameter["type"]).strip()
    is_optional = parameter.get("required") is False or "default" in parameter
    if optional := _OPTIONAL.search(kind):
        is_optional = True
        kind = (optional[1] or kind[: optional.start()]).strip()
    described = {key: each for key, each in parameter.items() if key not in ("type", "required")}
    schema = _typed(kind)
    if schema is None:
        words = str(parameter.get("description", "")).strip()
        described["description"] = f"{words} (type: {kind})".strip()
        schema = {}
    return {**schema, **described}, is_optional


def _typed(kind: str) -> dict[str, Any] | None:
    if inner := _LIST.match(kind):
        items = _typed(inner[1].strip())
        return None if items is None else {"type": "array", "items": items}
    word = _TYPES.get(kind.lower())
    return {"type": word} if word else None

"""The part of JSON Schema that tool parameters use, enough to say whether arguments fit; unknown words pass."""

from __future__ import annotations

from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
MAX_DEPTH = 32


def mismatch(value: Any, schema: Any, name: str = "", depth: int = 0) -> str | None:
    """Why `value` does not fit `schema` in a few words, or None where it fits or the schema says nothing known."""
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return None
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(kinds, list) and not any(_is(value, kind) for kind in kinds):
        return f"'{name}' is not of type {' or '.join(map(str, kinds))}" if name else "they are no object"
    options = schema.get("enum")
    if isinstance(options, list) and value not in options:
        return f"'{name}' is none of the values allowed"
    if isinstance(value, dict):
        return _object(value, schema, name, depth)
    if isinstance(value, list):
        wrong = (mismatch(item, schema.get("items"), f"{name}[{at}]", depth + 1) for at, item in enumerate(value))
        return next(filter(None, wrong), None)
    return None


def _object(value: dict[str, Any], schema: dict[str, Any], name: str, depth: int) -> str | None:
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    required = schema.get("required")
    for key in required if isinstance(required, list) else ():
        if isinstance(key, str) and key not in value:
            return f"'{_join(name, key)}' is missing"
    for key, item in value.items():
        if key not in properties:
            if schema.get("additionalProperties") is False:
                return f"'{_join(name, key)}' is no parameter"
            continue
        wrong = mismatch(item, properties[key], _join(name, key), depth + 1)
        if wrong:
            return wrong
    return None


def _join(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key


def _is(value: Any, kind: Any) -> bool:
    """Whether a value is of a schema's type; a boolean is no number, 1.0 is an integer, unknown types pass."""
    types = _TYPES.get(kind) if isinstance(kind, str) else None
    if types is None:
        return True
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, types) or (kind == "integer" and isinstance(value, float) and value.is_integer())

"""The part of JSON Schema that tool parameters use, to check arguments against it; unknown keywords are
ignored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_CHOICES = ("anyOf", "oneOf", "allOf")
_FORMS: dict[str, type | tuple[type, ...]] = {
    "properties": dict,
    "required": list,
    "items": (dict, bool, list),
    "enum": list,
    **dict.fromkeys(_CHOICES, list),
}
"""The types of the values of some keywords; the first wrong one in this order is reported."""
MAX_DEPTH = 32
"""Nesting below which schemas are not checked."""
_LEAF = frozenset({"type", "description"})
"""The keywords of a schema that contains no other schema."""


def schema_flaw(schema: Any, name: str = "parameters", depth: int = 0) -> str | None:
    """Why `schema` is no JSON Schema, in a few words; None where all known keywords are valid."""
    if isinstance(schema, bool) or depth > MAX_DEPTH:
        return None
    if is_leaf(schema) and isinstance(schema["type"], str) and schema["type"] in TYPES:
        return None
    if not isinstance(schema, dict):
        return f"'{name}' is no schema"
    kinds = schema["type"] if isinstance(schema.get("type"), list) else [schema.get("type", "object")]
    if not kinds or any(not isinstance(kind, str) or kind not in TYPES for kind in kinds):
        return f"the type of '{name}' is none of {', '.join(TYPES)}"
    wrong = next(
        (key for key, form in _FORMS.items() if key in schema and not isinstance(schema[key], form)), None
    )
    if wrong or not _are_names(schema.get("required", [])):
        return f"'{wrong or 'required'}' of '{name}' is not what a schema has there"
    return next(
        filter(None, (schema_flaw(inner, _join(name, key), depth + 1) for key, inner in _inner_schemas(schema))),
        None,
    )


def is_leaf(schema: Any) -> bool:
    """Whether `schema` has a type, and no other keywords than those of `_LEAF`."""
    return isinstance(schema, dict) and "type" in schema and schema.keys() <= _LEAF


def _are_names(keys: list[Any]) -> bool:
    """Whether these are strings without repeats."""
    return all(isinstance(key, str) for key in keys) and len(set(keys)) == len(keys)


def _inner_schemas(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The schemas inside a valid schema, with their names."""
    yield from schema.get("properties", {}).items()
    items = schema.get("items", True)
    yield from (("items", item) for item in (items if isinstance(items, list) else [items]))
    for key in _CHOICES:
        yield from ((key, option) for option in schema.get(key, ()))


def mismatch(value: Any, schema: Any, name: str = "", depth: int = 0) -> str | None:
    """Why `value` does not fit `schema`, in a few words; None where it fits all known keywords."""
    if schema is False:
        return f"'{name}' is no parameter"
    if not isinstance(schema, dict) or depth > MAX_DEPTH:
        return None
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if isinstance(kinds, list) and not any(_is_of_type(value, kind) for kind in kinds):
        return f"'{name}' is not of type {' or '.join(map(str, kinds))}" if name else "they are no object"
    if is_leaf(schema):
        return None
    options = [schema["const"]] if "const" in schema else schema.get("enum")
    if isinstance(options, list) and value not in options:
        return f"'{name}' is none of the values allowed"
    return _mismatch_of_choices(value, schema, name, depth) or _mismatch_inside(value, schema, name, depth)


def _mismatch_of_choices(value: Any, schema: dict[str, Any], name: str, depth: int) -> str | None:
    """As `mismatch`, for the keywords anyOf, oneOf and allOf."""
    for key in ("anyOf", "oneOf"):
        options = schema.get(key)
        if (
            isinstance(options, list)
            and options
            and all(mismatch(value, each, name, depth + 1) for each in options)
        ):
            return f"'{name}' fits none of its schemas" if name else "they fit none of the schemas"
    all_of = schema.get("allOf")
    wrong = (mismatch(value, each, name, depth + 1) for each in (all_of if isinstance(all_of, list) else ()))
    return next(filter(None, wrong), None)


def _mismatch_inside(value: Any, schema: dict[str, Any], name: str, depth: int) -> str | None:
    """As `mismatch`, for the members of an object or the items of a list."""
    if isinstance(value, dict):
        return _mismatch_of_object(value, schema, name, depth)
    if isinstance(value, list):
        wrong = (mismatch(item, schema.get("items"), f"{name}[{at}]", depth + 1) for at, item in enumerate(value))
        return next(filter(None, wrong), None)
    return None


def _mismatch_of_object(value: dict[str, Any], schema: dict[str, Any], name: str, depth: int) -> str | None:
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


def _is_of_type(value: Any, kind: Any) -> bool:
    """Whether a value has the type `kind`: a boolean is no number, 1.0 is an integer, unknown types fit all
    values."""
    types = TYPES.get(kind) if isinstance(kind, str) else None
    if types is None:
        return True
    if isinstance(value, bool):
        return bool in types
    return isinstance(value, types) or (kind == "integer" and isinstance(value, float) and value.is_integer())

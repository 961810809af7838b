"""Parsed tool parameters, cached by their bytes: a declaration that many lines repeat is parsed once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson
from msgspec import Struct

from curator.core.example import MAX_DEPTH
from curator.core.rules.families.json_schema import TYPES, is_leaf, mismatch, schema_flaw
from curator.core.rules.families.syntax import repeats_a_key

_SIMPLE = frozenset(("type", "properties", "required", "description", "additionalProperties"))


class Signature(Struct, frozen=True):
    """The parameters of a function."""

    strings: int
    """The number of strings in them, keys included."""
    schema: Any
    required: frozenset[str]
    types: dict[str, tuple[type, ...]]
    """The types of the parameters whose schemas have only a type; empty where the whole schema has other
    keywords."""

    def fits(self, arguments: str) -> bool:
        """Whether the arguments of a call, a JSON text, are an object that these parameters allow."""
        try:
            value = orjson.loads(arguments)
        except orjson.JSONDecodeError:
            return False
        if type(value) is not dict:
            return False
        types = self.types
        if self.required <= value.keys() and all(type(item) in types.get(key, ()) for key, item in value.items()):
            return True
        return mismatch(value, self.schema) is None


NOTHING = Signature(0, {}, frozenset(), {})
"""The signature of a function without declared parameters."""


@lru_cache(maxsize=1024)
def signature_of(parameters: bytes) -> Signature | None:
    """The signature for these parameters; None where a rule reports them, or a key occurs twice in them."""
    if parameters.count(b"{") + parameters.count(b"[") > MAX_DEPTH:
        return None
    try:
        schema = orjson.loads(parameters)
    except orjson.JSONDecodeError:
        return None
    if type(schema) is not dict or repeats_a_key(parameters, schema):
        return None
    if schema and (schema.get("type") != "object" or schema_flaw(schema) is not None):
        return None
    strings = (parameters.count(b'"') - parameters.count(b'\\"')) // 2
    properties: dict[str, Any] = schema.get("properties", {})
    types = {
        key: TYPES[leaf["type"]]
        for key, leaf in (properties.items() if schema.keys() <= _SIMPLE else ())
        if is_leaf(leaf) and isinstance(leaf["type"], str)
    }
    return Signature(strings, schema, frozenset(schema.get("required", ())), types)

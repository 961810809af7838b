"""Tool parameters by their bytes: a declaration that stands in many lines is looked at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import orjson
from msgspec import Struct

from curator.core.example import MAX_DEPTH
from curator.core.rules.families.json_schema import TYPES, flaw, is_leaf, mismatch
from curator.core.rules.families.syntax import repeats_a_key

_SIMPLE = frozenset(("type", "properties", "required", "description", "additionalProperties"))


class Signature(Struct, frozen=True):
    """What the parameters of a function are."""

    strings: int
    """How many strings they hold, keys included."""
    schema: Any
    required: frozenset[str]
    types: dict[str, tuple[type, ...]]
    """The types of those parameters of which nothing else is said; none where the schema as a whole says more."""

    def fits(self, arguments: str) -> bool:
        """Whether the arguments of a call are an object that these parameters allow."""
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
"""The signature of a function that declares no parameters."""


@lru_cache(maxsize=1024)
def signature(parameters: bytes) -> Signature | None:
    """The signature of a function with these parameters; None where a rule minds anything about them, or a key
    stands twice in them."""
    if parameters.count(b"{") + parameters.count(b"[") > MAX_DEPTH:
        return None
    try:
        schema = orjson.loads(parameters)
    except orjson.JSONDecodeError:
        return None
    if type(schema) is not dict or repeats_a_key(parameters, schema):
        return None
    if schema and (schema.get("type") != "object" or flaw(schema) is not None):
        return None
    strings = (parameters.count(b'"') - parameters.count(b'\\"')) // 2
    properties: dict[str, Any] = schema.get("properties", {})
    types = {
        key: TYPES[leaf["type"]]
        for key, leaf in (properties.items() if schema.keys() <= _SIMPLE else ())
        if is_leaf(leaf) and isinstance(leaf["type"], str)
    }
    return Signature(strings, schema, frozenset(schema.get("required", ())), types)

"""A text as the libraries of the field write it: a string, a number, or a list of content parts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from curator.core import spelled_numbers
from curator.core.convert.carried import MisfitError

KINDS = {dict: "an object", list: "a list", bool: "a boolean", type(None): "null"}
_PART_TYPES = frozenset(("text", "image_url", "refusal", "input_audio", "file"))


def kind_of(value: Any) -> str:
    """The JSON kind of a value in words: `an object`, `a list`, …"""
    return KINDS.get(type(value), "a number" if isinstance(value, int | float) else "a text")


def plain_text(value: Any, name: str) -> str | None:
    """The text of a field: a string as it is, a number in digits, None for null and NaN.

    Raises MisfitError for a list, an object or a boolean: they are no text, and JSON is never written into one.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and math.isnan(value):
        return None  # what pandas writes where nothing is
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise MisfitError(f"'{name}' is {kind_of(value)}, not a text")
    return spelled_numbers.spell(value)


def content(value: Any, name: str) -> str | list[Any] | None:
    """The `content` of a message: a text, or a list of the API's content parts.

    Bare strings and `{"text": …}` blocks in a list become text parts. Raises MisfitError for anything else.
    """
    if not isinstance(value, list):
        return plain_text(value, name)
    if not value:
        raise MisfitError(f"'{name}' is an empty list")
    return [_part(item, name) for item in value]


def is_content(value: Any) -> bool:
    """Whether a value may be the `content` of a message: a text, or a list of content parts."""
    try:
        return isinstance(value, str | list) and content(value, "content") is not None
    except MisfitError:
        return False


def _part(item: Any, name: str) -> dict[str, Any]:
    if isinstance(item, str):
        return {"type": "text", "text": item}
    if isinstance(item, dict):
        kind = item.get("type")
        is_api_part = isinstance(kind, str) and kind in _PART_TYPES and kind in item
        if is_api_part and (kind != "text" or isinstance(item["text"], str)):
            return item
        if isinstance(item.get("text"), str) and item.keys() <= {"text", "type"} and kind in (None, "text"):
            return {"type": "text", "text": item["text"]}
    raise MisfitError(f"'{name}' is a list of other things than texts")


def joined_text(value: Any, name: str) -> str | None:
    """One text of a string or of a list of texts and `{"text": …}` blocks, joined by empty lines.

    Takes Gemini's `{"parts": [...]}` as well. Raises MisfitError where something is no text.
    """
    if isinstance(value, Mapping) and "parts" in value:
        value = value["parts"]
    if not isinstance(value, list):
        return plain_text(value, name)
    parts = content(value, name)
    assert isinstance(parts, list)
    if any(part.get("type") != "text" for part in parts):
        raise MisfitError(f"'{name}' holds more than texts")
    return "\n\n".join(part["text"] for part in parts)

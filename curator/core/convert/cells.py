"""An example as a row of a CSV file, and back; the two are each other's inverse."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from curator.core.convert.carried import MisfitError
from curator.core.convert.targets import to_target
from curator.core.example import parse
from curator.core.text import writable

CSV_HEADER = ("system", "user", "assistant", "messages")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


def to_cells(value: Any, raw: bytes) -> list[str] | None:
    """An example as the cells of `CSV_HEADER`: a single question and answer in words, anything else as JSON.

    What UTF-8 cannot hold, half of a surrogate pair, goes as the escape that it is in the JSON. None for bytes
    that are no UTF-8: a cell cannot hold them.
    """
    simple = to_target(value, "alpaca") if set(value or ()) == {"messages"} else None
    if simple is not None and simple["instruction"] and simple["output"]:
        cells = [simple.get("system", ""), simple["instruction"], simple["output"], ""]
        if all(map(_is_encodable, cells)):
            return [guarded(cell) for cell in cells]
    try:
        return ["", "", "", guarded(raw.decode("utf-8"))]
    except UnicodeDecodeError:
        return None


def _is_encodable(text: str) -> bool:
    return text.isascii() or writable(text) == text


def guarded(cell: str) -> str:
    """A cell that no spreadsheet runs as a formula: one apostrophe more stands in front of what looks like one."""
    return "'" + cell if _FORMULA.match(cell) else cell


def unguarded(cell: str) -> str:
    """What `guarded` was given."""
    return cell[1:] if _GUARDED.match(cell) else cell


def from_cells(row: Mapping[str, Any]) -> tuple[Any, bytes | None]:
    """(value, exact line or None) of a row under `CSV_HEADER`. Raises MisfitError where a cell is no text."""
    cells = [row.get(name, "") for name in CSV_HEADER]
    if not all(isinstance(cell, str) for cell in cells):
        raise MisfitError("a cell is no text")
    system, user, assistant, line = (unguarded(cell) for cell in cells)
    if line:
        if system or user or assistant:
            raise MisfitError("it has texts beside 'messages'")
        value = parse(line.encode()).value
        return ({"messages": value}, None) if isinstance(value, list) else (value, line.encode())
    if not user or not assistant:
        raise MisfitError("it has no 'user' and 'assistant'")
    messages = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return {"messages": [{"role": "system", "content": system}, *messages] if system else messages}, None


def dumped(value: Any) -> str:
    """A value as JSON for a cell."""
    return json.dumps(value, ensure_ascii=False)

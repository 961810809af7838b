"""JSON values whose numbers remember how they are written, so that a converted record keeps `0.10` and `1e400`.

    value = read(parsed)        as `Example.value`, but with `SpelledInt` and `SpelledFloat` where spelling matters
    text = spell(value)         as `json.dumps`, with these numbers as they were written

Python's own numbers would come out as `0.1` and `Infinity`, of which the latter is no JSON.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from curator.core.example import Example

_ODD = re.compile(rb"(?<![\w.])-?\d+(?:\.\d*0(?!\d)|(?:\.\d+)?[eE][-+\d])|(?<![\w.])-0|[\d.]{16}|0\.0000")
"""Finds what may be a number that Python writes otherwise than it reads it. It also finds some that are none."""


class SpelledInt(int):
    """An integer with its digits as they were written: `-0`."""

    spelling: str


class SpelledFloat(float):
    """A number with its digits as they were written: `0.10`, `1e400`."""

    spelling: str


def read(example: Example) -> Any:
    """The value of an example with its numbers as they are written."""
    if example.value is None or not _ODD.search(example.raw):
        return example.value
    try:
        return loads(example.raw)
    except (ValueError, RecursionError):
        return example.value


def loads(text: str | bytes) -> Any:
    """As `json.loads`, with its numbers as they are written. Raises ValueError, for NaN too, or RecursionError."""
    return json.loads(text, parse_int=_int, parse_float=_float, parse_constant=_refuse)


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is no JSON")


def _int(digits: str) -> int:
    number = SpelledInt(digits)
    number.spelling = digits
    return int(number) if str(int(number)) == digits else number


def _float(digits: str) -> float:
    number = SpelledFloat(digits)
    number.spelling = digits
    return float(number) if repr(float(number)) == digits else number


def spell(value: Any) -> str:
    """`value` as JSON like that of `json.dumps(value, ensure_ascii=False)`, its numbers as they were written."""
    mark = uuid.uuid4().hex
    marked = _marked(value, mark)
    text = json.dumps(marked, ensure_ascii=False)
    return text if marked is value else text.replace(f'"{mark}', "").replace(f'{mark}"', "")


def _marked(value: Any, mark: str) -> Any:
    """The value with texts between marks in the place of spelled numbers; `value` itself where it has none."""
    if isinstance(value, SpelledInt | SpelledFloat):
        return f"{mark}{value.spelling}{mark}"
    if isinstance(value, dict):
        entries = {key: _marked(item, mark) for key, item in value.items()}
        return entries if any(entries[key] is not item for key, item in value.items()) else value
    if isinstance(value, list):
        items = [_marked(item, mark) for item in value]
        return items if any(a is not b for a, b in zip(items, value, strict=True)) else value
    return value

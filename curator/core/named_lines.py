"""The lines of an uploaded file that a provider's message names, e.g. `Example 1273 cannot be parsed`."""

from __future__ import annotations

import re

_NAMED = re.compile(r"\b(?:example|line|row)s?\s*:?\s*#?(\d++(?:\s*,\s*\d++)*+)(?!\s+col)", re.IGNORECASE)
"""Matches `Example 1273 cannot be parsed` and `Flagged lines: 4, 13`, but not `line 1 column 79` of a JSON
parser."""
_LONGEST = 12
"""Most digits of a line number; longer numbers are ignored."""


def named_lines(message: str) -> tuple[int, ...]:
    """The line numbers (from 1) in a message, each once, in its order."""
    numbers = [number for part in _NAMED.findall(message) for number in re.findall(r"\d+", part)]
    return tuple(dict.fromkeys(int(number) for number in numbers if len(number) <= _LONGEST and int(number)))

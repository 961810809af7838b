"""Which lines of an uploaded file a provider's message names: services tell one fault by its example or line."""

from __future__ import annotations

import re

_NAMED = re.compile(r"\b(?:example|line|row)s?\s*:?\s*#?(\d++(?:\s*,\s*\d++)*+)(?!\s+col)", re.IGNORECASE)
"""`Example 1273 cannot be parsed`, `Flagged lines: 4, 13`; but no parser's `line 1 column 79`."""
_LONGEST = 12
"""Digits of a number that may be a line."""


def named_lines(message: str) -> tuple[int, ...]:
    """The lines, from 1, in the order in which the message names them; each once."""
    found = [number for each in _NAMED.findall(message) for number in re.findall(r"\d+", each)]
    return tuple(dict.fromkeys(int(number) for number in found if len(number) <= _LONGEST and int(number)))

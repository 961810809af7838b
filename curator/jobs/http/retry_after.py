"""How long a provider asks us to wait: Retry-After as seconds, milliseconds or a date, or words in its message."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0
"""Seconds; nobody means more, and a date may come from a wrong clock."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?\Z")
_PART = r"(\d+(?:\.\d+)?)\s*(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|h|days?|d)?(?![a-z])"
_EACH = re.compile(_PART, re.IGNORECASE)
_DELAY = re.compile(rf"(?:try again|retry) (?:in|after) (?:{_PART}[\s,]*(?:and )?)+", re.IGNORECASE)
_UNITS = (("ms", 0.001), ("milli", 0.001), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0))


def seconds(headers: Mapping[str, str], message: str) -> float | None:
    """Seconds to wait by an answer's headers, else by its message (`try again in 1h2m3s`); None: not said."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        if _NUMBER.match(text := headers.get(name, "").strip()):
            return min(float(text) * scale, LONGEST)
    if (until := _until(headers.get("retry-after"))) is not None:
        return until
    if found := _DELAY.search(message):
        return min(sum(float(number) * _scale(unit) for number, unit in _EACH.findall(found[0])), LONGEST)
    return None


def _scale(unit: str) -> float:
    return next((scale for start, scale in _UNITS if unit.lower().startswith(start)), 1.0)


def _until(text: str | None) -> float | None:
    """Seconds until an HTTP date, by this machine's clock."""
    if not text:
        return None
    try:
        wait = parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, OverflowError, OSError):
        return None
    return min(max(0.0, wait), LONGEST)

"""Notice that an answer repeats itself without end, as small models do at temperature 0."""

from __future__ import annotations

_TAIL = 1_000
"""How many characters of an answer's end are looked at."""
_TIMES = 4
"""How often a text must stand at the end, one right after the other."""
_SPAN = 160
"""How many characters these repetitions have together, so that a line of dashes or a short chant is none."""


def repeated_end(text: str) -> str:
    """The text that repeats itself to the end of `text`, the shortest there is; "" where nothing does.

    A last repetition may be incomplete, since an answer arrives in pieces.
    """
    backwards = text[: -_TAIL - 1 : -1]
    for length, same in enumerate(_matches(backwards)):
        span = length + same
        if length and span >= max(_SPAN, _TIMES * length) and not backwards[:length].isspace():
            return backwards[:length][::-1]
    return ""


def _matches(text: str) -> list[int]:
    """For each position the number of characters that are the same there as at the beginning (Gusfield's Z
    function)."""
    lengths = [0] * len(text)
    start = end = 0
    for at in range(1, len(text)):
        same = min(end - at, lengths[at - start]) if at < end else 0
        while at + same < len(text) and text[same] == text[at + same]:
            same += 1
        lengths[at] = same
        if at + same > end:
            start, end = at, at + same
    return lengths

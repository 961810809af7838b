"""The part of a line that a finding is about, cut to fit a terminal, with the place for a caret below it."""

from __future__ import annotations

from dataclasses import dataclass

from curator.core import splice
from curator.core.example import parse_path

WIDTH = 68
"""Most characters of an excerpt."""
BEFORE = 20
"""Bytes shown before the place of the finding."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """`text` is untrusted. The caret belongs under its character `caret` (from 0) and is `width` characters
    wide."""

    text: str
    caret: int
    width: int


def excerpt(raw: bytes, location: str, column: int | None = None) -> Excerpt:
    """Cut a line around a location, or around a column (from 0); the line's start where there is no such place."""
    start, end = _place(raw, location, column)
    first = max(0, start - BEFORE) if end - start <= WIDTH - BEFORE else max(0, start - BEFORE // 2)
    if start < WIDTH // 2 and end <= WIDTH:
        first = 0
    before = ("…" if first else "") + _decode(raw[first:start])
    marked = _decode(raw[start : min(end, start + WIDTH)])
    text = before + marked + _decode(raw[end : end + WIDTH])
    cut = text[: WIDTH - 1] + "…" if len(text) > WIDTH else text
    caret = min(len(before), len(cut) - 1) if cut else 0
    width = 1 if raw[start : start + 1] in (b"[", b"{") else len(marked)
    return Excerpt(cut, caret, max(1, min(width, len(cut) - caret)))


def _place(raw: bytes, location: str, column: int | None) -> tuple[int, int]:
    """The byte offsets of a location or column; (0, 0) where there is none."""
    if column is not None:
        at = len(raw.decode("utf-8", "replace")[:column].encode("utf-8", "replace"))
        return min(at, max(0, len(raw) - 1)), min(at + 1, len(raw))
    if not location:
        return 0, 0
    try:
        return splice.span(raw, parse_path(location))
    except (LookupError, ValueError):
        return 0, 0


def _decode(part: bytes) -> str:
    """The text of bytes that may have been cut inside a character."""
    while part and part[0] & 0xC0 == 0x80:
        part = part[1:]
    return part.decode("utf-8", "replace")

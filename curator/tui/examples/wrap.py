"""Wraps text to terminal cells and returns character offsets, so that matches and styles keep their places."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rich.cells import cell_len, chop_cells

_WORD = re.compile(r"\S+\s*|\s+")


def wrap(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each screen line of `text`, each at most `width` cells; LF also ends a line.

    Breaks after spaces; a word wider than a line is broken inside.
    """
    width = max(1, width)
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        if line.isascii() and len(line) <= width:
            yield start, end
        else:
            yield from _wrap_line(line, start, width)
        start = end + 1


def _wrap_line(line: str, offset: int, width: int) -> Iterator[tuple[int, int]]:
    start = at = 0
    used = 0
    for match in _WORD.finditer(line):
        word = match.group()
        size = cell_len(word)
        if used and used + cell_len(word.rstrip()) > width:
            yield offset + start, offset + at
            start, used = at, 0
        if cell_len(word.rstrip()) > width:
            for piece in chop_cells(word, width)[:-1]:
                yield offset + start, offset + at + len(piece)
                at += len(piece)
                start = at
            used = cell_len(line[start : match.end()])
        else:
            used += size
        at = match.end()
    yield offset + start, offset + len(line)

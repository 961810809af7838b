"""Folding a JSON line for reading, and back: only line breaks and their indentation are added, so the bytes of
what is not edited come back exactly.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|[^"\[\]{}]+|"', re.DOTALL)
_BREAK = re.compile(r"\n[ \t]*")
SHORT = 60
"""A list or object of at most so many characters stays on its line."""
DEEP = 30
"""So many levels are opened; indenting each of thousands would make megabytes of a short line."""


def fold(line: str) -> str:
    """One JSON line as several: long lists and objects are opened, one member a line."""
    out: list[str] = []
    depths: list[bool] = []
    tokens = _TOKEN.findall(line)
    sizes = _sizes(tokens)
    pending = ""
    for at, token in enumerate(tokens):
        if pending:
            # Spaces that were there stay in front of the break: unfolding takes only what was added.
            rest = token.lstrip(" \t")
            out += [token[: len(token) - len(rest)], pending]
            token, pending = rest, ""
        if token in "[{" and token:
            opened = sizes[at] > SHORT and len(depths) < DEEP
            depths.append(opened)
            out.append(token)
            pending = _line(depths) if opened else ""
        elif token in "]}" and token:
            if depths and depths.pop():
                out.append(_line(depths))
            out.append(token)
        elif "," in token and token[0] != '"' and depths and depths[-1]:
            out.append(_after_commas(token, _line(depths)))
        else:
            out.append(token)
    return "".join(out)


def unfold(text: str) -> str:
    """The line again: without line breaks and the indentation behind them."""
    return _BREAK.sub("", text)


def _line(depths: list[bool]) -> str:
    return "\n" + "  " * sum(depths)


def _after_commas(token: str, line: str) -> str:
    """Break behind each comma and the spaces that follow it, so that these stay where they are."""
    return re.sub(r",[ \t]*", lambda found: found.group() + line, token)


def _sizes(tokens: list[str]) -> dict[int, int]:
    """By index of an opening bracket: characters up to its closing one, or to the end of the line."""
    sizes: dict[int, int] = {}
    stack: list[tuple[int, int]] = []
    offset = 0
    for at, token in enumerate(tokens):
        if token in "[{":
            stack.append((at, offset))
        elif token in "]}" and stack:
            opened, begin = stack.pop()
            sizes[opened] = offset - begin
        offset += len(token)
    for opened, begin in stack:
        sizes[opened] = offset - begin
    return sizes

"""Breaks a JSON line into indented lines for the editor, and joins them again.

Only line breaks and indentation are added, so whatever the user did not edit keeps its exact bytes.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|[^"\[\]{}]+|"', re.DOTALL)
_BREAK = re.compile(r"\n[ \t]*")
SHORT = 60
"""A list or object of at most this many characters stays on one line."""
DEEP = 30
"""Most nesting levels that are broken up: indenting thousands would turn a short line into megabytes."""


def fold(line: str) -> str:
    """Break long lists and objects of a JSON line, one member a line."""
    out: list[str] = []
    depths: list[bool] = []
    tokens = _TOKEN.findall(line)
    sizes = _sizes(tokens)
    pending = ""
    for at, token in enumerate(tokens):
        if pending:
            # Spaces of the original stay in front of the break: `unfold` removes only what stands behind one.
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
    """The original line: `text` without its line breaks and the indentation after each."""
    return _BREAK.sub("", text)


def _line(depths: list[bool]) -> str:
    return "\n" + "  " * sum(depths)


def _after_commas(token: str, line: str) -> str:
    """Insert `line` after each comma and the spaces that follow it, which so stay part of the original."""
    return re.sub(r",[ \t]*", lambda match: match.group() + line, token)


def _sizes(tokens: list[str]) -> dict[int, int]:
    """For the token index of each opening bracket: characters up to its closing one, or to the end of the line."""
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

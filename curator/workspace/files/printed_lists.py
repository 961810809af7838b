"""Lists in cells of a table: as JSON, as Python prints them, or as NumPy does, without commas."""

from __future__ import annotations

import ast
import re
from typing import cast

from curator.core import spelled_numbers

_PIECES = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^'"]+""", re.DOTALL)
_NO_COMMA = re.compile(r"([}\]])(\s+)(?=[{\[])")


def read_list(cell: str) -> list[object] | None:
    """The list of objects or lists that a cell spells; None where it is a plain text. Nothing in it is run."""
    try:
        value = cast(object, spelled_numbers.loads(cell))
    except (ValueError, RecursionError):
        value = _python_value(cell)
    whole = isinstance(value, list) and value and all(isinstance(each, dict | list) for each in value)
    return cast(list[object], value) if whole else None


def _python_value(cell: str) -> object:
    """The value of a Python literal that JSON can hold; None for any other."""
    text = _with_commas(cell)
    try:
        value = None if text is None else cast(object, ast.literal_eval(text))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
    return value if _is_json(value) else None


def _with_commas(cell: str) -> str | None:
    """The text with a comma between what NumPy prints side by side.

    None where two texts stand side by side: Python would read them as one.
    """
    pieces = _PIECES.findall(cell)
    if sum(map(len, pieces)) != len(cell):
        return None  # a quotation mark without its end
    texts = [piece[0] in "'\"" for piece in pieces]
    apart = zip(texts, texts[1:], strict=False)
    blank = (not text and not piece.strip() for text, piece in zip(texts, pieces, strict=True))
    if any(one and other for one, other in apart) or any([*blank][1:-1]):
        return None
    return "".join(
        piece if is_text else _NO_COMMA.sub(r"\1,\2", piece) for is_text, piece in zip(texts, pieces, strict=True)
    )


def _is_json(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(inner) for key, inner in value.items())
    return value is None or isinstance(value, str | int | float | bool)

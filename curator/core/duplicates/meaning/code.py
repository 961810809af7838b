"""Code within texts: a difference in case, indentation or signs makes it different code."""

from __future__ import annotations

import re
from collections.abc import Callable

_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_LINE = re.compile(
    r"^[ \t]*(?:def |class |import |from \w+ import|return\b|for .+:$|while .+:$|if .+:$|elif .+:$|else:|try:"
    r"|except|function |const |let |var |public |private |static |void |#include|package |fn |func "
    r"|print\s*[(\"'$]|[$>] ?\w"
    r"|(?:echo|cd|ls|rm|git|sudo|pip|npm|curl|docker|export) \S|</?\w|[\w.\[\]]+ [+*/-]?= )",
    re.MULTILINE,
)
_SIGNS = re.compile(
    r"=>|==|!=|&&|\|\||::|->|\+=|</\w+>|\w\([^()\n]*\)\s*[;{:]|[{};]\s*$|[a-z0-9]_[a-z0-9]", re.MULTILINE
)
_STATEMENT = re.compile(
    r"\b(?:select|insert into|update|delete from|create table)\b.+\b(?:from|values|set|where|\()",
    re.IGNORECASE | re.DOTALL,
)
_SCRIPTED = re.compile(r"[^\S\n]+")
_LEAST_PROSE = 5
"""With at least this many words of prose beside the code, a change of both counts as a change of the whole
text."""


def code_of(text: str) -> str:
    """The code of a text: its fenced blocks, or all of it where it looks like code."""
    if "```" in text:
        return "\n".join(_FENCED.findall(text))
    return text if _is_code(text) else ""


def _is_code(text: str) -> bool:
    if _LINE.search(text) if "\n" in text else _LINE.match(text):
        return True
    if _MAY_BE_A_SIGN.search(text) and _SIGNS.search(text):
        return True
    folded = text.casefold()
    return any(map(folded.__contains__, _STATEMENTS)) and _STATEMENT.search(text) is not None


_MAY_BE_A_SIGN = re.compile(r"[(){}=;<_&|:]")
_STATEMENTS = ("select ", "insert into", "update ", "delete from", "create table")


def prose_of(text: str) -> str:
    """The text without its fenced code."""
    return _FENCED.sub(" ", text)


def has_other_prose(a: str, b: str) -> bool:
    """Whether the prose of two texts differs, be it in blanks, case or punctuation alone; code is left out."""
    return a != b and _prose_alone(a) != _prose_alone(b)


def _prose_alone(text: str) -> str:
    if "```" in text:
        return prose_of(text)
    return "" if _is_code(text) else text


def code_differs(a: str, b: str, is_noisy: Callable[[], bool] = bool) -> str | None:
    """What differs in the code of two texts of the same words; None where nothing does.

    Where the prose beside it was changed too (all in capitals, all dots left out), a change of the code means
    nothing; `is_noisy` answers whether the prose of other messages was changed.
    """
    code_a, code_b = code_of(a), code_of(b)
    if not code_a and not code_b:
        return "indentation" if _indented(a, b) and not _same_indentation(a, b) else None
    if not code_a or not code_b:
        code_a, code_b = a, b
    prose_a, prose_b = (prose_of(text).split() if "```" in text else [] for text in (a, b))
    squeezed_a, squeezed_b = (_SCRIPTED.sub(" ", code).strip() for code in (code_a, code_b))
    changed_too = (len(prose_a) >= _LEAST_PROSE and prose_a != prose_b) or is_noisy()
    if squeezed_a.casefold() == squeezed_b.casefold() and squeezed_a != squeezed_b:
        if not changed_too:
            return "case in code"
    elif squeezed_a.split() != squeezed_b.split() and not changed_too:
        return "a sign in code"
    return None if _same_indentation(code_a, code_b) else "indentation"


def _indented(a: str, b: str) -> bool:
    return "\n" in a and ("\n " in a or "\n\t" in a or "\n " in b or "\n\t" in b)


def _same_indentation(a: str, b: str) -> bool:
    """Whether the lines of two texts are indented alike, be it by other widths."""
    lines_a, lines_b = ([line for line in text.split("\n") if line.strip()] for text in (a, b))
    if len(lines_a) != len(lines_b):
        return not (_indented(a, a) or _indented(b, b))
    widths: dict[int, int] = {}
    back: dict[int, int] = {}
    for x, y in zip(lines_a, lines_b, strict=True):
        width_a, width_b = (len(line) - len(line.lstrip()) for line in (x, y))
        if widths.setdefault(width_a, width_b) != width_b or back.setdefault(width_b, width_a) != width_a:
            return False
    return True

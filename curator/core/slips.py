"""What is wrong with a line that is no JSON, in plain words, and the text with a mechanical slip put right.

A slip has one right repair. It is repaired only where the whole line is strict JSON afterwards.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

MAX_PYTHON = 1 << 20
"""Characters of the longest line that is tried as Python."""

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_CONTROL = re.compile("[\x00-\x1f]")
_CONTROL_BYTE = re.compile(rb"[\x00-\x1f]")
_COMMA = re.compile(r",(\s*[}\]])")
_BEHIND = " \t\r\n,\0\x1a\ufeff"
_WORD = re.compile(r"\b(None|True|False|undefined)\b")
_JSON_WORDS = {"None": "null", "True": "true", "False": "false", "undefined": "null"}
_BARE_KEY = re.compile(r"([{,]\s*)([A-Za-z_$][\w$-]*)(\s*:)")
_OPENING_CURLY = re.compile("([\\[{,:]\\s*|\\A)[\u201c\u201d\u201e\u201f]")
_CLOSING_CURLY = re.compile("[\u201c\u201d\u201e\u201f](\\s*[\\]},:]|\\Z)")
_GAP = re.compile(r"[\s,;\0\x1a\ufeff]*")
_ESCAPED_QUOTE = re.compile(r"(?<!\\)((?:\\\\)*)\\'")
_CONFLICT = re.compile(r"(?:<{7}|>{7}|\|{7})(?: |\Z)|={7}\Z")
_SINGLE = re.compile(r"[{\[\s]+'")
_TEXT_NEXT = re.compile(r'"\s*[^\s,:\]}"]')


class Slip(NamedTuple):
    """Why a line is no JSON: `message` is one sentence; `column` an offset in characters, from 0.

    `repaired` is the text with the slip put right, None where there is not one right repair; it holds a line feed
    between the values of a line that holds several, and is empty where a line has nothing in it.
    """

    message: str
    column: int
    repaired: str | None = None
    kind: Literal["safe", "unsafe"] = "unsafe"


class _Step(NamedTuple):
    """One kind of slip: its name, `hints` (a line with this slip contains one of these texts), and its repair."""

    words: str
    hints: tuple[str, ...]
    repair: Callable[[str], str]
    safe: bool = False


def find_slip(text: str, error: json.JSONDecodeError) -> Slip:
    """What is wrong with a line that the JSON parser refused with `error`."""
    core = text.strip(" \t\r\n\0\x1a\ufeff")
    if not core:
        return Slip(f"the line holds nothing but {_name_tail(text)}", 0, "", "safe")
    return (
        _foreign_line(core) or _several_values(text) or _mended(text) or _python(core) or _unrepaired(text, error)
    )


def _foreign_line(core: str) -> Slip | None:
    """A line of something else between the examples: a comment, a fence, a mark of a merge."""
    if core.startswith(("#", "//", "/*", "<!--", "-- ")):
        return Slip("the line is a comment, which JSON does not have", 0)
    if core.startswith(("```", "~~~")):
        return Slip("the line is a code fence of Markdown, not an example", 0)
    if _CONFLICT.match(core):
        return Slip("the line is a mark of an unsolved merge (git): keep one of the two sides", 0)
    return None


def _several_values(text: str) -> Slip | None:
    """Several objects on one line, or one with something behind it or before it."""
    spans, at = _leading_values(text)
    if not spans:
        return None
    start, end = spans[0]
    if at < len(text):
        return Slip("text stands behind the object, which ends here", end) if len(spans) == 1 else None
    if len(spans) > 1:
        lines = [text[start:end] for start, end in spans]
        return Slip(f"{len(spans)} objects stand on one line", end, "\n".join(lines))
    behind, before = text[end:].strip(" \t\r\n"), text[:start].strip(" \t\r\n")
    where = "behind" if behind else "before"
    for mark, name in ((",", "comma"), (";", "semicolon")):
        if mark in behind + before:
            return Slip(f"a {name} stands {where} the object", end, text[start:end])
    return Slip(f"{_name_tail(behind or before)} stands {where} the object", end, text[start:end], "safe")


def _leading_values(text: str) -> tuple[list[tuple[int, int]], int]:
    """The places of the objects and lists with which a text begins, and where they and what parts them end."""
    decode = json.JSONDecoder(parse_constant=_refuse).raw_decode
    spans: list[tuple[int, int]] = []
    at = _behind_gap(text, 0)
    while at < len(text) and text[at] in "{[":
        try:
            _, end = decode(text, at)
        except (ValueError, RecursionError):
            break
        spans.append((at, end))
        at = _behind_gap(text, end)
    return spans, at


def _behind_gap(text: str, at: int) -> int:
    gap = _GAP.match(text, at)
    return gap.end() if gap else at


def _name_tail(tail: str) -> str:
    if "\x1a" in tail:
        return "Ctrl-Z (^Z, the end mark of DOS)"
    return "the byte 0 (NUL)" if "\0" in tail else "a byte order mark"


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _outside(repair: Callable[[str], str]) -> Callable[[str], str]:
    """A repair of what stands outside of strings."""

    def outside(text: str) -> str:
        pieces, at = [], 0
        for match in _STRING.finditer(text):
            pieces += [text[at : match.start()], match[0]]
            at = match.end()
        pieces.append(text[at:])
        marked = "".join(f'"{index}"' if index % 2 else piece for index, piece in enumerate(pieces))
        return re.sub(r'"(\d+)"', lambda match: pieces[int(match[1])], repair(marked))

    return outside


def _where(pattern: re.Pattern[str], repair: Callable[[str], str]) -> Callable[[str], str]:
    """A repair of the texts in which a pattern occurs at all."""
    return lambda text: repair(text) if pattern.search(text) else text


def _inside(repair: Callable[[str], str]) -> Callable[[str], str]:
    """A repair of what stands inside of strings."""
    return lambda text: _STRING.sub(lambda match: repair(match[0]), text)


def _escape(match: re.Match[str]) -> str:
    return json.dumps(match[0])[1:-1]


_STEPS = (
    _Step(
        "a raw tab or control character stands inside a string; JSON writes \\t or \\u0000 there",
        tuple(map(chr, range(0x20))),
        _inside(lambda text: _CONTROL.sub(_escape, text)),
        safe=True,
    ),
    _Step(
        "\\' is no escape of JSON",
        ("\\'",),
        _inside(lambda text: _ESCAPED_QUOTE.sub(r"\1'", text)),
    ),
    _Step(
        "curly quotes stand where JSON has straight ones",
        ("\u201c", "\u201d", "\u201e", "\u201f"),
        _outside(lambda text: _CLOSING_CURLY.sub(r'"\1', _OPENING_CURLY.sub(r'\1"', text))),
    ),
    _Step(
        "a comma stands before the closing brace or bracket",
        (",",),
        _where(_COMMA, _outside(lambda text: _COMMA.sub(r"\1", text))),
    ),
    _Step(
        "a word of Python stands where JSON has null, true or false",
        tuple(_JSON_WORDS),
        _outside(lambda text: _json_words(text)),
    ),
    _Step(
        "a key stands without quotes",
        (":",),
        _where(_BARE_KEY, _outside(lambda text: _BARE_KEY.sub(r'\1"\2"\3', text))),
    ),
    _Step(
        "a comma stands behind the object",
        (",",),
        lambda text: text.rstrip(_BEHIND) if text.rstrip(_BEHIND.replace(",", "")).endswith(",") else text,
    ),
)


def with_escapes(raw: bytes) -> bytes:
    """A line whose raw control characters inside of strings are escaped, where it is JSON then."""
    if not _CONTROL_BYTE.search(raw):
        return raw
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return raw
    escaped = _STEPS[0].repair(text)
    return escaped.encode() if escaped != text and _is_json(escaped) else raw


def _json_words(text: str) -> str:
    return _WORD.sub(lambda match: _JSON_WORDS[match[0]], text)


def _mended(text: str) -> Slip | None:
    """The text with one slip, or several, put right; None where it is no JSON after all of them."""
    words: list[str] = []
    safe, mended, column = True, text, -1
    for step in _STEPS:
        better = step.repair(mended) if any(hint in mended for hint in step.hints) else mended
        if better == mended:
            continue
        if column < 0:
            column = _first_difference(mended, better)
        mended, safe = better, safe and step.safe
        words.append(step.words)
        if _is_json(mended):
            return Slip("; ".join(words), column, mended, "safe" if safe else "unsafe")
    return None


def _first_difference(one: str, other: str) -> int:
    """The offset of the first character in which two texts differ."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _python(core: str) -> Slip | None:
    """A dict or list that Python printed: single quotes, None, True."""
    value = python_value(core) if _SINGLE.match(core) and "'" in _STRING.sub("", core) else None
    if not isinstance(value, dict | list):
        return None
    words = "single quotes stand where JSON has double ones: Python printed this line"
    return Slip(words, max(core.find("'"), 0), json.dumps(value, ensure_ascii=False))


def python_value(text: str) -> Any:
    """The JSON value that a text spells as Python prints it; None where it spells none."""
    if len(text) > MAX_PYTHON or not text.startswith(("{", "[")):
        return None
    try:
        value = ast.literal_eval(text)
        spelled = json.dumps(value, allow_nan=False)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return None
    return value if json.loads(spelled) == value else None  # tuples, and keys that are no texts


_WORDS_OF_PARSER = (
    ("Unterminated string", "the string that begins here does not end on this line"),
    ("Invalid \\", "a backslash stands before a letter that JSON does not escape"),
    ("Invalid control", "a raw control character stands inside a string"),
    ("Expecting ':", "a colon is due here, between a key and its value"),
    ("Expecting property name", "a key in double quotes is due here"),
    ("Extra data", "text stands behind the object, which ends here"),
    ("Expecting ',", "a comma or a closing bracket is missing before this"),
)
"""Beginnings of the parser's messages, and what they say of a training file's line."""


def _unrepaired(text: str, error: json.JSONDecodeError) -> Slip:
    """What is wrong where there is not one right repair, from the parser's words and the place it stopped at."""
    at = min(error.pos, len(text))
    before = text[:at].rstrip()
    if not text.lstrip().startswith(("{", "[", '"')):
        return Slip("the line does not begin with a brace: it is no JSON object", 0)
    if not text[at:].strip():
        return Slip("the line ends before the object does", at)
    if error.msg.startswith("Expecting ',") and _TEXT_NEXT.match(text, len(before) - 1):
        return Slip("a quote inside a string is not escaped, or a comma is missing before this", at)
    words = (words for start, words in _WORDS_OF_PARSER if error.msg.startswith(start))
    return Slip(next(words, "no JSON value begins like this"), at)

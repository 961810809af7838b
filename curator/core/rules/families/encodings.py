"""Rules on texts that went through one encoding too many: mojibake, escapes, entities, JSON in a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from curator.core.example import Path
from curator.core.rules.context import Context
from curator.core.rules.families.messages import value_at
from curator.core.rules.has import Has
from curator.core.rules.registry import Finding, rule
from curator.core.rules.subject import Subject, quote
from curator.core.slips import python_value
from curator.core.splice import Edit

_BYTE_OF = {bytes([byte]).decode("cp1252", "ignore") or chr(byte): byte for byte in range(0x80, 0x100)}
_BYTE_OF |= {chr(byte): byte for byte in range(0x80, 0xA0)}
"""The byte of each character by Windows-1252, and by Latin-1 where that has a control character."""
_FOLLOWING = "".join(character for character, byte in _BYTE_OF.items() if byte < 0xC0)
_SEQUENCE = f"[\xc2-\xdf][{_FOLLOWING}]|[\xe0-\xef][{_FOLLOWING}]{{2}}|[\xf0-\xf4][{_FOLLOWING}]{{3}}"
_MISREAD = re.compile(f"(?:{_SEQUENCE})+")
_HINT = re.compile(f"[\xc2-\xf4][{_FOLLOWING}]")
_LIKELY_SECOND = "\u20ac\u201a\u201e\u2020\u02c6\u2030\u0153\x80\x82\x84\x86\x88\x89\x9c\x9d"
"""What stands behind â where a dash, quote, arrow, sign or dingbat was read as Windows-1252 or Latin-1."""
_CLOSING = "\u201d\u2019\u201c\u2018\xbb\xab\u2013\u2014\u2026"
"""Punctuation that may stand behind a capital letter with an accent."""


def misread_spans(text: str) -> list[tuple[int, int, str]]:
    """Where UTF-8 was read as Windows-1252 or Latin-1: start, end, and the text that was meant.

    Only what decodes exactly counts, and only where at least one place can hardly be meant.
    """
    if not _HINT.search(text):
        return []
    spans = []
    for match in _MISREAD.finditer(text):
        try:
            intended = bytes(_BYTE_OF[character] for character in match[0]).decode()
        except UnicodeDecodeError:
            continue
        spans.append((match.start(), match.end(), intended))
    return spans if any(_is_likely(text, *span) for span in spans) else []


def _is_likely(text: str, start: int, end: int, intended: str) -> bool:
    """Whether characters are misread bytes for sure, and no capital letter before a quotation mark."""
    lead, following = text[start], text[start + 1]
    if len(intended) > 1 or lead == "\xf0":
        return not all("\u0180" <= character <= "\u036f" for character in intended)  # rare letters, and accents
    if lead == "\xe2":
        return following in _LIKELY_SECOND
    if lead == "\xef":
        return following in "\xbb\xbc\xbd"
    shouted = text[start - 1 : start].isupper() and following in _CLOSING and not text[end : end + 1].isalpha()
    return lead in "\xc2\xc3" and not shouted


def repaired_text(text: str) -> str:
    """A text without mojibake, also where it was misread several times."""
    for _ in range(4):
        spans = misread_spans(text)
        for start, end, intended in reversed(spans):
            text = text[:start] + intended + text[end:]
        if not spans:
            break
    return text


def _read_again(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, repaired_text(value_at(subject, path)))


@rule(
    "mojibake",
    "W",
    "own",
    "UTF-8 that was read as Windows-1252 or Latin-1, such as `cafÃ©` for `café`",
    "the model learns to write such text, and it is several times as many tokens",
    when=Has.ODD_TEXT,
    fix=("unsafe", "read the bytes as UTF-8, where that is exactly possible", _read_again),
)
def mojibake(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        for path, text in turn.texts():
            spans = [] if text.isascii() else misread_spans(text)
            if spans:
                start, end, intended = spans[0]
                more = f" and {len(spans) - 1} more" if len(spans) > 1 else ""
                yield Finding(
                    path, f"{quote(text[start:end])} at character {start + 1}{more} was {quote(intended)}"
                )


_BACKSLASHED = re.compile(r"\\(.?)", re.DOTALL)
_BREAK = re.compile(r"(?:\\r)?\\n")
_COMMAND = re.compile(
    r"\\n(?:abla|u|eq?|i|ot(?:in)?|eg|ewline|ewcommand|oindent|olimits|earrow|mid|leq|geq|atural)\b"
)
_UNSURE = re.compile(r"[\w-]\\n[a-z]")
_PATH = re.compile(r"\b(?:folder|director\w+|path|file|drive)\b|/|\.\w{1,4}\b", re.IGNORECASE)
"""A text with one of these may mean a path of Windows: `src\\new`."""
_MEANT = {"\\n": "\n", "\\r": "", "\\t": "\t", '\\"': '"'}


def literal_break(text: str) -> int | None:
    """The offset of a backslash and an n where a line break was meant; None in code, paths and formulas."""
    at = text.find("\\n")
    if at < 0 or "\n" in text or "`" in text or not {*_BACKSLASHED.findall(text)} <= {"n", "r", "t", '"'}:
        return None
    if re.search(r"[A-Za-z]:\\", text) or _COMMAND.search(text):
        return None
    for match in _BREAK.finditer(text):
        around = text[match.start() - 1 : match.start()] + text[match.end() : match.end() + 1]
        if "'" in around or '"' in around or text[: match.start()].replace('\\"', "").count('"') % 2:
            return None
    count, unsure = len(_BREAK.findall(text)), len(_UNSURE.findall(text))
    is_prose = len(text.split()) > 2 and not _PATH.search(text)
    return at if is_prose or count > unsure or count > 2 else None


def _break_lines(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    text = value_at(subject, path)
    yield Edit("set", path, _BACKSLASHED.sub(lambda match: _MEANT[match[0]], text))


@rule(
    "literal_newline",
    "W",
    "own",
    "a text with a backslash and an n where a line break was meant",
    "it was escaped twice: the model learns to write the two characters",
    when=Has.MARKS,
    fix=("unsafe", "write line breaks, tabs and quotes", _break_lines),
)
def literal_newline(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        for path, text in turn.texts():
            at = literal_break(text)
            if at is not None:
                yield Finding(path, f"a backslash and an n at character {at + 1} instead of a line break")


_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d{2,6})|#[xX]([0-9A-Fa-f]{2,6}));")
_NAMED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": "\xa0"}
_MARKUP = re.compile(r"<[A-Za-z!/][^<>]*>|`|\b(?:html|xml|entit(?:y|ies)|escap\w+)\b", re.IGNORECASE)


def entity_in(text: str) -> re.Match[str] | None:
    """The first character reference of HTML in a text; None in a text that is about markup or consists of it."""
    match = _ENTITY.search(text) if "&" in text else None
    return match if match and not _MARKUP.search(text) and _character(match) != match[0] else None


def _character(match: re.Match[str]) -> str:
    """The character that a reference stands for; the reference itself for a number that is no character."""
    if match[1]:
        return _NAMED[match[1]]
    code = int(match[2]) if match[2] else int(match[3], 16)
    return chr(code) if 0x20 <= code < 0xD800 or 0xE000 <= code < 0x110000 else match[0]


def _resolve_entities(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _ENTITY.sub(_character, value_at(subject, path)))


@rule(
    "html_entities",
    "W",
    "own",
    "character references of HTML such as `&amp;` in a text that is no markup",
    "the text was cut out of a web page: the model learns to write them",
    when=Has.MARKS,
    fix=("unsafe", "write the characters they stand for", _resolve_entities),
)
def html_entities(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        for path, text in turn.texts():
            match = entity_in(text)
            if match:
                yield Finding(path, f"{quote(match[0])} at character {match.start() + 1} instead of the character")


def dumped_value(text: str) -> Any:
    """The messages, or content parts, that a text spells as JSON or as Python prints them; None where none."""
    bare = text.strip()
    if not (bare.startswith(("[", "{")) and ("role" in bare or '"type"' in bare)):
        return None
    try:
        value = orjson.loads(bare)
    except orjson.JSONDecodeError:
        value = python_value(bare)
    messages = value.get("messages", [value]) if isinstance(value, dict) else value
    items = messages if isinstance(messages, list) else []
    spoken = all(
        isinstance(item, dict) and ({"role", "content"} <= item.keys() or _is_part(item)) for item in items
    )
    return value if items and spoken else None


def _is_part(item: Any) -> bool:
    """Whether a value is a content part."""
    kind = item.get("type") if isinstance(item, dict) else None
    return isinstance(kind, str) and kind in ("text", "image_url") and kind in item


def _to_parts(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, dumped_value(value_at(subject, path)))


@rule(
    "json_dump_text",
    "W",
    "own",
    "a text that is a JSON dump, or Python's print, of messages or content parts",
    "somebody wrote a list into the text: the model learns brackets and quotes instead of the conversation",
    when=Has.MARKS,
    fix=("unsafe", "content parts become the content they are", _to_parts),
)
def json_dump_text(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        for path, text in turn.texts() if turn.role != "tool" else ():
            value = dumped_value(text)
            if value is not None:
                parts = isinstance(value, list) and all(map(_is_part, value))
                words = f"the text is a dump of {'content parts' if parts else 'messages'}, not a text"
                yield Finding(path, words, fix=parts and path[-1] == "content")

"""Rules on the shape of a message's content: a string, or a list of typed parts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from curator.core.example import Path
from curator.core.rules.context import Context
from curator.core.rules.families.messages import value_at
from curator.core.rules.has import Has
from curator.core.rules.registry import Finding, rule
from curator.core.rules.subject import Subject, Turn, json_type, quote
from curator.core.splice import Edit

_PART_TYPES = {
    "system": ("text",),
    "developer": ("text",),
    "user": ("text", "image_url"),
    "assistant": ("text", "refusal"),
    "tool": ("text",),
}
"""Part types that training takes, by role; images elsewhere are reported by `image_in_assistant`."""


_PART_KEYS = frozenset(("type", "text", "image_url", "refusal"))


def _to_content(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    """The fix of `content_wrong_type`: a list of one string becomes that text, one of several text parts; a part
    without a type gets the type `text`; a number or an object becomes its JSON text."""
    value = value_at(subject, path)
    if path[-1] != "content":
        yield Edit("set", (*path, "type"), "text")
    elif isinstance(value, list):
        parts = [{"type": "text", "text": text} for text in value]
        yield Edit("set", path, value[0] if len(value) == 1 else parts)
    else:
        yield Edit("set", path, _text_in_line(subject, path))


def _text_in_line(subject: Subject, path: Path) -> str:
    """The JSON text of the value at `path`, exactly as the line spells it."""
    return subject.example.raw[slice(*subject.span(path))].decode("utf-8", "replace")


@rule(
    "content_wrong_type",
    "E",
    37,
    "the content is a number, an object or a list of strings, or a part of it is of no known type",
    'the service says: message 3, key "content": Input should be a valid string',
    when=Has.ODD | Has.PARTS,
    fix=(
        "safe",
        "a list of one string becomes the text, of several and of blocks with only a text text parts; "
        "a number its digits, a tool's object its JSON",
        _to_content,
    ),
)
def content_wrong_type(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        content, path = turn.content, (*turn.path, "content")
        if isinstance(content, list):
            if turn.role != "tool":  # tool_content_not_string tells that
                yield from _part_findings(turn, path, content)
        elif content is not None and not isinstance(content, str):
            spoken = isinstance(content, dict) and turn.role == "tool"
            digits = isinstance(content, int | float) and not isinstance(content, bool)
            words = f"the content is {json_type(content)}, not a string"
            yield Finding(path, words, fix=(spoken or digits) and not subject.example.faults)


def _part_findings(turn: Turn, path: Path, content: list[Any]) -> Iterator[Finding]:
    if content and all(isinstance(part, str) for part in content):
        yield Finding(path, "the content is a list of strings; parts are objects")
        return
    allowed = _PART_TYPES.get(turn.role, ("text",)) if isinstance(turn.role, str) else ("text",)
    for index, part in enumerate(content):
        if not isinstance(part, dict):
            yield Finding((*path, index), f"the part is {json_type(part)}, not an object", fix=False)
            continue
        kind = part.get("type")
        if kind == "image_url":
            continue
        if kind is None and isinstance(part.get("text"), str):
            yield Finding((*path, index), "the text part has no type")
        elif kind not in allowed:
            yield Finding((*path, index), f"a part of type {quote(kind)} is not trained on here", fix=False)
        elif not isinstance(part.get(kind), str):
            yield Finding((*path, index), f"the {kind} part has no '{kind}' string", fix=False)


def _join(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    parts = value_at(subject, path)
    yield Edit("set", path, _text_in_line(subject, path) if _is_result(parts) else _join_texts(parts))


def _is_result(parts: list[Any]) -> bool:
    """Whether a list is the JSON result of a tool rather than a list of content parts."""
    return bool(parts) and not any(
        isinstance(part, str) or (isinstance(part, dict) and not _PART_KEYS.isdisjoint(part)) for part in parts
    )


def _join_texts(parts: Any) -> str | None:
    """The joined text of parts that are all strings or text parts without other keys; None for others."""
    if any(isinstance(part, dict) and not part.keys() <= {"type", "text"} for part in parts):
        return None
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    strings = [text for text in texts if isinstance(text, str)]
    return "".join(strings) if texts and len(strings) == len(texts) else None


@rule(
    "tool_content_not_string",
    "E",
    38,
    "the content of a tool message is a list",
    "the schema allows parts, the service takes a string only",
    when=Has.PARTS,
    fix=("safe", "join the text parts, or write a JSON result as text", _join),
)
def tool_content_not_string(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        if turn.role == "tool" and isinstance(turn.content, list):
            fixable = _join_texts(turn.content) is not None or _is_result(turn.content)
            yield Finding((*turn.path, "content"), "a tool message's content must be one string", fix=fixable)

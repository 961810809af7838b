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


def _to_parts(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    if isinstance(value_at(subject, path), list):
        yield Edit("set", path, [{"type": "text", "text": text} for text in value_at(subject, path)])


@rule(
    "content_wrong_type",
    "E",
    37,
    "the content is a number, an object or a list of strings, or a part of it is of no known type",
    'the service says: message 3, key "content": Input should be a valid string',
    when=Has.ODD | Has.PARTS,
    fix=("safe", "a list of strings becomes a list of text parts", _to_parts),
)
def content_wrong_type(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        content, path = turn.content, (*turn.path, "content")
        if isinstance(content, list):
            yield from _part_findings(turn, path, content)
        elif content is not None and not isinstance(content, str):
            yield Finding(path, f"the content is {json_type(content)}, not a string", fix=False)


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
        if kind not in allowed:
            yield Finding((*path, index), f"a part of type {quote(kind)} is not trained on here", fix=False)
        elif not isinstance(part.get(kind), str):
            yield Finding((*path, index), f"the {kind} part has no '{kind}' string", fix=False)


def _join(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    yield Edit("set", path, _join_texts(value_at(subject, path)))


def _join_texts(parts: Any) -> str | None:
    """The joined text of parts that are all text parts or strings; None for others."""
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    strings = [text for text in texts if isinstance(text, str)]
    return "".join(strings) if texts and len(strings) == len(texts) else None


@rule(
    "tool_content_not_string",
    "E",
    38,
    "the content of a tool message is a list of parts",
    "the schema allows it, the service takes a string only",
    when=Has.PARTS,
    fix=("safe", "join the text parts", _join),
)
def tool_content_not_string(subject: Subject, context: Context) -> Iterator[Finding]:
    for turn in subject.turns:
        if turn.role == "tool" and isinstance(turn.content, list):
            fixable = _join_texts(turn.content) is not None
            yield Finding((*turn.path, "content"), "a tool message's content must be one string", fix=fixable)

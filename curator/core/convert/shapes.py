"""Which shape a record has, and which map brings most of some records to chat examples or preference pairs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from curator.core.convert import maps, templates
from curator.core.convert.cells import CSV_HEADER
from curator.core.convert.maps import UNKNOWN, Map, Shape
from curator.core.convert.turns_in import is_named_text, is_turn
from curator.core.formats import detect

TURN_KEYS = ("conversations", "conversation", "dialogue", "dialog", "turns", "chat")
"""Keys under which other tools keep a list of turns."""

_QUESTION = ("question", "query", "input", "user", "human", "instruction", "prompt", "text", "message")
_ANSWER = ("answer", "response", "output", "assistant", "completion", "reply", "label", "target", "gpt", "bot")
_SPOKEN = frozenset(("content", "tool_calls", "function_call"))
"""Keys of which a message of the API has at least one."""
_CONTEXT = ("input", "context", "passage")
"""Columns that are joined to the question where it has another column: Alpaca's `input`, Dolly's `context`."""
_SYSTEM = ("system", "system_prompt", "system prompt")
_HEADING = frozenset((*_QUESTION, *_ANSWER, "content", "turn", "the", "of", "ai", "model", "customer", "agent"))
"""Words of which a heading may consist: `User Message`, but no `response_time`."""
_WORD = re.compile(r"[a-z]+|[^a-z\W_]+")


def shape_of(record: Any) -> Shape:
    """What one record looks like."""
    if isinstance(record, list):
        return "message_list" if record and all(map(is_turn, record)) else "unknown"
    if not isinstance(record, dict):
        return "unknown"
    if tuple(record) == CSV_HEADER:
        return "curator_csv"
    if "chosen" in record and "rejected" in record:
        return "pair"
    native = detect(record)
    if native == "chat" and _has_foreign_turns(record["messages"]):
        return "sharegpt"
    if native in maps.NATIVE:
        return native
    return _foreign_shape(record)


def _has_foreign_turns(messages: Any) -> bool:
    """Whether `messages` holds turns of another dialect alone: `{"role": …, "text": …}`, `["user", "Hi"]`."""
    if not isinstance(messages, list) or not messages:
        return False
    native = (isinstance(each, dict) and "role" in each and not _SPOKEN.isdisjoint(each) for each in messages)
    return not any(native) and all(is_turn(each) or is_named_text(each) for each in messages)


def _foreign_shape(record: Mapping[str, Any]) -> Shape:
    if any(isinstance(record.get(key), list) for key in TURN_KEYS):
        return "sharegpt"
    if isinstance(record.get("contents"), list):
        return "gemini"
    if is_request(record):
        return "request"
    if isinstance(record.get("prompt"), str) and isinstance(record.get("completion"), str):
        return "completion"
    if "instruction" in record and "output" in record:
        return "alpaca"
    if isinstance(record.get("text"), str) and templates.turns_of(record["text"]) is not None:
        return "chat_text"
    return "question_answer" if columns_map(record) is not None else "unknown"


def is_request(record: Mapping[str, Any]) -> bool:
    """Whether a record holds a chat request: a batch's line, or a stored completion with its request."""
    for key in ("body", "request"):
        body = record.get(key)
        if isinstance(body, dict) and isinstance(body.get("messages"), list):
            return True
    return False


def detect_map(records: Iterable[Any]) -> tuple[Shape, Map]:
    """The shape that most of some records have, and the map that brings it to examples."""
    records = list(records)
    for shape, _ in Counter(map(shape_of, records)).most_common():
        if shape == "question_answer":
            candidates = (columns_map(record) for record in records if isinstance(record, dict))
            return shape, Counter(each for each in candidates if each is not None).most_common(1)[0][0]
        if shape != "unknown":
            return shape, maps.named(shape)
    return "unknown", UNKNOWN


def columns_map(record: Mapping[str, Any]) -> Map | None:
    """The map of columns whose headings name a question and an answer; None where there are no two such."""
    question = _column(record, _QUESTION, None)
    answer = _column(record, _ANSWER, question)
    if question is None or answer is None:
        return None
    context = _column(record, _CONTEXT, question, answer, exact=True)
    users = (question,) if context is None else (question, context)
    system = tuple(key for key in map(str, record) if key.lower().strip() in _SYSTEM)
    return Map(users, (answer,), system, "question_answer")


def _column(
    record: Mapping[str, Any], words: tuple[str, ...], *carried: str | None, exact: bool = False
) -> str | None:
    """The column that is named by the first of some words: in full, else (`User Message`) by words of its kind."""
    names = [str(key) for key in record if key not in carried]
    for word in words:
        for name in names:
            if name.lower().strip() == word:
                return name
    if exact:
        return None
    for word in words:
        for name in names:
            heading = _WORD.findall(name.lower())
            if word in heading and _HEADING.issuperset(heading):
                return name
    return None

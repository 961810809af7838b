"""An example's messages as two examples are compared by them, before one counts as a copy of the other."""

from __future__ import annotations

from typing import Any, NamedTuple

from curator.core.bookkeeping import is_bookkeeping
from curator.core.duplicates.texts import (
    ANSWER,
    COMPLETION,
    PREFERENCE,
    SYSTEM_ROLES,
    format_mark,
    message_text,
    messages_of,
    question_and_answer,
    rejected_answer,
)
from curator.core.turns import is_learnt

_PREFERRED = ("preferred_output", "preferred_completion")
_REJECTED = ("non_preferred_output", "non_preferred_completion")
_NO_WORDS = frozenset(("role", "content", "weight", "refusal", "tool_call_id"))
"""Keys of a message that say nothing beside its text. All others, such as tool calls, are equal in copies."""


class Spoken(NamedTuple):
    """The messages of one example, system messages apart."""

    roles: tuple[str, ...]
    """The role of each message; the format's mark comes first, and a rejected answer has the role `rejected`."""
    texts: tuple[str, ...]
    """The text of each message, without calls."""
    system: str = ""
    """The system messages."""
    exact: tuple[Any, ...] = ()
    """Everything without wording: calls, pictures, tools, keys beside the messages. It must be equal in copies."""
    learnt: tuple[bool, ...] = ()
    """Which messages are trained."""

    @property
    def answers(self) -> bool:
        """Whether the last message is an answer."""
        return self.roles[-1:] in (("assistant",), ("rejected",))


def spoken(value: Any) -> Spoken:
    """The messages of a parsed example."""
    chat = [m for m in messages_of(value) if not (isinstance(m, dict) and m.get("role") in SYSTEM_ROLES)]
    roles, texts = [_mark(value)], [""]
    exact: list[Any] = []
    learnt: list[bool] = []
    for message in chat + _rejected(value):
        content = message.get("content") if isinstance(message, dict) else None
        if isinstance(content, str) and len(message) == 2:
            texts.append(content)
            exact.append(None)
        else:
            texts.append(_wording(message))
            exact.append(_exact(message))
        roles.append(_role(message))
        learnt.append(is_learnt(message))
    for at in range(len(chat), len(roles) - 1):
        roles[at + 1] = "rejected"
    exact.append(_beside(value))
    return Spoken(tuple(roles), tuple(texts), system_text(value), tuple(exact), tuple(learnt))


def _beside(value: Any) -> dict[str, Any] | None:
    """What stands beside the messages and is no bookkeeping, such as tools, a label or the answer of reference.

    None for most examples. Of another tool's shape it is all but the prompt.
    """
    if not isinstance(value, dict) or len(value) == 1:
        return None
    if isinstance(value.get("messages"), list):
        read: tuple[str, ...] = ("messages",)
    elif isinstance(value.get("input"), dict):
        read = ("input", *_PREFERRED, *_REJECTED)
    else:
        read = ("prompt", "completion")
    others = {key: item for key, item in value.items() if key not in read and not _says_nothing(key, item)}
    inside = value["input"] if "input" in read else {}
    others |= {
        f"input.{key}": item for key, item in inside.items() if key != "messages" and not _says_nothing(key, item)
    }
    return others or None


def _says_nothing(key: str, item: Any) -> bool:
    return (key == "parallel_tool_calls" and item is True) or is_bookkeeping(key, item)


def system_text(value: Any) -> str:
    """The system messages of an example."""
    messages = messages_of(value)
    system_messages = [message_text(m) for m in messages if isinstance(m, dict) and m.get("role") in SYSTEM_ROLES]
    return "\n".join(system_messages).strip()


def spoken_text(text: str) -> Spoken:
    """The messages in a compared text, as far as they can be read from it."""
    mark = format_mark(text)
    prompt, answer = question_and_answer(text)
    roles, texts = [mark, "user"], ["", prompt]
    if ANSWER in text:
        roles.append("assistant")
        texts.append(answer)
    if rejected := rejected_answer(text):
        roles.append("rejected")
        texts.append(rejected)
    return Spoken(tuple(roles), tuple(texts))


def spoken_part(text: str, is_answer: bool) -> Spoken:
    """The messages of a prompt or an answer alone."""
    return Spoken(("", "assistant" if is_answer else "user"), ("", text))


def _mark(value: Any) -> str:
    if not isinstance(value, dict) or isinstance(value.get("messages"), list):
        return ""
    return PREFERENCE if isinstance(value.get("input"), dict) else COMPLETION


def _rejected(value: Any) -> list[Any]:
    for key in _REJECTED if isinstance(value, dict) else ():
        if isinstance(value.get(key), list) and not isinstance(value.get("messages"), list):
            return list(value[key])
    return []


def _role(message: Any) -> str:
    role = message.get("role") if isinstance(message, dict) else None
    return role if isinstance(role, str) else ""


def _wording(message: Any) -> str:
    """The text of a message without its calls and pictures."""
    if not isinstance(message, dict):
        return ""
    content = message.get("content")
    if isinstance(content, str):
        refusal = message.get("refusal")
        return f"{content} {refusal}" if isinstance(refusal, str) else content
    parts = [
        part[key]
        for part in (content if isinstance(content, list) else ())
        if isinstance(part, dict)
        for key in ("text", "refusal")
        if isinstance(part.get(key), str)
    ]
    refusal = message.get("refusal")
    return " ".join([*parts, refusal] if isinstance(refusal, str) else parts)


def _exact(message: Any) -> Any:
    """The parts of a message without wording; None for most messages."""
    if not isinstance(message, dict):
        return message
    content = message.get("content")
    if isinstance(content, str) and _NO_WORDS.issuperset(message):
        return None
    others = {key: _without_ids(item) for key, item in message.items() if key not in _NO_WORDS and item}
    if not isinstance(content, str | list):
        others["content"] = content
    if isinstance(content, list):
        others["parts"] = [
            part
            for part in content
            if not (isinstance(part, dict) and (isinstance(part.get("text"), str) or "refusal" in part))
        ]
    return {key: item for key, item in others.items() if item} or None


def _without_ids(item: Any) -> Any:
    """Tool calls without their ids, with their arguments parsed where these are JSON."""
    if isinstance(item, list):
        return [_without_ids(call) for call in item]
    if not isinstance(item, dict):
        return item
    return {key: _parsed(key, inner) for key, inner in item.items() if key != "id"}


def _parsed(key: str, item: Any) -> Any:
    if key == "arguments" and isinstance(item, str):
        return _json(item)
    return _without_ids(item) if isinstance(item, dict) else item


def _json(text: str) -> Any:
    import json  # light

    try:
        return ("json", json.loads(text))
    except (ValueError, RecursionError):
        return text

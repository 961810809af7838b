"""Stable 64-bit hashes: the same in every process and on every machine, so they can be stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from msgspec import Struct
from xxhash import xxh3_64_intdigest

from curator.core.duplicates.meaning.spoken import Spoken, spoken
from curator.core.duplicates.texts import (
    ANSWER,
    SYSTEM_ROLES,
    Scope,
    compared_text,
    format_mark,
    message_text,
    messages_of,
    question_and_answer,
)
from curator.core.example import Example
from curator.core.turns import is_learnt

_HALF = 1 << 63


def _hash(data: bytes) -> int:
    return xxh3_64_intdigest(data) - _HALF


def value_hash(value: Any) -> int:
    """A hash of a JSON value that ignores key order, spacing and escapes.

    For plain chat examples it is, faster, the hash of their roles and contents, after a byte that begins no JSON.
    """
    plain = _plain_messages(value)
    if plain is None:
        return _hash(canonical(value))
    roles, contents = plain
    return text_hash(role_facts_of(roles).mark + "\0".join(contents))


class RoleFacts(NamedTuple):
    """What depends on the roles of plain messages alone, computed once for each sequence of roles."""

    mark: str
    """Begins the text of the value's hash: roles after a sign that begins no JSON text."""
    learnt: int
    """How many messages are trained, at most 255."""
    is_answered: bool
    """Whether the last message but the system's is an answer."""
    turns: tuple[int, ...] | None
    """The places of all messages but the system's; None where only the first message may be the system's."""
    first: int
    """The place of the first turn, where only the first message may be the system's."""


@lru_cache(maxsize=4_096)
def role_facts_of(roles: tuple[str, ...]) -> RoleFacts:
    turns = tuple(at for at, role in enumerate(roles) if role not in SYSTEM_ROLES)
    first = int(roles[0] in SYSTEM_ROLES)
    is_answered = bool(turns) and roles[turns[-1]] == "assistant"
    usual = turns == tuple(range(first, len(roles)))
    mark = "\1" + "\0".join(roles) + "\0"
    return RoleFacts(mark, min(255, roles.count("assistant")), is_answered, None if usual else turns, first)


def _plain_messages(value: Any) -> tuple[tuple[str, ...], list[str]] | None:
    """(roles, contents) of an example that holds only messages of a role and a text; None for all others."""
    if type(value) is not dict or len(value) != 1 or type(messages := value.get("messages")) is not list:
        return None
    roles: list[str] = []
    contents: list[str] = []
    try:
        for message in messages:
            role, content = message["role"], message["content"]
            if len(message) != 2 or type(role) is not str or type(content) is not str:
                return None
            roles.append(role)
            contents.append(content)
    except (KeyError, TypeError):
        return None
    return (tuple(roles), contents) if roles else None


class Fingerprint(Struct, frozen=True, gc=False):
    """One example as the search for duplicates sees it."""

    text: str
    """The compared text (`texts.compared_text`)."""
    value: int | None
    """Hash of the value; None for broken lines, which are copies of nothing."""
    prompt: int = 0
    """Hash of the prompt; 0 where there is no prompt that could be answered in two ways."""
    system: int = 0
    """Hash of the system prompt; 0 without one."""
    learnt: int = 1
    """How many of its messages are trained (at most 255): of copies the one that trains most stays."""


NOTHING = Fingerprint("", None)
"""The fingerprint of an example that is a copy of nothing, or was deleted."""


def has_value(example: Example) -> bool:
    """Whether a line can be equal to another by its value: it is JSON but for halves of surrogate pairs."""
    return not example.broken or (
        example.value is not None and all(fault.rule == "lone_surrogate" for fault in example.faults)
    )


def fingerprint(example: Example, scope: Scope = "conversation") -> Fingerprint:
    """The fingerprint of one example; with scope `prompt` or `answer` that of this part alone.

    Without messages, and with half of a surrogate pair, an example is a copy only of those with an equal value.
    """
    if not has_value(example):
        return NOTHING
    if scope == "conversation" and not example.broken and (plain := _plain_messages(example.value)):
        return plain_fingerprint(role_facts_of(plain[0]), plain[1])
    if example.broken or not messages_of(example.value):
        return Fingerprint("", value_hash(example.value)) if scope == "conversation" else NOTHING
    text = compared_text(example.value, scope)
    if scope != "conversation":
        return Fingerprint(text, text_hash(text)) if text else NOTHING
    chat = spoken(example.value)
    prompt = question_key(example.value, text, chat)
    learnt = sum(chat.learnt) if "rejected" not in chat.roles else sum(map(is_learnt, messages_of(example.value)))
    return Fingerprint(
        text,
        value_hash(example.value),
        (text_hash(prompt) or 1) if prompt else 0,
        _system_hash(chat.system),
        min(255, learnt),
    )


@lru_cache(maxsize=256)
def _system_hash(system: str) -> int:
    return (text_hash(system) or 1) if system else 0


def plain_fingerprint(facts: RoleFacts, contents: list[str]) -> Fingerprint:
    """The same of messages that have only a role and a text, in half the time."""
    mark, learnt, is_answered, places, first = facts
    if places is None:
        system, turns = contents[0] if first else "", contents[first:] if first else contents
    else:
        system = "\n".join([text for at, text in enumerate(contents) if at not in places])
        turns = [contents[at] for at in places]
    value = text_hash(mark + "\0".join(contents))
    system_hash = _system_hash(system.strip()) if system else 0
    if not is_answered:
        return Fingerprint("\n".join(turns), value, 0, system_hash, learnt)
    prompt, answer = turns[0] if len(turns) == 2 else "\n".join(turns[:-1]), turns[-1]
    prompt_hash = (text_hash(_prompt_key(contents[0] if first else "", prompt)) or 1) if prompt else 0
    return Fingerprint(f"{prompt}{ANSWER}{answer}", value, prompt_hash, system_hash, learnt)


def question_key(value: Any, text: str, chat: Spoken | None = None) -> str:
    """A text that is equal for two examples with equal format, system prompt and prompt, calls and tools included.

    `text` is the compared text of the example `value`, `chat` its messages, where the caller has them; the key is
    empty where it has no prompt or no answer.
    """
    first, prompt = messages_of(value)[0], question_and_answer(text)[0]
    system = message_text(first) if isinstance(first, dict) and first.get("role") in SYSTEM_ROLES else ""
    if not prompt or ANSWER not in text:
        return ""
    chat = chat or spoken(value)
    *of_messages, beside = chat.exact
    calls_and_tools = [*of_messages[: _last_answer(chat.roles) - 1], beside]
    key = _prompt_key(format_mark(text) + system, prompt)
    if calls_and_tools.count(None) == len(calls_and_tools):
        return key
    return f"{key}\0{canonical(calls_and_tools).decode('utf-8', 'surrogatepass')}"


def _last_answer(roles: Sequence[str]) -> int:
    """The index of the last answer among roles."""
    return max((at for at, role in enumerate(roles) if role == "assistant"), default=len(roles))


def answer_hash(chat: Spoken) -> int:
    """A hash of the last answer: its words, blanks behind them apart, and its calls."""
    at = _last_answer(chat.roles)
    exact = chat.exact[at - 1] if len(chat.exact) > at - 1 else None
    text = chat.texts[at].rstrip() if at < len(chat.texts) else ""
    return text_hash(text) if exact is None else _hash(canonical([text, exact]))


def _prompt_key(system: str, prompt: str) -> str:
    return f"{system}\0{prompt.strip()}"


def text_hash(text: str) -> int:
    """Hash of a text, which may contain lone surrogates."""
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")) - _HALF


def canonical(value: Any) -> bytes:
    """The canonical JSON of a value: sorted keys, no blanks, UTF-8."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, RecursionError):
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
        return text.encode("utf-8", "surrogatepass")

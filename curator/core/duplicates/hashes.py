"""Stable 64-bit hashes: the same in every process and on every machine, so they can be stored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from xxhash import xxh3_64_digest

from curator.core.duplicates.meaning.spoken import Spoken, spoken, system_text
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


def _hash(data: bytes) -> int:
    return int.from_bytes(xxh3_64_digest(data), "big", signed=True)


def value_hash(value: Any) -> int:
    """A hash of a JSON value that ignores key order, spacing and escapes.

    For plain chat examples it is, faster, the hash of the list of roles and contents after a byte that begins no
    JSON text.
    """
    flat = _flat_messages(value)
    return _hash(canonical(value)) if flat is None else _hash(b"\1" + canonical(flat))


def _flat_messages(value: Any) -> list[Any] | None:
    """[role, content, role, content, …] of an example that holds nothing else; None for all others."""
    if type(value) is not dict or len(value) != 1 or type(messages := value.get("messages")) is not list:
        return None
    flat: list[Any] = []
    try:
        for message in messages:
            if len(message) != 2:
                return None
            flat += (message["role"], message["content"])
    except (KeyError, TypeError):
        return None
    return flat


class Fingerprint(NamedTuple):
    """One example as the search for duplicates sees it."""

    text: str
    """The compared text (`texts.compared_text`)."""
    value: int | None
    """Hash of the value; None for broken lines and examples without messages, which are copies of nothing."""
    prompt: int = 0
    """Hash of the prompt; 0 where there is no prompt that could be answered in two ways."""
    system: int = 0
    """Hash of the system prompt; 0 without one."""
    learnt: int = 1
    """How many of its messages are trained (at most 255): of copies the one that trains most stays."""


NOTHING = Fingerprint("", None)
"""The fingerprint of an example that is a copy of nothing, or was deleted."""


def fingerprint(example: Example, scope: Scope = "conversation") -> Fingerprint:
    """The fingerprint of one example; with scope `prompt` or `answer` that of this part alone."""
    if example.broken:
        return NOTHING
    if scope == "conversation" and (flat := _flat_messages(example.value)):
        with suppress(TypeError):
            return _plain_fingerprint(flat)
    if not messages_of(example.value):
        return NOTHING
    text = compared_text(example.value, scope)
    if scope != "conversation":
        return Fingerprint(text, text_hash(text)) if text else NOTHING
    prompt = question_key(example.value, text)
    return Fingerprint(
        text,
        value_hash(example.value),
        (text_hash(prompt) or 1) if prompt else 0,
        _system_hash(system_text(example.value)),
        min(255, sum(map(is_learnt, messages_of(example.value)))),
    )


@lru_cache(maxsize=256)
def _system_hash(system: str) -> int:
    return (text_hash(system) or 1) if system else 0


def _plain_fingerprint(flat: list[Any]) -> Fingerprint:
    """The same from `_flat_messages`, in half the time. Raises TypeError where a content is no text."""
    roles, contents = flat[::2], flat[1::2]
    turns = [text for role, text in zip(roles, contents, strict=True) if role not in SYSTEM_ROLES]
    value = _hash(b"\1" + canonical(flat))
    system = contents[0] if roles[0] in SYSTEM_ROLES else ""
    if len(turns) + 1 < len(roles):
        system = "\n".join([text for role, text in zip(roles, contents, strict=True) if role in SYSTEM_ROLES])
    if type(system) is not str:
        raise TypeError
    system_hash = _system_hash(system.strip())
    learnt = min(255, roles.count("assistant"))
    if not turns or roles[-1] != "assistant":
        return Fingerprint("\n".join(turns), value, 0, system_hash, learnt)
    answer = turns.pop()
    prompt = "\n".join(turns)
    first = contents[0] if roles[0] in SYSTEM_ROLES else ""
    prompt_hash = (text_hash(_prompt_key(first, prompt)) or 1) if prompt else 0
    return Fingerprint(f"{prompt}{ANSWER}" + answer, value, prompt_hash, system_hash, learnt)


def question_key(value: Any, text: str) -> str:
    """A text that is equal for two examples with equal format, system prompt and prompt, calls and tools included.

    `text` is the compared text of the example `value`; the key is empty where it has no prompt or no answer.
    """
    first, prompt = messages_of(value)[0], question_and_answer(text)[0]
    system = message_text(first) if isinstance(first, dict) and first.get("role") in SYSTEM_ROLES else ""
    if not prompt or ANSWER not in text:
        return ""
    chat = spoken(value)
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
    """A hash of the last answer: its words, blanks around them apart, and its calls."""
    at = _last_answer(chat.roles)
    exact = chat.exact[at - 1] if len(chat.exact) > at - 1 else None
    text = chat.texts[at].strip() if at < len(chat.texts) else ""
    return text_hash(text) if exact is None else _hash(canonical([text, exact]))


def _prompt_key(system: str, prompt: str) -> str:
    return f"{system}\0{prompt.strip()}"


def text_hash(text: str) -> int:
    """Hash of a text, which may contain lone surrogates."""
    return _hash(text.encode("utf-8", "surrogatepass"))


def canonical(value: Any) -> bytes:
    """The canonical JSON of a value: sorted keys, no blanks, UTF-8."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, RecursionError):
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
        return text.encode("utf-8", "surrogatepass")

"""Stable 64-bit hashes: the same in every process and on every machine, so they can be stored."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, NamedTuple

import orjson
from xxhash import xxh3_64_digest

from curator.core.duplicates.texts import (
    ANSWER,
    SYSTEM_ROLES,
    Scope,
    compared_text,
    kind,
    message_text,
    parts,
    turns,
)
from curator.core.example import Example


def _hash(data: bytes) -> int:
    return int.from_bytes(xxh3_64_digest(data), "big", signed=True)


def value_hash(value: Any) -> int:
    """Equal for two JSON values that differ in key order, spacing or escapes only.

    Plain chat examples take a short way, the list of roles and contents behind a mark that no JSON begins with.
    """
    flat = _flat(value)
    return _hash(canonical(value)) if flat is None else _hash(b"\1" + canonical(flat))


def _flat(value: Any) -> list[Any] | None:
    """Role, content, role, content … of an example that holds nothing else; None for others."""
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


class Print(NamedTuple):
    """What the search remembers of one example: the compared text, and hashes of value and prompt.

    `value` None keeps broken lines and examples that say nothing out: they are to be repaired, and no copies.
    `prompt` is 0 where there is no question to contradict oneself about.
    """

    text: str
    value: int | None
    prompt: int = 0


NOTHING = Print("", None)


def fingerprint(example: Example, scope: Scope = "conversation") -> Print:
    """The print of one example; for the scopes `prompt` and `answer` of that part alone."""
    if example.broken:
        return NOTHING
    if scope == "conversation" and (flat := _flat(example.value)):
        with suppress(TypeError):
            return _plain_print(flat)
    if not turns(example.value):
        return NOTHING
    text = compared_text(example.value, scope)
    if scope != "conversation":
        return Print(text, text_hash(text)) if text else NOTHING
    asked = question(example.value, text)
    return Print(text, value_hash(example.value), (text_hash(asked) or 1) if asked else 0)


def _plain_print(flat: list[Any]) -> Print:
    """The same for `_flat` examples, in half the time. Raises TypeError where a content is no text."""
    roles, contents = flat[::2], flat[1::2]
    spoken = [text for role, text in zip(roles, contents, strict=True) if role not in SYSTEM_ROLES]
    value = _hash(b"\1" + canonical(flat))
    if not spoken or roles[-1] != "assistant":
        return Print("\n".join(spoken), value)
    answer = spoken.pop()
    asked = "\n".join(spoken)
    system = contents[0] if roles[0] in SYSTEM_ROLES else ""
    return Print(f"{asked}{ANSWER}" + answer, value, (text_hash(_asked(system, asked)) or 1) if asked else 0)


def question(value: Any, text: str) -> str:
    """What an example with this compared text asks under its system prompt; empty where it answers no question."""
    first, asked = turns(value)[0], parts(text)[0]
    system = message_text(first) if isinstance(first, dict) and first.get("role") in SYSTEM_ROLES else ""
    return _asked(kind(text) + system, asked) if asked and ANSWER in text else ""


def _asked(system: str, asked: str) -> str:
    return f"{system}\0{asked.strip()}"


def text_hash(text: str) -> int:
    """Hash of a text, lone surrogates allowed."""
    return _hash(text.encode("utf-8", "surrogatepass"))


def canonical(value: Any) -> bytes:
    """One spelling of a JSON value: sorted keys, no blanks, UTF-8."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, RecursionError):
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
        return text.encode("utf-8", "surrogatepass")

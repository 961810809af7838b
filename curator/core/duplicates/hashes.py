"""Stable 64-bit hashes: the same in every process and on every machine, so they can be stored."""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

import orjson

from curator.core.duplicates.texts import ANSWER, SYSTEM_ROLES, Scope, compared_text, message_text, turns
from curator.core.example import Example


def _hash(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big", signed=True)


def value_hash(value: Any) -> int:
    """Equal for two JSON values that differ in key order, spacing or escapes only.

    Plain chat examples take a short way, the list of roles and contents behind a mark that no JSON begins with.
    """
    if type(value) is dict and len(value) == 1 and "messages" in value:
        flat: list[Any] = []
        try:
            for message in value["messages"]:
                if len(message) != 2:
                    break
                flat.append(message["role"])
                flat.append(message["content"])
            else:
                return _hash(b"\1" + canonical(flat))
        except (KeyError, TypeError):
            pass
    return _hash(canonical(value))


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
    if example.broken or not turns(example.value):
        return NOTHING
    text = compared_text(example.value, scope)
    if scope != "conversation":
        return Print(text, text_hash(text)) if text else NOTHING
    value = value_hash(example.value)
    asked, mark, _ = text.partition(ANSWER)
    if not mark or not asked:
        return Print(text, value)
    first = turns(example.value)[0]
    system = message_text(first) if isinstance(first, dict) and first.get("role") in SYSTEM_ROLES else ""
    return Print(text, value, text_hash(f"{system}\0{asked.strip()}") or 1)


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

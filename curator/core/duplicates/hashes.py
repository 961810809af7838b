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
    """What the search remembers of one example: the compared text and three hashes.

    `value` None keeps broken lines and examples that say nothing out: they are to be repaired, and no copies.
    `prompt` is 0 where there is no question to contradict oneself about.
    """

    text: str
    value: int | None
    prompt: int = 0
    answer: int = 0


NOTHING = Print("", None)


def fingerprint(example: Example, scope: Scope = "conversation") -> Print:
    """The print of one example; for the scopes `prompt` and `answer` of that part alone."""
    if example.broken or not turns(example.value):
        return NOTHING
    text = compared_text(example.value, scope)
    if scope != "conversation":
        return Print(text, text_hash(text)) if text else NOTHING
    value = value_hash(example.value)
    asked, mark, answer = text.partition(ANSWER)
    if not mark or not asked:
        return Print(text, value)
    system = [m for m in turns(example.value) if isinstance(m, dict) and m.get("role") in SYSTEM_ROLES]
    question = "\0".join([*map(message_text, system), " ".join(asked.casefold().split())])
    return Print(text, value, text_hash(question) or 1, text_hash(answer.strip()))


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

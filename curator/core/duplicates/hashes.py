"""Stable 64-bit hashes: the same in every process and on every machine, so they can be stored."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import orjson

from curator.core.duplicates.texts import Scope, compared_text, normalise, turns
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


def fingerprint(example: Example, scope: Scope = "conversation") -> tuple[str, int | None]:
    """What `finder.find` takes of one example: the compared text and the value hash.

    None as the hash keeps broken lines and examples that say nothing out: they are to be repaired, and no copies.
    """
    if example.broken or not turns(example.value):
        return "", None
    text = compared_text(example.value, scope)
    if scope == "conversation":
        return text, value_hash(example.value)
    return (text, _hash(text.encode("utf-8", "surrogatepass"))) if text else ("", None)


def canonical(value: Any) -> bytes:
    """One spelling of a JSON value: sorted keys, no blanks, UTF-8."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, RecursionError):
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
        return text.encode("utf-8", "surrogatepass")


def norm_hash(value: Any, scope: Scope = "conversation") -> int:
    """Equal for examples whose compared texts have the same normal form (`texts.normalise`)."""
    return _hash(normalise(compared_text(value, scope)).encode("utf-8", "surrogatepass"))

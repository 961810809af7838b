"""Which examples may equal another by value, found at little more than the cost of parsing them."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.json import Decoder

from curator.core.duplicates.classes import shared
from curator.core.duplicates.conflicts import Conflict, ranked
from curator.core.duplicates.hashes import canonical, fingerprint, question
from curator.core.duplicates.texts import compared_text, message_text, parts, turns
from curator.core.example import parse
from curator.core.typed_chats import REFUSED


class _Said(Struct, frozen=True, gc=False):
    """A message by its content; nothing is made of what else it holds."""

    content: str | None = None


class _Chat(Struct, gc=False):
    messages: list[_Said]


def equal(
    raws: Iterable[tuple[int, bytes]], raw_of: Callable[[int], bytes]
) -> tuple[list[list[int]], list[Conflict]]:
    """Sets of ids of equal values, and those that ask the same in the same words and answer differently.

    Of `raws` blank ones say nothing, and line ends do not matter; `raw_of` gives them without those.
    A hash tells only which examples to look at; what is equal is told by one spelling of the whole value.
    """
    same: list[list[int]] = []
    differing: list[Conflict] = []
    for ids in suspects(raws):
        found = _by_value(ids, raw_of)
        same += [who for _, who in found if len(who) > 1]
        differing += _differing(found) if len(found) > 1 else ()
    return sorted(same), sorted(differing, key=lambda conflict: conflict.ids)


def _differing(found: Iterable[tuple[Any, list[int]]]) -> Iterator[Conflict]:
    asked: dict[str, dict[str, list[int]]] = {}
    prompts: dict[str, str] = {}
    for value, who in found:
        text = compared_text(value)
        if what := question(value, text):
            prompt, answer = parts(text)
            prompts.setdefault(what, prompt)
            asked.setdefault(what, {}).setdefault(answer.strip(), []).extend(who)
    return (ranked(prompts[what], answers) for what, answers in asked.items() if len(answers) > 1)


def _by_value(ids: list[int], raw_of: Callable[[int], bytes]) -> list[tuple[Any, list[int]]]:
    """Each different value that says anything with the ids that have it; no bytes are parsed twice."""
    found: dict[bytes, tuple[Any, list[int]]] = {}
    by_bytes: dict[bytes, list[int]] = {}
    for example in ids:
        by_bytes.setdefault(raw_of(example), []).append(example)
    for raw, who in by_bytes.items():
        read = parse(raw)
        if not read.broken and turns(read.value):
            found.setdefault(canonical(read.value), (read.value, []))[1].extend(who)
    return [(value, sorted(who)) for value, who in found.values()]


def suspects(raws: Iterable[tuple[int, bytes]]) -> list[list[int]]:
    """Sets of examples that may equal one another by value, or ask the same in the same words.

    One hash tells, of what is said before the last message: equal values ask the same.
    """
    ids, keys = array("q"), array("q")
    decode = Decoder(_Chat).decode
    for example, raw in raws:
        try:
            said = decode(raw).messages
            key: int | None = hash(tuple(said[:-1] or said))
        except (*REFUSED, RecursionError):
            key = _key(raw)
        if key is not None:
            ids.append(example)
            keys.append(key)
    rows = shared(np.frombuffer(keys, np.int64), np.ones(len(keys), np.bool_))
    return [[ids[row] for row in same] for same in rows]


def _key(raw: bytes) -> int | None:
    """The same of a line that has another shape; None where it is no copy of anything."""
    example = parse(raw.removeprefix(b"\xef\xbb\xbf").strip())
    try:
        said = [_Said(_text(message)) for message in example.value["messages"]]
        return hash(tuple(said[:-1] or said))
    except (KeyError, TypeError, AttributeError):
        seen = fingerprint(example)
        return seen.prompt or seen.value


def _text(message: Any) -> str | None:
    content = message.get("content")
    return content if content is None or isinstance(content, str) else message_text(message)

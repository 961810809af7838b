"""Examples that are equal by value or contradict each other, found at little more than the cost of parsing."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.json import Decoder

from curator.core.duplicates.conflicts import Conflict, rank_answers
from curator.core.duplicates.equal_rows import rows_by_key
from curator.core.duplicates.hashes import canonical, fingerprint, has_value, question_key
from curator.core.duplicates.texts import compared_text, message_text, messages_of, question_and_answer
from curator.core.example import Example, parse
from curator.core.typed_chats import REFUSED


class _Message(Struct, frozen=True, gc=False):
    """A message of which only the content is decoded."""

    content: str | None = None


class _Chat(Struct, gc=False):
    messages: list[_Message]


def find_equal(
    raws: Iterable[tuple[int, bytes]], raw_of: Callable[[int], bytes]
) -> tuple[list[list[int]], list[Conflict]]:
    """Sets of ids with equal values, and the conflicts: an equal prompt with different answers.

    `raws` are (id, line) pairs; blank lines are ignored and line ends do not matter. `raw_of(id)` gives one line
    without its line end. Hashes only choose which examples to compare; equality is that of the canonical JSON.
    """
    same: list[list[int]] = []
    differing: list[Conflict] = []
    for ids in suspects(raws):
        values = _by_value(ids, raw_of)
        same += [same_ids for _, same_ids in values if len(same_ids) > 1]
        differing += _differing(values) if len(values) > 1 else ()
    return sorted(same), sorted(differing, key=lambda conflict: conflict.ids)


def _differing(values: Iterable[tuple[Example, list[int]]]) -> Iterator[Conflict]:
    answers_by_question: dict[str, dict[str, list[int]]] = {}
    prompts: dict[str, str] = {}
    for example, ids in values:
        value = example.value
        text = "" if example.broken else compared_text(value)
        if messages_of(value) and (key := question_key(value, text)):
            prompt, answer = question_and_answer(text)
            prompts.setdefault(key, prompt)
            answers_by_question.setdefault(key, {}).setdefault(answer.rstrip(), []).extend(ids)
    return (
        rank_answers(prompts[key], answers) for key, answers in answers_by_question.items() if len(answers) > 1
    )


def _by_value(ids: list[int], raw_of: Callable[[int], bytes]) -> list[tuple[Example, list[int]]]:
    """An example of each different value, with the ids that have it; equal lines are parsed once."""
    by_value: dict[bytes, tuple[Example, list[int]]] = {}
    by_bytes: dict[bytes, list[int]] = {}
    for example in ids:
        by_bytes.setdefault(raw_of(example), []).append(example)
    for raw, same_ids in by_bytes.items():
        example_read = parse(raw)
        if has_value(example_read):
            by_value.setdefault(canonical(example_read.value), (example_read, []))[1].extend(same_ids)
    return [(example_read, sorted(same_ids)) for example_read, same_ids in by_value.values()]


def suspects(raws: Iterable[tuple[int, bytes]]) -> list[list[int]]:
    """Sets of ids that may be equal by value or have an equal prompt: those with one hash of the prompt.

    The hash covers all messages but the last one; examples that are equal by value have equal prompts.
    """
    ids, keys = array("q"), array("q")
    decode = Decoder(_Chat).decode
    for example, raw in raws:
        try:
            messages = decode(raw).messages
            key: int | None = hash(tuple(messages[:-1] or messages))
        except (*REFUSED, RecursionError):
            key = _key(raw)
        if key is not None:
            ids.append(example)
            keys.append(key)
    rows = rows_by_key(np.frombuffer(keys, np.int64), np.ones(len(keys), np.bool_))
    return [[ids[row] for row in equal_rows] for equal_rows in rows]


def _key(raw: bytes) -> int | None:
    """The hash of `suspects` for a line that `_Chat` does not decode; None where it cannot be a copy."""
    example = parse(raw.removeprefix(b"\xef\xbb\xbf").strip())
    try:
        messages = [_Message(_text(message)) for message in example.value["messages"]]
        return hash(tuple(messages[:-1] or messages))
    except (KeyError, TypeError, AttributeError):
        print_of_line = fingerprint(example)
        return print_of_line.prompt or print_of_line.value


def _text(message: Any) -> str | None:
    content = message.get("content")
    return content if content is None or isinstance(content, str) else message_text(message)

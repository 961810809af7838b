"""With which bytes, and in which block, the editor begins. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

from curator.core import splice
from curator.core.example import Example, parse
from curator.core.formats import detect
from curator.tui.examples.blocks import Block, blocks_of

QUESTIONS = ("user", "tool", "function")
"""Roles of a last message that wants an answer."""
USUAL = 0.5
"""Least share of examples with the same system prompt that makes it the usual one."""
_ANSWERS = ("assistant", "preferred", "completion")


class Beginning(NamedTuple):
    """What the editor begins with; typing nothing saves nothing, also where `raw` is not what is saved."""

    raw: bytes
    block: int
    """Index of the block that gets the cursor; -1 where no block can be edited in place."""


def begin(raw: bytes) -> Beginning:
    """Begin in the answer: the first empty one, else the last text. A chat without an answer gets an empty one.

    Where the question before an empty answer is empty too, begin in that.
    """
    example = parse(raw)
    with suppress(LookupError, ValueError):  # of a key that stands there twice, say
        raw = _with_answer(example)
    blocks = blocks_of(parse(raw))
    editable = [index for index, block in enumerate(blocks) if block.text_path]
    if not editable:
        return Beginning(raw, -1)
    last = _last_message(blocks)
    if last is not None and blocks[last].role == "assistant" and not blocks[last].text_path:
        return Beginning(raw, -1)  # an answer of parts, which only the JSON view can edit
    empty = [i for i in editable if blocks[i].role in _ANSWERS and not blocks[i].text and not _calls(blocks[i])]
    if not empty:
        return Beginning(raw, editable[-1])
    unasked = [i for i in editable if i < empty[0] and blocks[i].role == "user" and not blocks[i].text]
    return Beginning(raw, unasked[0] if unasked and raw == example.raw else empty[0])


def _calls(block: Block) -> bool:
    """Whether an assistant's message has notes, such as its tool calls: it may do without a text."""
    return bool(block.notes)


def _last_message(blocks: list[Block]) -> int | None:
    return next((index for index in reversed(range(len(blocks))) if blocks[index].message), None)


def _with_answer(example: Example) -> bytes:
    """The bytes with a place for the answer where a chat or a completion has none; else the bytes as they are."""
    raw, value = example.raw, example.value
    kind = detect(value)
    if kind == "completion" and "completion" not in value:
        return splice.set_value(raw, ("completion",), "")
    messages = value.get("messages") if kind == "chat" and isinstance(value, dict) else None
    if not isinstance(messages, list) or not messages or not isinstance(messages[-1], dict):
        return raw
    last = messages[-1]
    if last.get("role") in QUESTIONS:
        return splice.insert(raw, ("messages", len(messages)), {"role": "assistant", "content": ""})
    if last.get("role") == "assistant" and last.get("content") == []:
        return splice.set_value(raw, ("messages", len(messages) - 1, "content"), "")
    return raw


def system_message(value: Any) -> dict[str, Any] | None:
    """The system message at the beginning of a chat; None where it has none."""
    messages = value.get("messages") if isinstance(value, dict) else None
    first = messages[0] if isinstance(messages, list) and messages else None
    return first if isinstance(first, dict) and first.get("role") in ("system", "developer") else None


def usual_system(examples: Iterable[Any], own: Any) -> dict[str, Any] | None:
    """The system message that at least half of some chats (parsed) begin with, else that of the chat `own`."""
    systems = [system_message(value) for value in examples if isinstance(value, dict) and "messages" in value]
    counts = Counter(b"" if system is None else splice.dump(system) for system in systems)
    dumped, times = counts.most_common(1)[0] if counts else (b"", 0)
    if times and times >= USUAL * len(systems):
        return next((system for system in systems if system is not None and splice.dump(system) == dumped), None)
    return system_message(own)


def new_chat(system: dict[str, Any] | None) -> Beginning:
    """An empty chat with a system message; the cursor is in the prompt."""
    begun = [system] if system is not None else []
    messages = [*begun, {"role": "user", "content": ""}, {"role": "assistant", "content": ""}]
    return Beginning(splice.dump({"messages": messages}), len(begun))


def is_empty(raw: bytes) -> bool:
    """Whether an example has no text but that of its system message."""
    others = [block for block in blocks_of(parse(raw)) if block.role not in ("system", "developer")]
    return not any(block.text.strip() or block.notes for block in others)

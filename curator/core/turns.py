"""The messages of an example of any format, with their places, and whether the model learns them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from curator.core.example import Path

OUTPUTS = ("preferred_output", "preferred_completion", "non_preferred_output", "non_preferred_completion")
"""Keys of the answers of a preference pair, in the current and an older spelling."""
_PLAIN = {"role", "content"}
_MARKS = frozenset(("weight", "tool_call_id"))
"""Keys of a message that do not belong to what it says."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A message with its place in an example; `message` is not checked and may be any JSON value."""

    path: Path
    message: Any
    context: bool = False
    """True in the input of a preference pair, where no message is learnt."""

    @property
    def role(self) -> str:
        """The role of the message; empty where it has none."""
        role = self.message.get("role") if isinstance(self.message, dict) else None
        return role if isinstance(role, str) else ""

    @property
    def trained(self) -> bool:
        """Whether the model learns this message (`is_learnt`); never true in the input of a preference pair."""
        return not self.context and is_learnt(self.message)


def is_learnt(message: Any) -> bool:
    """Whether training teaches the model to write this message: an assistant's, unless its `weight` says 0.

    The format allows the integers 0 and 1 (docs/openai.md §2.1); without a weight the message is learnt. Any
    spelling of 0 that the safe fix of the rule `weight_invalid` turns into 0 counts as 0 already: 0, 0.0, false
    and "0". All other values (null, 2, 0.5, "no", a list …) count as if there were no weight.
    """
    if not isinstance(message, dict) or message.get("role") != "assistant":
        return False
    return message.get("weight", 1) not in (0, "0")


def without_marks(message: Any) -> Any:
    """A message as it is said: without weight, empty keys and the ids of its calls, their arguments as values.

    Messages that differ in these alone say the same.
    """
    if not isinstance(message, dict) or message.keys() == _PLAIN:
        return message
    bare = {
        key: item
        for key, item in message.items()
        if key not in _MARKS and (key == "content" or not _is_empty(item))
    }
    if isinstance(calls := bare.get("tool_calls"), list):
        bare["tool_calls"] = [_without_id(call) for call in calls]
        if bare.get("content") in (None, ""):
            bare.pop("content", None)
    return bare


def _is_empty(item: Any) -> bool:
    """Whether a value says nothing: null, or an empty list or object, as libraries write unused keys."""
    return item is None or (isinstance(item, list | dict) and not item)


def _without_id(call: Any) -> Any:
    if not isinstance(call, dict):
        return call
    function = call.get("function")
    if isinstance(function, dict) and isinstance(arguments := function.get("arguments"), str):
        with suppress(ValueError, RecursionError):
            function = {**function, "arguments": ["as JSON", json.loads(arguments)]}
    return {**{key: item for key, item in call.items() if key != "id"}, "function": function}


def turns(value: Any) -> Iterator[Turn]:
    """The messages of a chat, reinforcement or preference example (of this, the input and then both outputs)."""
    if not isinstance(value, dict):
        return
    prompt = value.get("input")
    if "messages" not in value and isinstance(prompt, dict):
        yield from _turns_of_list(prompt.get("messages"), ("input", "messages"), context=True)
        for key in OUTPUTS:
            yield from _turns_of_list(value.get(key), (key,))
        return
    yield from _turns_of_list(value.get("messages"), ("messages",))


def _turns_of_list(messages: Any, path: Path, context: bool = False) -> Iterator[Turn]:
    if isinstance(messages, list):
        for index, message in enumerate(messages):
            yield Turn((*path, index), message, context)


def definitions(value: Any) -> Iterator[tuple[Path, Any]]:
    """The tool and function definitions of an example that are not empty, with their places."""
    if not isinstance(value, dict):
        return
    prompt = value.get("input")
    holders: tuple[tuple[Path, Any], ...] = (((), value), (("input",), prompt if isinstance(prompt, dict) else {}))
    for prefix, holder in holders:
        for key in ("tools", "functions"):
            if holder.get(key):
                yield (*prefix, key), holder[key]


def is_completion(value: Any) -> bool:
    """Whether `value` is a prompt/completion pair."""
    return isinstance(value, dict) and "messages" not in value and "prompt" in value and "completion" in value


def compact(value: Any) -> str:
    """`value` as JSON without blanks; empty where it is nested too deeply to be written."""
    try:
        return json.dumps(value, separators=(",", ":"))
    except (RecursionError, TypeError, ValueError):
        return ""

"""The messages of an example of any format, where they stand, and whether the model learns them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from curator.core.example import Path

OUTPUTS = ("preferred_output", "preferred_completion", "non_preferred_output", "non_preferred_completion")
"""Keys of a preference pair's answers, today's and older spelling."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A message where it stands in an example; `message` is whatever the line holds there."""

    path: Path
    message: Any
    context: bool = False
    """True for the input of a preference pair: its assistant turns are never trained on."""

    @property
    def role(self) -> str:
        """The message's role, empty where it has none."""
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


def turns(value: Any) -> Iterator[Turn]:
    """The messages of a chat, reinforcement or preference example (input first, then both outputs)."""
    if not isinstance(value, dict):
        return
    given = value.get("input")
    if "messages" not in value and isinstance(given, dict):
        yield from _listed(given.get("messages"), ("input", "messages"), context=True)
        for key in OUTPUTS:
            yield from _listed(value.get(key), (key,))
        return
    yield from _listed(value.get("messages"), ("messages",))


def _listed(messages: Any, path: Path, context: bool = False) -> Iterator[Turn]:
    if isinstance(messages, list):
        for index, message in enumerate(messages):
            yield Turn((*path, index), message, context)


def definitions(value: Any) -> Iterator[tuple[Path, Any]]:
    """Tool and function definitions of an example that are not empty, with their place."""
    if not isinstance(value, dict):
        return
    given = value.get("input")
    holders: tuple[tuple[Path, Any], ...] = (((), value), (("input",), given if isinstance(given, dict) else {}))
    for prefix, holder in holders:
        for key in ("tools", "functions"):
            if holder.get(key):
                yield (*prefix, key), holder[key]


def is_completion(value: Any) -> bool:
    """Whether `value` is a prompt/completion pair."""
    return isinstance(value, dict) and "messages" not in value and "prompt" in value and "completion" in value


def compact(value: Any) -> str:
    """`value` as JSON without blanks; empty where it is nested too deeply for that."""
    try:
        return json.dumps(value, separators=(",", ":"))
    except (RecursionError, TypeError, ValueError):
        return ""

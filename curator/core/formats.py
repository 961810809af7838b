"""The format of one training example (docs/openai.md §2), detected for each line by itself."""

from __future__ import annotations

from typing import Any, Literal

from curator.core.problem import Method

Format = Literal["chat", "preference", "reinforcement", "completion", "unknown"]

CHAT_KEYS = frozenset(("messages", "tools", "parallel_tool_calls", "functions"))
"""Top-level keys of a chat example; the hosted service rejects any other (docs/openai.md §2.1)."""
PREFERENCE_KEYS = frozenset(("input", "preferred_output", "non_preferred_output"))
PREFERENCE_INPUT_KEYS = frozenset(("messages", "tools", "parallel_tool_calls"))
OLD_PREFERENCE_KEYS = {
    "preferred_completion": "preferred_output",
    "non_preferred_completion": "non_preferred_output",
}
"""Keys of an early specification, and what they are called now (docs/openai.md §2.2)."""
COMPLETION_KEYS = frozenset(("prompt", "completion"))

METHODS: dict[Format, Method] = {"chat": "supervised", "preference": "dpo", "reinforcement": "reinforcement"}
"""The training method that takes each format; none takes completion files any more (docs/openai.md §2.4)."""

_PREFERENCE_MARKS = (PREFERENCE_KEYS - {"input"}) | OLD_PREFERENCE_KEYS.keys()


def detect(value: Any) -> Format:
    """The format of one parsed line; "unknown" for values that are no objects or have no key of a format.

    Chat and reinforcement both have `messages`. An example with other keys, whose last message is not the
    assistant's, is taken for reinforcement: graders read those keys, and the model answers.
    """
    if not isinstance(value, dict):
        return "unknown"
    if "messages" in value:
        if value.keys() <= CHAT_KEYS or _ends_on_assistant(value["messages"]):
            return "chat"
        return "reinforcement"
    if not value.keys().isdisjoint(_PREFERENCE_MARKS) or isinstance(value.get("input"), dict):
        return "preference"
    if not value.keys().isdisjoint(COMPLETION_KEYS):
        return "completion"
    return "unknown"


def _ends_on_assistant(messages: Any) -> bool:
    """Whether the last message is the assistant's; also true without a last message, which makes it a chat."""
    if not isinstance(messages, list) or not messages or not isinstance(messages[-1], dict):
        return True
    return messages[-1].get("role") not in ("user", "tool", "developer")

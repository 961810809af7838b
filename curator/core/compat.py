"""The seven counts of the well-known notebook checks, reproducible exactly (docs/openai.md §4).

They name no line, call valid tool, vision and developer data wrong, and stop with an error on some input. The
product's own verdict is `rules`; these counts are for comparing with what others printed.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

Variant = Literal["cookbook", "book"]

RULES = (
    "data_type",
    "missing_messages_list",
    "message_missing_key",
    "message_unrecognized_key",
    "unrecognized_role",
    "missing_content",
    "example_missing_assistant_message",
)
ALLOWED_KEYS: dict[Variant, frozenset[str]] = {
    "cookbook": frozenset(("role", "content", "name", "function_call", "weight")),
    "book": frozenset(("role", "content", "name", "function_call")),
}
ALLOWED_ROLES = ("system", "user", "assistant", "function")


class Counts:
    """`add` each parsed example; `counts` then holds every rule that occurred, as the notebook prints it.

    Where the original raises, this counts: `messages` that is no list as a missing list, and a message that is
    no object as one with no role and no content.
    """

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.counts: Counter[str] = Counter()

    def add(self, value: Any) -> None:
        """Count one example, whatever it is."""
        if not isinstance(value, dict):
            self.counts["data_type"] += 1
            return
        messages = value.get("messages")
        if not isinstance(messages, list) or not messages:
            self.counts["missing_messages_list"] += 1
            return
        for message in messages:
            self._message(message if isinstance(message, dict) else {})
        if not any(isinstance(message, dict) and message.get("role") == "assistant" for message in messages):
            self.counts["example_missing_assistant_message"] += 1

    def _message(self, message: dict[str, Any]) -> None:
        if "role" not in message or "content" not in message:
            self.counts["message_missing_key"] += 1
        if not message.keys() <= ALLOWED_KEYS[self.variant]:
            self.counts["message_unrecognized_key"] += 1
        if message.get("role") not in ALLOWED_ROLES:
            self.counts["unrecognized_role"] += 1
        content = message.get("content")
        if not isinstance(content, str) or (not content and not message.get("function_call")):
            self.counts["missing_content"] += 1

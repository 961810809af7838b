"""The seven format counts of OpenAI's notebook, reproduced exactly (docs/openai.md §4).

They name no lines, and call valid data with tools, images or developer messages wrong. They are for comparing
with the notebook's output; Curator's own verdict comes from `rules`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

Variant = Literal["cookbook", "book"]

ALLOWED_KEYS: dict[Variant, frozenset[str]] = {
    "cookbook": frozenset(("role", "content", "name", "function_call", "weight")),
    "book": frozenset(("role", "content", "name", "function_call")),
}
ALLOWED_ROLES = ("system", "user", "assistant", "function")


class FaultCounts:
    """`counts` holds the number of each fault in the examples that were added; faults that do not occur are
    absent.

    Where the notebook raises an exception, this counts: `messages` that is no list as a missing list, and a
    message that is no object as one without role and content.
    """

    def __init__(self, variant: Variant) -> None:
        self.variant = variant
        self.counts: Counter[str] = Counter()

    def add(self, value: Any) -> None:
        """Count the faults of one parsed example, which may be any JSON value."""
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

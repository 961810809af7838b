"""The last question of an example and the answer to it, as texts, for lists and for comparing by eye."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from curator.core.duplicates.texts import message_text
from curator.core.example import parse

_LONGEST = 4_000
"""Bytes of a broken example that are shown."""


def question_and_answer(raw: bytes) -> tuple[str, str]:
    """What the user asks last and what is answered; of broken bytes the bytes, of other JSON its beginning."""
    example = parse(raw)
    if example.broken or not isinstance(example.value, dict):
        return raw[:_LONGEST].decode("utf-8", "replace"), ""
    messages = [message for message in example.messages if isinstance(message, dict)]
    preferred = example.value.get("preferred_output")
    if isinstance(preferred, list) and preferred:
        return _last(messages, "user"), message_text(preferred[-1])
    if messages:
        return _last(messages, "user"), _last(messages, "assistant")
    prompt, answer = (example.value.get(name) for name in ("prompt", "completion"))
    if isinstance(prompt, str):
        return prompt, answer if isinstance(answer, str) else ""
    return raw[:_LONGEST].decode("utf-8", "replace"), ""


def _last(messages: Sequence[dict[str, Any]], role: str) -> str:
    return next((message_text(each) for each in reversed(messages) if each.get("role") == role), "")

"""Whether a word is said in a line: decoded for its contents alone, which takes a tenth of asking the example."""

from __future__ import annotations

from typing import Any

from msgspec import MsgspecError, Struct
from msgspec.json import Decoder


class _Message(Struct, forbid_unknown_fields=True, gc=False):
    role: str
    content: str


class _Chat(Struct, forbid_unknown_fields=True, gc=False):
    messages: list[_Message]


class _AnyMessage(Struct, gc=False):
    content: Any = None


class _AnyChat(Struct, gc=False):
    messages: list[_AnyMessage]


_chat, _any_chat = Decoder(_Chat).decode, Decoder(_AnyChat).decode


def says(raw: bytes, word: str) -> bool | None:
    """Whether a content has a word in lower case, of a line whose bytes have it; None where more is to be asked.

    A line that is no valid JSON is its own text, and so has the word whatever was decoded.
    """
    try:
        messages = _chat(raw).messages
        return any(word in message.content.lower() for message in messages) if messages else None
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        contents = [message.content for message in _any_chat(raw).messages]
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return any(isinstance(content, str) and word in content.lower() for content in contents) or None

"""Keys of lines that are equal for equal JSON values, whatever their key order, spacing and escapes.

They serve to count duplicates within one process: quicker than `core.duplicates.hashes.value_hash`, with the same
result. Chats are decoded into hashable objects; only their tools are written out as text to be hashed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, MsgspecError, Struct, UnsetType, convert
from msgspec.json import Decoder

from curator.core.duplicates.hashes import canonical, value_hash
from curator.core.example import MAX_LINE_BYTES, parse


class _Function(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    name: str
    arguments: str


class _Call(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    id: str
    type: str
    function: _Function


class _Message(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    role: str
    content: str | None | UnsetType = UNSET
    tool_calls: tuple[_Call, ...] | UnsetType = UNSET
    tool_call_id: str | UnsetType = UNSET


class _Chat(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A chat of texts only: numbers would not do, as Python's 1 == 1.0 are different JSON values."""

    messages: tuple[_Message, ...]
    tools: list[Any] | UnsetType = UNSET


_decode = Decoder(_Chat).decode


def value_key(raw: bytes) -> int | None:
    """64 bits, equal for equal values within one process; None where the line is no valid JSON."""
    return value_keys([raw])[0] if raw and not raw.isspace() else None


def value_keys(lines: Sequence[bytes], others: list[int] | None = None) -> list[int | None]:
    """`value_key` of many lines, with or without their LF; blank lines are left out.

    `others` gets the indexes of the lines that hold more than a chat of texts, or no message.
    """
    keys: list[int | None] = []
    add = keys.append
    decode = _decode if max(map(len, lines), default=0) <= MAX_LINE_BYTES else _decode_unless_too_long
    for at, raw in enumerate(lines):  # no Python call for most lines: there may be a million
        try:
            chat = decode(raw)
            add(hash(chat))
            if not chat.messages and others is not None:
                others.append(at)
        except TypeError:
            add(_key_with_tools(chat))
            if not chat.messages and others is not None:
                others.append(at)
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            if raw and not raw.isspace():
                add(_key_of_other(raw.removesuffix(b"\n")))
                if others is not None:
                    others.append(at)
    return keys


def _decode_unless_too_long(raw: bytes) -> _Chat:
    """As `_decode`; raises MsgspecError for a line that is too long to be read."""
    if len(raw.removesuffix(b"\n")) > MAX_LINE_BYTES:
        raise MsgspecError
    return _decode(raw)


def _key_with_tools(chat: _Chat) -> int:
    """The key of a chat with tools, which are any JSON and not hashable."""
    return hash((chat.messages, canonical(chat.tools)))


def _key_of_other(raw: bytes) -> int | None:
    """The key of a line that is no chat of texts; None where it is no valid JSON."""
    parsed = parse(raw)
    if parsed.broken:
        return None
    try:
        chat = convert(parsed.value, _Chat)  # of a repeated key the last value counts
    except (MsgspecError, RecursionError):
        return value_hash(parsed.value)
    return hash(chat) if chat.tools is UNSET else _key_with_tools(chat)

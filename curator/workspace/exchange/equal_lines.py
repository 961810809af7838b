"""Tells whether a line's value was seen before, in this process: quicker than the hashes that are stored.

Two lines are the same where `core.duplicates.hashes.value_hash` says so: whatever their key order, spacing and
escapes. Chats are decoded straight into hashable objects; nothing but tools is written out to be hashed.
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
    """Texts only: numbers that Python calls equal (1, 1.0) may be different values."""

    messages: tuple[_Message, ...]
    tools: list[Any] | UnsetType = UNSET


_decode = Decoder(_Chat).decode


def value_key(raw: bytes) -> int | None:
    """64 bits, equal for equal values within one process; None where the line is no valid JSON."""
    return value_keys([raw])[0] if raw and not raw.isspace() else None


def value_keys(lines: Sequence[bytes]) -> list[int | None]:
    """The same for many lines, with or without their LF; blank ones are left out."""
    keys: list[int | None] = []
    add = keys.append
    decode = _decode if max(map(len, lines), default=0) <= MAX_LINE_BYTES else _undecoded
    for raw in lines:  # a million of them: no call of ours in the usual case
        try:
            chat = decode(raw)
            add(hash(chat))
        except TypeError:
            add(_with_tools(chat))
        except (MsgspecError, UnicodeDecodeError, RecursionError):
            if raw and not raw.isspace():
                add(_other(raw.removesuffix(b"\n")))
    return keys


def _undecoded(raw: bytes) -> _Chat:
    """`_decode` among lines of which some are too long to be read."""
    if len(raw.removesuffix(b"\n")) > MAX_LINE_BYTES:
        raise MsgspecError
    return _decode(raw)


def _with_tools(chat: _Chat) -> int:
    """The key of a chat whose tools, any JSON, have no hash."""
    return hash((chat.messages, canonical(chat.tools)))


def _other(raw: bytes) -> int | None:
    parsed = parse(raw)
    if parsed.broken:
        return None
    try:
        chat = convert(parsed.value, _Chat)  # a key given twice: the last one counts
    except (MsgspecError, RecursionError):
        return value_hash(parsed.value)
    return hash(chat) if chat.tools is UNSET else _with_tools(chat)

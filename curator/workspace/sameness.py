"""Tells whether a line's value was seen before, in this process: quicker than the hashes that are stored.

Two lines are the same where `core.duplicates.hashes.value_hash` says so: whatever their key order, spacing and
escapes. Plain chats are decoded straight into hashable objects; nothing is written out to be hashed.
"""

from __future__ import annotations

from msgspec import MsgspecError, Struct, convert
from msgspec.json import Decoder

from curator.core.duplicates.hashes import value_hash
from curator.core.example import MAX_LINE_BYTES, parse


class _Message(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    role: str
    content: str


class _Chat(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    messages: tuple[_Message, ...]


_decode = Decoder(_Chat).decode


def value_key(raw: bytes) -> int | None:
    """64 bits, equal for equal values within one process; None where the line is no valid JSON."""
    if len(raw) <= MAX_LINE_BYTES:
        try:
            return hash(_decode(raw))
        except (MsgspecError, UnicodeDecodeError):
            pass
    parsed = parse(raw)
    if parsed.broken:
        return None
    try:
        return hash(convert(parsed.value, _Chat))  # a key given twice: the last one counts
    except MsgspecError:
        return value_hash(parsed.value)

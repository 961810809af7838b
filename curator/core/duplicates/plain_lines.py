"""What a line is compared by. A plain chat, as most lines are, is decoded without being parsed.

Each function gives for a plain chat what the general way gives for its parsed value.
"""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from msgspec import Struct

from curator.core.duplicates.hashes import Fingerprint, RoleFacts, fingerprint, plain_fingerprint, role_facts_of
from curator.core.duplicates.meaning.spoken import Spoken, spoken
from curator.core.duplicates.texts import ANSWER, SYSTEM_ROLES, Scope, compared_text
from curator.core.example import MAX_LINE_BYTES, parse
from curator.core.typed_chats import REFUSED, decode_plain, roles_of


def fingerprint_of_line(raw: bytes, scope: Scope = "conversation") -> Fingerprint:
    """The fingerprint of one line; with scope `prompt` or `answer` that of this part alone."""
    if scope == "conversation" and len(raw) <= MAX_LINE_BYTES:
        try:
            messages = decode_plain(raw).messages
        except REFUSED:
            return fingerprint(parse(raw), scope)
        return plain_fingerprint(_facts_of(tuple(map(type, messages))), [*map(_CONTENT, messages)])
    return fingerprint(parse(raw), scope)


def fingerprint_of_chat(chat: PlainTurns) -> Fingerprint:
    """The same of a plain chat."""
    return plain_fingerprint(role_facts_of(chat.roles), chat.contents)


_CONTENT = attrgetter("content")


@lru_cache(maxsize=4_096)
def _facts_of(kinds: tuple[type[Struct], ...]) -> RoleFacts:
    return role_facts_of(roles_of(kinds))


def text_of_line(raw: bytes, scope: Scope = "conversation") -> str:
    """The compared text of one line (`compared_text`)."""
    if scope == "conversation" and (chat := plain_chat(raw)) is not None:
        return chat.text
    return compared_text(parse(raw).value, scope)


def text_and_messages_of_line(raw: bytes) -> tuple[str, Spoken]:
    """Both, read at once."""
    if (chat := plain_chat(raw)) is not None:
        return chat.text, chat.spoken
    value = parse(raw).value
    return compared_text(value), spoken(value)


def spoken_of_line(raw: bytes) -> Spoken:
    """The messages of one line."""
    return spoken(parse(raw).value) if (chat := plain_chat(raw)) is None else chat.spoken


class PlainTurns(NamedTuple):
    """The messages of a chat that have only a role and a text."""

    roles: tuple[str, ...]
    contents: list[str]

    @property
    def turns(self) -> list[str]:
        """The texts of all messages but the system's."""
        if not any(role in SYSTEM_ROLES for role in self.roles[1:]):
            return self.contents[self.roles[0] in SYSTEM_ROLES :]
        return [text for role, text in zip(self.roles, self.contents, strict=True) if role not in SYSTEM_ROLES]

    @property
    def text(self) -> str:
        """The compared text."""
        turns = self.turns
        if role_facts_of(self.roles).is_answered:
            return "\n".join(turns[:-1]) + ANSWER + turns[-1]
        return "\n".join(turns)

    @property
    def spoken(self) -> Spoken:
        """The messages as `meaning.spoken` has them."""
        roles, learnt = _turn_roles(self.roles)
        systems = [text for role, text in zip(self.roles, self.contents, strict=True) if role in SYSTEM_ROLES]
        return Spoken(roles, ("", *self.turns), "\n".join(systems).strip(), (None,) * len(roles), learnt)


def plain_chat(raw: bytes) -> PlainTurns | None:
    """The messages of a line that is a plain chat; None for all other lines."""
    if len(raw) > MAX_LINE_BYTES:
        return None
    try:
        messages = decode_plain(raw).messages
    except REFUSED:
        return None
    return PlainTurns(roles_of(tuple(map(type, messages))), [*map(_CONTENT, messages)])


@lru_cache(maxsize=4_096)
def _turn_roles(roles: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """The roles of `Spoken` for messages of these roles, and which are trained."""
    turns = tuple(role for role in roles if role not in SYSTEM_ROLES)
    return ("", *turns), tuple(role == "assistant" for role in turns)

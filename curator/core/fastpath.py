"""Plain chats the short way: decoded straight into typed objects, which is faster than parsing at all.

Most lines of most files are system, user and assistant messages with a role and a text and nothing else. `look`
answers for those that no rule has anything to say about but a missing system message; every other line it
leaves to the rules. A property test holds both ways together.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec

from curator.core.example import parse
from curator.core.problem import Problem, Profile
from curator.core.rules.engine import has_error
from curator.core.rules.facts import Facts, plain_facts
from curator.core.rules.registry import REGISTRY, Context, Has
from curator.core.rules.subject import LONG_LINE, LONG_THREAD, UNUSUAL, byte_bits, may_repeat_keys, shape_of


class Message(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A message that has just a role and a text."""

    role: Literal["system", "user", "assistant"]
    content: str


class Chat(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """A chat example without tools."""

    messages: list[Message]


_decode = msgspec.json.Decoder(Chat).decode
_NOTHING: tuple[Problem, ...] = ()


def look(raw: bytes, context: Context) -> tuple[tuple[Problem, ...], Facts] | None:
    """What the rules find in a plain line, and its facts; None where the rules have to look themselves.

    The context must have no contract, and no counter: tokens are the caller's business.
    """
    try:
        messages = _decode(raw).messages
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    roles: list[str] = []
    contents: list[str] = []
    for message in messages:
        content = message.content
        if len(content.strip()) != len(content) or not content:
            return None
        roles.append(message.role)
        contents.append(content)
    if not roles or len(raw) > LONG_LINE or len(roles) > LONG_THREAD or context.method == "reinforcement":
        return None
    shape, bits = shape_of(tuple(roles)), byte_bits(raw)
    if bits & ~Has.WIDE or shape & ~Has.NO_SYSTEM or may_repeat_keys(raw, 1 + 2 * len(roles), 2 * len(roles)):
        return None
    if bits and any(map(UNUSUAL.search, contents)):
        return None
    return _missing_system(context.profile) if shape else _NOTHING, plain_facts(roles, contents, 0)


@lru_cache
def _missing_system(profile: Profile) -> tuple[Problem, ...]:
    """The one finding that a plain line may have."""
    rule = REGISTRY["missing_system_message"]
    return (Problem(rule.id, rule.severity[profile], "the example has no system message"),)


def is_clean(raw: bytes, context: Context) -> bool:
    """Whether the rules that look at one example find no error (warnings aside)."""
    try:
        messages = _decode(raw).messages
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return not has_error(parse(raw), context)
    answered = False
    for message in messages:
        content = message.content
        if not content or content.isspace():
            break
        answered = answered or message.role == "assistant"
    else:
        if answered and context.contract is None and len(raw) <= LONG_LINE and len(messages) <= LONG_THREAD:
            return True
    return not has_error(parse(raw), context)

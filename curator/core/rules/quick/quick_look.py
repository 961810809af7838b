"""Well-formed chats the short way: decoded straight into typed objects, which is faster than parsing at all.

`not_well_formed` answers for the rules on formats, `looks` for all rules: of lines that no rule has anything to
say about but a missing system message. Other lines they leave to the rules; property tests hold both together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from curator.core.problem import Problem, Profile
from curator.core.rules.byte_hints import byte_bits, is_unusual, may_repeat_keys
from curator.core.rules.context import Context
from curator.core.rules.facts import Facts, Frame, chat_facts, clean_facts, frame_of
from curator.core.rules.families.privacy import RISKY, personal, secrets
from curator.core.rules.families.syntax import repeats_a_key
from curator.core.rules.families.text import SPECIAL, is_odd
from curator.core.rules.has import Has
from curator.core.rules.quick.tool_chats import general
from curator.core.rules.registry import REGISTRY
from curator.core.rules.subject import LONG_LINE, LONG_THREAD, shape_of
from curator.core.typed_chats import REFUSED, Message, PlainAssistant, decode_plain, roles_of

if TYPE_CHECKING:
    from curator.core.rules.quick.many_lines import Together

_SHORT = 20 * LONG_THREAD
"""Bytes of a line in which there cannot be too many messages."""
_NOTHING: tuple[Problem, ...] = ()
_content = attrgetter("content")


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What the rules find in a line, its facts, and its roles and texts, or its value where it is more."""

    problems: tuple[Problem, ...]
    facts: Facts
    roles: tuple[str, ...] = ()
    texts: list[str] = []
    value: Any = None


def not_well_formed(raws: Sequence[bytes], context: Context) -> list[int]:
    """The places of the lines that are not seen at once to have no finding of a format rule, in order."""
    if context.method == "reinforcement":
        return [*range(len(raws))]
    strings: list[int] = []
    needs = strings.append
    short = max(map(len, raws), default=0) < _SHORT
    for raw in raws:
        if not short and len(raw) > LONG_LINE:
            needs(0)
            continue
        try:
            messages = decode_plain(raw).messages
        except REFUSED:
            chat = general(raw)
            needs(0 if chat is None else chat[1])
            continue
        answered = type(messages[-1]) is PlainAssistant or PlainAssistant in map(type, messages)
        needs(1 + 4 * len(messages) if answered and (short or len(messages) <= LONG_THREAD) else 0)
    others = [at for at, need in enumerate(strings) if not need] if 0 in strings else []
    repeating = _repeating(raws, strings, None)  # together they are counted no faster
    return sorted({*others, *repeating}) if repeating else others


def looks(raws: Sequence[bytes], context: Context, *, many: bool = False) -> list[Seen | None]:
    """What the rules say of each line that decodes; None where the rules have to look themselves.

    The context must have no contract, and no counter: tokens are the caller's business. `many` are looked at
    together, which pays for a large file (core.together).
    """
    if context.method == "reinforcement":
        return [None] * len(raws)
    together = _together(raws, many)
    system = _missing_system(context.profile)
    found: list[Seen | None] = []
    strings: list[int] = []
    told, needs = found.append, strings.append
    for raw, bits in zip(raws, map(byte_bits, raws) if together is None else together.bits(), strict=True):
        try:
            messages = decode_plain(raw).messages if len(raw) <= LONG_LINE else ()
        except REFUSED:
            seen, need = _look_at_more(raw, bits, system)
            told(seen)
            needs(need)
            continue
        order = _order(tuple(map(type, messages)))
        contents = [*map(_content, messages)]
        if order is None or [*map(str.strip, contents)] != contents or (bits and not _are_clean(contents, bits)):
            told(None)
            needs(0)
            continue
        roles, frame, need = order
        told(Seen(_NOTHING if frame.system else system, clean_facts(frame, contents), roles, contents))
        needs(need)
    for at in _repeating(raws, strings, together):
        found[at] = None
    return found


def _together(raws: Sequence[bytes], many: bool) -> Together | None:
    """The lines taken together, where they are part of many."""
    if not many:
        return None
    from curator.core.rules.quick.many_lines import Together

    return Together(raws)


def _repeating(raws: Sequence[bytes], strings: list[int], together: Together | None) -> set[int]:
    """The places of lines in which a key stands twice, among those that have `strings` at least (0: other lines).

    Every string has two quotes. Where all lines together have no more than they need, none has another key.
    """
    quotes = together.quotes() if together is not None else None
    if quotes is not None:
        others = (raw for raw, need in zip(raws, strings, strict=True) if not need)
        if quotes == 2 * sum(strings) + sum(raw.count(b'"') - raw.count(b'\\"') for raw in others):
            return set()
    return {
        at
        for at, (raw, need) in enumerate(zip(raws, strings, strict=True))
        if need and raw.count(b'"') != 2 * need and may_repeat_keys(raw, need) and _repeats_a_key(raw)
    }


def _repeats_a_key(raw: bytes) -> bool:
    try:
        return repeats_a_key(raw, orjson.loads(raw))
    except orjson.JSONDecodeError:
        return True


def _look_at_more(raw: bytes, bits: int, system: tuple[Problem, ...]) -> tuple[Seen | None, int]:
    """`looks` for calls, names, weights and parts, and how many strings there are."""
    chat, strings = general(raw) or (None, 0)
    order = _order(tuple(map(type, chat.messages))) if chat is not None else None
    if chat is None or order is None:
        return None, 0
    texts = [*_texts(chat.messages)]
    if [*map(str.strip, texts)] != texts or (bits and not _are_clean(texts, bits)):
        return None, 0
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None, 0
    return Seen(_NOTHING if order[1].system else system, chat_facts(value), value=value), strings


@lru_cache(maxsize=4096)
def _order(kinds: tuple[type[msgspec.Struct], ...]) -> tuple[tuple[str, ...], Frame, int] | None:
    """The roles of messages of these classes, what facts need of them, and how many strings there are where they
    are plain; None where a rule minds their order."""
    if not 0 < len(kinds) <= LONG_THREAD:
        return None
    roles = roles_of(kinds)
    return None if shape_of(roles) & ~Has.NO_SYSTEM else (roles, frame_of(roles), 1 + 4 * len(roles))


@lru_cache
def _missing_system(profile: Profile) -> tuple[Problem, ...]:
    """The one finding that such a line may have."""
    rule = REGISTRY["missing_system_message"]
    return (Problem(rule.id, rule.severity[profile], "the example has no system message"),)


def _are_clean(texts: list[str], bits: int) -> bool:
    """Whether no rule on texts finds anything but white space; `bits` say which of them could."""
    if bits & Has.WIDE and not bits & Has.ODD_TEXT and any(map(is_unusual, texts)):
        bits |= Has.ODD_TEXT
    return not any(bits & when and any(map(finds, texts)) for when, finds in _FINDERS)


_FINDERS: tuple[tuple[int, Callable[[str], object]], ...] = (
    (Has.ODD_TEXT, is_odd),
    (Has.MARKS, SPECIAL.search),
    (Has.MARKS, lambda text: any(True for _ in secrets(text))),
    (Has.MARKS | Has.DIGITS, lambda text: any(True for _ in personal(text))),
    (Has.RISKY, RISKY.search),
)
"""When a rule on texts is called, and what tells whether it finds anything in one."""


def _texts(messages: list[Message]) -> Iterator[str]:
    for message in messages:
        content = message.content
        if isinstance(content, str):
            yield content
        elif content:
            yield from (part.text for part in content)

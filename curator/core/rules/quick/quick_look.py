"""A fast check of well-formed chats: decoding them into typed objects is faster than parsing them at all.

`not_well_formed` replaces the rules on formats, and `quick_looks` all rules, for lines whose only possible
finding is missing_system_message. All other lines are left to the rules; property tests compare both ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec
import orjson

from curator.core.example import loads
from curator.core.problem import Problem, Profile
from curator.core.rules.byte_hints import byte_bits, is_unusual, may_repeat_keys
from curator.core.rules.context import Context
from curator.core.rules.facts import Facts, Frame, chat_facts, clean_facts, frame_of
from curator.core.rules.families.encodings import dumped_value, entity_in, literal_break
from curator.core.rules.families.privacy import RISKY, personal_data, secrets
from curator.core.rules.families.syntax import repeats_a_key
from curator.core.rules.families.text import is_odd, special_mark
from curator.core.rules.has import Has
from curator.core.rules.quick.tool_chats import read_tool_chat
from curator.core.rules.registry import REGISTRY
from curator.core.rules.subject import LONG_LINE, LONG_THREAD, shape_of
from curator.core.typed_chats import REFUSED, Assistant, Message, PlainAssistant, decode_plain, roles_of

if TYPE_CHECKING:
    from curator.core.rules.quick.many_lines import ManyLines

_SHORT = 20 * LONG_THREAD
"""A line with fewer bytes cannot have more than `LONG_THREAD` messages."""
_NOTHING: tuple[Problem, ...] = ()
_content = attrgetter("content")


class QuickLook(msgspec.Struct, frozen=True, gc=False):
    """The findings and facts of a line. A plain chat has roles and texts, any other chat a parsed value."""

    problems: tuple[Problem, ...]
    facts: Facts
    roles: tuple[str, ...] = ()
    texts: list[str] = []
    value: Any = None


def not_well_formed(raws: Sequence[bytes], context: Context) -> list[int]:
    """The indexes of the lines that may have a finding of a format rule, ascending; all others have none."""
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
            chat = read_tool_chat(raw)
            needs(0 if chat is None else chat[1])
            continue
        answered = type(messages[-1]) is PlainAssistant or PlainAssistant in map(type, messages)
        needs(1 + 4 * len(messages) if answered and (short or len(messages) <= LONG_THREAD) else 0)
    others = [at for at, need in enumerate(strings) if not need] if 0 in strings else []
    repeating = _repeating(raws, strings, None)  # ManyLines would not make this faster
    return sorted({*others, *repeating}) if repeating else others


def quick_looks(raws: Sequence[bytes], context: Context, *, many: bool = False) -> list[QuickLook | None]:
    """The quick look at each line; None for lines that are left to the rules.

    The context must have no contract and no counter (the caller counts tokens). With `many` the lines are checked
    together with NumPy (`many_lines`), which is faster for large files.
    """
    if context.method == "reinforcement":
        return [None] * len(raws)
    together = _many_lines(raws, many)
    system = _missing_system(context.profile)
    looks: list[QuickLook | None] = []
    strings: list[int] = []
    add, needs = looks.append, strings.append
    for raw, bits in zip(raws, map(byte_bits, raws) if together is None else together.bits(), strict=True):
        try:
            messages = decode_plain(raw).messages if len(raw) <= LONG_LINE else ()
        except REFUSED:
            look, need = _look_at_more(raw, bits, system)
            add(look)
            needs(need)
            continue
        order = _order(tuple(map(type, messages)))
        contents = [*map(_content, messages)]
        if order is None or [*map(str.strip, contents)] != contents or (bits and not _are_clean(contents, bits)):
            add(None)
            needs(0)
            continue
        roles, frame, need = order
        add(QuickLook(_NOTHING if frame.system else system, clean_facts(frame, contents), roles, contents))
        needs(need)
    for at in _repeating(raws, strings, together):
        looks[at] = None
    return looks


def _many_lines(raws: Sequence[bytes], many: bool) -> ManyLines | None:
    """The lines joined for NumPy, if there are many."""
    if not many:
        return None
    from curator.core.rules.quick.many_lines import ManyLines  # heavy: NumPy

    return ManyLines(raws)


def _repeating(raws: Sequence[bytes], strings: list[int], together: ManyLines | None) -> set[int]:
    """The indexes of the lines in which a key occurs twice; `strings` is the number of strings that each line
    needs (0: the line is left to the rules anyway).

    Every string has two quotes. If all lines together have no more quotes than they need, no key occurs twice.
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


def _look_at_more(raw: bytes, bits: int, system: tuple[Problem, ...]) -> tuple[QuickLook | None, int]:
    """The quick look at a chat with calls, names, weights or parts (None: left to the rules), and its number of
    strings."""
    chat, strings = read_tool_chat(raw) or (None, 0)
    order = _order(tuple(map(type, chat.messages))) if chat is not None else None
    if chat is None or order is None:
        return None, 0
    texts = [*_texts(chat.messages)]
    if [*map(str.strip, texts)] != texts or (bits and not _are_clean(texts, bits)):
        return None, 0
    try:
        value = loads(raw)
    except ValueError:
        return None, 0
    return QuickLook(_NOTHING if order[1].system else system, chat_facts(value), value=value), strings


@lru_cache(maxsize=4096)
def _order(kinds: tuple[type[msgspec.Struct], ...]) -> tuple[tuple[str, ...], Frame, int] | None:
    """For messages of these classes: their roles, the frame for their facts, and the number of strings of a
    plain chat; None where a rule reports their order."""
    if not 0 < len(kinds) <= LONG_THREAD:
        return None
    roles = roles_of(kinds)
    return None if shape_of(roles) & ~Has.NO_SYSTEM else (roles, frame_of(roles), 1 + 4 * len(roles))


@lru_cache
def _missing_system(profile: Profile) -> tuple[Problem, ...]:
    """The only finding that a quick look reports."""
    rule = REGISTRY["missing_system_message"]
    return (Problem(rule.id, rule.severity[profile], "the example has no system message"),)


def _are_clean(texts: list[str], bits: int) -> bool:
    """Whether no rule on texts has a finding (white space is checked before); `bits` say which of them could."""
    if bits & Has.WIDE and not bits & Has.ODD_TEXT and any(map(is_unusual, texts)):
        bits |= Has.ODD_TEXT
    return not any(bits & when and any(map(finds, texts)) for when, finds in _FINDERS)


_FINDERS: tuple[tuple[int, Callable[[str], object]], ...] = (
    (Has.ODD_TEXT, is_odd),
    (Has.MARKS, special_mark),
    (Has.MARKS, lambda text: literal_break(text) is not None),
    (Has.MARKS, entity_in),
    (Has.MARKS, lambda text: dumped_value(text) is not None),
    (Has.MARKS, lambda text: any(True for _ in secrets(text))),
    (Has.MARKS | Has.DIGITS, lambda text: any(True for _ in personal_data(text))),
    (Has.RISKY, RISKY.search),
)
"""For each rule on texts: the bits with which it is called, and whether it reports a text."""


def _texts(messages: list[Message]) -> Iterator[str]:
    for message in messages:
        content = message.content
        if isinstance(content, str):
            yield content
        elif content:
            yield from (part.text for part in content)
        if isinstance(message, Assistant) and message.tool_calls:
            yield from (call.function.arguments for call in message.tool_calls)

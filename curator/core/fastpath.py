"""Well-formed chats the short way: decoded straight into typed objects, which is faster than parsing at all.

`are_well_formed` answers for the rules on formats, `looks` for all rules: of lines that no rule has anything to
say about but a missing system message. Other lines they leave to the rules; property tests hold both together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
import orjson
from msgspec import UNSET

from curator.core.problem import Problem, Profile
from curator.core.rules.facts import Facts, chat_facts, clean_facts
from curator.core.rules.hints import byte_bits, is_unusual, may_repeat_keys
from curator.core.rules.privacy import RISKY, personal, secrets
from curator.core.rules.registry import REGISTRY, Context, Has
from curator.core.rules.subject import LONG_LINE, LONG_THREAD, shape_of
from curator.core.rules.syntax import repeats_a_key
from curator.core.rules.text import SPECIAL, is_odd
from curator.core.signature import NOTHING, Signature, signature
from curator.core.typed import (
    REFUSED,
    Assistant,
    Chat,
    Message,
    PlainAssistant,
    ToolResult,
    decode_chat,
    decode_plain,
    roles_of,
)

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


def are_well_formed(raws: Sequence[bytes], context: Context) -> list[bool]:
    """Of each line whether it is seen at once to have no finding of a format rule; False says nothing."""
    found: list[bool] = []
    told = found.append
    short = max(map(len, raws), default=0) < _SHORT
    for raw in raws:
        if not short and len(raw) > LONG_LINE:
            told(False)
            continue
        try:
            messages = decode_plain(raw).messages
        except REFUSED:
            told(_general(raw) is not None)
            continue
        count = len(messages)
        told(
            (raw.count(b'"') == 8 * count + 2 or not may_repeat_keys(raw, 4 * count + 1))
            and (type(messages[-1]) is PlainAssistant or PlainAssistant in map(type, messages))
            and (short or count <= LONG_THREAD)
        )
    return found if context.method != "reinforcement" else [False] * len(found)


def looks(raws: Sequence[bytes], context: Context, *, many: bool = False) -> list[Seen | None]:
    """What the rules say of each line that decodes; None where the rules have to look themselves.

    The context must have no contract, and no counter: tokens are the caller's business. `many` are looked at
    together, which pays for a large file (rules.sift).
    """
    if context.method == "reinforcement":
        return [None] * len(raws)
    system = _missing_system(context.profile)
    found: list[Seen | None] = []
    told = found.append
    for raw, bits in zip(raws, _bits(raws, many), strict=True):
        try:
            messages = decode_plain(raw).messages if len(raw) <= LONG_LINE else ()
        except REFUSED:
            told(_look_at_more(raw, bits, system))
            continue
        order = _order(tuple(map(type, messages)))
        if order is None:
            told(None)
            continue
        roles, lacks_system, quotes = order
        contents = [*map(_content, messages)]
        if (
            [*map(str.strip, contents)] != contents
            or (raw.count(b'"') != quotes and may_repeat_keys(raw, quotes // 2))
            or (bits and not _are_clean(contents, bits))
        ):
            told(None)
            continue
        told(Seen(system if lacks_system else _NOTHING, clean_facts(roles, contents), roles, contents))
    return found


def _bits(raws: Sequence[bytes], many: bool) -> Iterable[int]:
    """What the bytes of each line tell."""
    if not many:
        return map(byte_bits, raws)
    from curator.core.rules import sift  # numpy, for large files only

    return sift.bits(raws)


def _look_at_more(raw: bytes, bits: int, system: tuple[Problem, ...]) -> Seen | None:
    """`looks` for calls, names, weights and parts."""
    chat = _general(raw)
    order = _order(tuple(map(type, chat.messages))) if chat is not None else None
    if chat is None or order is None:
        return None
    texts = [*_texts(chat.messages)]
    if [*map(str.strip, texts)] != texts or (bits and not _are_clean(texts, bits)):
        return None
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return Seen(system if order[1] else _NOTHING, chat_facts(value), value=value)


@lru_cache(maxsize=4096)
def _order(kinds: tuple[type[msgspec.Struct], ...]) -> tuple[tuple[str, ...], bool, int] | None:
    """The roles of messages of these classes, whether a system message is missing, and the quotes that they need
    where they are plain; None where a rule minds their order."""
    if not 0 < len(kinds) <= LONG_THREAD:
        return None
    roles = roles_of(kinds)
    shape = shape_of(roles)
    return None if shape & ~Has.NO_SYSTEM else (roles, bool(shape), 2 + 8 * len(roles))


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


def _general(raw: bytes) -> Chat | None:
    """A line that decodes, and that no rule on formats has anything to say about."""
    if len(raw) > LONG_LINE:
        return None
    try:
        chat = decode_chat(raw)
    except REFUSED:
        return None
    messages = chat.messages
    strings = 1 + (chat.tools is not UNSET) + (chat.parallel_tool_calls is not UNSET)
    known: dict[str, Signature] = {}
    for tool in chat.tools or ():
        function = tool.function
        parameters = function.parameters
        found = NOTHING if parameters is UNSET else signature(bytes(parameters))
        if found is None or function.name in known:
            return None
        known[function.name] = found
        strings += 5 + found.strings + (parameters is not UNSET)
        strings += 2 * (function.description is not UNSET) + (function.strict is not UNSET)
    if len(messages) > LONG_THREAD or not _is_answered(messages) or not _calls_agree(chat, known):
        return None
    strings += sum(map(_strings, messages))
    return None if may_repeat_keys(raw, strings) and _repeats_a_key(raw) else chat


def _is_answered(messages: list[Message]) -> bool:
    """Whether there is an answer to learn from, and something in each."""
    learnt = False
    for message in messages:
        if type(message) is Assistant:
            if not (message.content or message.tool_calls):
                return False
            learnt = learnt or message.weight != 0
    return learnt


def _repeats_a_key(raw: bytes) -> bool:
    try:
        return repeats_a_key(raw, orjson.loads(raw))
    except orjson.JSONDecodeError:
        return True


def _calls_agree(chat: Chat, tools: dict[str, Signature]) -> bool:
    """Whether calls are those of tools and fit them, and each is answered at once."""
    used: set[str] = set()
    waiting: set[str] = set()
    for message in chat.messages:
        if type(message) is ToolResult:
            if message.tool_call_id not in waiting:
                return False
            waiting.remove(message.tool_call_id)
        elif waiting:
            return False
        elif type(message) is Assistant and message.tool_calls:
            if len(message.tool_calls) > 1 and chat.parallel_tool_calls is False:
                return False
            for call in message.tool_calls:
                tool = tools.get(call.function.name)
                if call.id in used or tool is None or not tool.fits(call.function.arguments):
                    return False
                used.add(call.id)
                waiting.add(call.id)
    return True


def _strings(message: Message) -> int:
    """The strings of a message, its keys included."""
    content, strings = message.content, 2
    if isinstance(content, str):
        strings = 4
    elif content is not UNSET:
        strings = 3 + 4 * len(content or ())
    if isinstance(message, ToolResult):
        return strings + 2
    if isinstance(message, Assistant):
        strings += (1 + 9 * len(message.tool_calls) if message.tool_calls else 0) + (message.weight is not UNSET)
    return strings + 2 * (message.name is not UNSET)


def _texts(messages: list[Message]) -> Iterator[str]:
    for message in messages:
        content = message.content
        if isinstance(content, str):
            yield content
        elif content:
            yield from (part.text for part in content)

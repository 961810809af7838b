"""Well-formed chats the short way: decoded straight into typed objects, which is faster than parsing at all.

`is_well_formed` answers for the rules on formats, `look` for all rules: of lines that no rule has anything to say
about but a missing system message. Every other line they leave to the rules; property tests hold both together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec
import orjson

from curator.core.example import MAX_DEPTH
from curator.core.problem import Problem, Profile
from curator.core.rules.facts import Facts, chat_facts, plain_facts
from curator.core.rules.hints import byte_bits, is_unusual, may_repeat_keys
from curator.core.rules.privacy import RISKY, personal, secrets
from curator.core.rules.registry import REGISTRY, Context, Has
from curator.core.rules.schema import flaw, mismatch
from curator.core.rules.subject import LONG_LINE, LONG_THREAD, shape_of
from curator.core.rules.syntax import repeats_a_key
from curator.core.rules.text import SPECIAL, is_odd
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

_NOTHING: tuple[Problem, ...] = ()
_content = attrgetter("content")


class Seen(msgspec.Struct, frozen=True, gc=False):
    """What the rules find in a line, its facts, and its roles and texts, or its value where it is more."""

    problems: tuple[Problem, ...]
    facts: Facts
    roles: tuple[str, ...] = ()
    texts: list[str] = []
    value: Any = None


def is_well_formed(raw: bytes, context: Context) -> bool:
    """Whether the line is seen at once to have no finding of a format rule; False says nothing."""
    if len(raw) > LONG_LINE or context.method == "reinforcement":
        return False
    try:
        messages = decode_plain(raw).messages
    except REFUSED:
        return _general(raw) is not None
    if type(messages[-1]) is not PlainAssistant and PlainAssistant not in map(type, messages):
        return False
    return len(messages) <= LONG_THREAD and not may_repeat_keys(raw, 1 + 4 * len(messages))


def look(raw: bytes, context: Context) -> Seen | None:
    """What the rules say of a line that decodes; None where the rules have to look themselves.

    The context must have no contract, and no counter: tokens are the caller's business.
    """
    if len(raw) > LONG_LINE or context.method == "reinforcement":
        return None
    try:
        messages = decode_plain(raw).messages
    except REFUSED:
        return _look_at_more(raw, context)
    order = _order(tuple(map(type, messages)))
    if order is None or may_repeat_keys(raw, 1 + 4 * len(messages)):
        return None
    contents: list[str] = [*map(_content, messages)]
    if not _are_clean(contents, byte_bits(raw)):
        return None
    shape, roles = order
    problems = _missing_system(context.profile) if shape else _NOTHING
    return Seen(problems, plain_facts(roles, contents, 0), roles, contents)


def _look_at_more(raw: bytes, context: Context) -> Seen | None:
    """`look` for calls, names, weights and parts."""
    general = _general(raw)
    if general is None:
        return None
    chat, value = general
    order = _order(tuple(map(type, chat.messages)))
    if order is None or not _are_clean([*_texts(chat.messages)], byte_bits(raw)):
        return None
    problems = _missing_system(context.profile) if order[0] else _NOTHING
    return Seen(problems, chat_facts(value), value=value)


@lru_cache(maxsize=4096)
def _order(kinds: tuple[type[msgspec.Struct], ...]) -> tuple[int, tuple[str, ...]] | None:
    """The bits on the order of messages of these classes, and their roles; None where a rule minds the order."""
    roles = roles_of(kinds)
    shape = shape_of(roles)
    return None if shape & ~Has.NO_SYSTEM or len(roles) > LONG_THREAD else (shape, roles)


@lru_cache
def _missing_system(profile: Profile) -> tuple[Problem, ...]:
    """The one finding that such a line may have."""
    rule = REGISTRY["missing_system_message"]
    return (Problem(rule.id, rule.severity[profile], "the example has no system message"),)


def _are_clean(texts: list[str], bits: int) -> bool:
    """Whether no rule on texts finds anything; `bits` say which of them could."""
    if [*map(str.strip, texts)] != texts:
        return False
    if not bits:
        return True
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


def _general(raw: bytes) -> tuple[Chat, Any] | None:
    """A line that decodes, and that no rule on formats has anything to say about, with its value."""
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        return None
    try:
        chat = decode_chat(raw)
        value = orjson.loads(raw)
    except (*REFUSED, orjson.JSONDecodeError):
        return None
    messages = chat.messages
    answers = [message for message in messages if type(message) is Assistant]
    if not any(answer.weight != 0 for answer in answers) or len(messages) > LONG_THREAD:
        return None
    if not all(answer.content or answer.tool_calls for answer in answers):
        return None
    return None if not _calls_agree(chat) or repeats_a_key(raw, value) else (chat, value)


def _calls_agree(chat: Chat) -> bool:
    """Whether tools are declared once, calls are theirs and fit them, and each call is answered at once."""
    declared = {tool.function.name: tool.function.parameters for tool in chat.tools or ()}
    if len(declared) != len(chat.tools or ()) or not all(map(_is_schema, declared.values())):
        return False
    used: set[str] = set()
    waiting: set[str] = set()
    for message in chat.messages:
        if type(message) is ToolResult:
            if message.tool_call_id not in waiting:
                return False
            waiting.remove(message.tool_call_id)
            continue
        if waiting:
            return False
        if type(message) is Assistant and message.tool_calls:
            if len(message.tool_calls) > 1 and chat.parallel_tool_calls is False:
                return False
            for call in message.tool_calls:
                name = call.function.name
                if call.id in used or name not in declared or not _fits(call.function.arguments, declared[name]):
                    return False
                used.add(call.id)
                waiting.add(call.id)
    return True


def _is_schema(parameters: Any) -> bool:
    return not parameters or (parameters.get("type") == "object" and flaw(parameters) is None)


def _fits(arguments: str, parameters: Any) -> bool:
    """Whether the arguments of a call are an object that its tool's parameters allow."""
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return False
    return isinstance(value, dict) and mismatch(value, parameters) is None


def _texts(messages: list[Message]) -> Iterator[str]:
    for message in messages:
        content = message.content
        if isinstance(content, str):
            yield content
        elif content:
            yield from (part.text for part in content)

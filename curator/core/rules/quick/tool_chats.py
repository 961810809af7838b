"""Chats with calls, names, weights and parts as typed objects: what a schema cannot say of them."""

from __future__ import annotations

from msgspec import UNSET

from curator.core.rules.quick.tool_signatures import NOTHING, Signature, signature
from curator.core.rules.subject import LONG_LINE, LONG_THREAD
from curator.core.typed_chats import REFUSED, Assistant, Call, Chat, ToolResult, decode_chat


def general(raw: bytes) -> tuple[Chat, int] | None:
    """A line that decodes, and that no rule on formats minds but for keys that stand twice, with the number of
    strings in it, keys included."""
    if len(raw) > LONG_LINE:
        return None
    try:
        chat = decode_chat(raw)
    except REFUSED:
        return None
    tools = _tools(chat)
    if tools is None or len(chat.messages) > LONG_THREAD:
        return None
    known, strings = tools
    inside = _messages(chat, known)
    return None if inside is None else (chat, strings + inside)


def _tools(chat: Chat) -> tuple[dict[str, Signature], int] | None:
    """The declared functions, and how many strings stand outside of messages; None where a rule minds a tool."""
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
    return known, strings


def _messages(chat: Chat, tools: dict[str, Signature]) -> int | None:
    """How many strings are in the messages; None where a rule minds these.

    There is an answer to learn from, and something in each; calls are those of tools and fit them, and each is
    answered at once.
    """
    strings, learnt = 0, False
    used: set[str] = set()
    waiting: set[str] = set()
    for message in chat.messages:
        if isinstance(message, ToolResult):
            if message.tool_call_id not in waiting:
                return None
            waiting.remove(message.tool_call_id)
            strings += 6
            continue
        if waiting:
            return None
        content = message.content
        if isinstance(content, str):
            strings += 4
        else:
            strings += 2 if content is UNSET else 3 + 4 * len(content or ())
        strings += 2 * (message.name is not UNSET)
        if isinstance(message, Assistant):
            if message.tool_calls:
                called = _called(chat, message.tool_calls, tools, used)
                if called is None:
                    return None
                waiting = called
                strings += 1 + 9 * len(waiting)
            if not (content or waiting):
                return None
            learnt = learnt or message.weight != 0
            strings += message.weight is not UNSET
    return strings if learnt else None


def _called(chat: Chat, calls: list[Call], tools: dict[str, Signature], used: set[str]) -> set[str] | None:
    """The ids of calls that wait for an answer now; None where a rule minds one of them."""
    if len(calls) > 1 and chat.parallel_tool_calls is False:
        return None
    waiting = set()
    for call in calls:
        tool = tools.get(call.function.name)
        if call.id in used or tool is None or not tool.fits(call.function.arguments):
            return None
        used.add(call.id)
        waiting.add(call.id)
    return waiting

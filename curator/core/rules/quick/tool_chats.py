"""Checks of chats with calls, names, weights and parts that their typed classes cannot express."""

from __future__ import annotations

from msgspec import UNSET

from curator.core.rules.quick.tool_signatures import NOTHING, Signature, signature_of
from curator.core.rules.subject import LONG_LINE, LONG_THREAD
from curator.core.typed_chats import REFUSED, Assistant, Call, Chat, ToolResult, decode_chat


def read_tool_chat(raw: bytes) -> tuple[Chat, int] | None:
    """The chat in a line and its number of strings, keys included; None where a rule on formats may report it.

    Whether a key occurs twice is not checked here.
    """
    if len(raw) > LONG_LINE:
        return None
    try:
        chat = decode_chat(raw)
    except REFUSED:
        return None
    tools = _tools(chat)
    if tools is None or len(chat.messages) > LONG_THREAD:
        return None
    signatures, strings = tools
    inside = _messages(chat, signatures)
    return None if inside is None else (chat, strings + inside)


def _tools(chat: Chat) -> tuple[dict[str, Signature], int] | None:
    """The declared functions, and the number of strings outside of messages; None where a rule reports a tool."""
    strings = 1 + (chat.tools is not UNSET) + (chat.parallel_tool_calls is not UNSET)
    signatures: dict[str, Signature] = {}
    for tool in chat.tools or ():
        function = tool.function
        parameters = function.parameters
        parameters_read = NOTHING if parameters is UNSET else signature_of(bytes(parameters))
        if parameters_read is None or function.name in signatures:
            return None
        signatures[function.name] = parameters_read
        strings += 5 + parameters_read.strings + (parameters is not UNSET)
        strings += 2 * (function.description is not UNSET) + (function.strict is not UNSET)
    return signatures, strings


def _messages(chat: Chat, tools: dict[str, Signature]) -> int | None:
    """The number of strings in the messages; None where a rule reports one.

    No rule does if one answer is learnt, no message is empty, calls fit declared tools, and each call is
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
                called = _unanswered_calls(chat, message.tool_calls, tools, used)
                if called is None:
                    return None
                waiting = called
                strings += 1 + 9 * len(waiting)
            if not (content or waiting):
                return None
            learnt = learnt or message.weight != 0
            strings += message.weight is not UNSET
    return strings if learnt else None


def _unanswered_calls(
    chat: Chat, calls: list[Call], tools: dict[str, Signature], used: set[str]
) -> set[str] | None:
    """The ids of the calls, which now need answers; None where a rule reports one of them."""
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

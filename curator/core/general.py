"""Chats with calls, names, weights and parts as typed objects: what a schema cannot say of them."""

from __future__ import annotations

from msgspec import UNSET

from curator.core.rules.subject import LONG_LINE, LONG_THREAD
from curator.core.signature import NOTHING, Signature, signature
from curator.core.typed import REFUSED, Assistant, Chat, Message, ToolResult, decode_chat


def general(raw: bytes) -> tuple[Chat, int] | None:
    """A line that decodes, and that no rule on formats minds but for keys that stand twice, with the number of
    strings in it, keys included."""
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
    return chat, strings + sum(map(_strings, messages))


def _is_answered(messages: list[Message]) -> bool:
    """Whether there is an answer to learn from, and something in each."""
    learnt = False
    for message in messages:
        if type(message) is Assistant:
            if not (message.content or message.tool_calls):
                return False
            learnt = learnt or message.weight != 0
    return learnt


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

"""Tools in conversations: definitions, calls and results for any chat template, and calls read back from answers.

A template that shows definitions, calls and results, and whose calls are JSON that can be read back, is used as it
is. For every other template they become plain text (the form of Hermes and Qwen, docs/engines.md): definitions go
into the system message between `<tools>`, a call is `<tool_call>{"name", "arguments"}</tool_call>` in the
assistant's message, a result is `<tool_response>` in a user's message. Training and answering read the same text.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Message = dict[str, Any]
Render = Callable[[list[Message], Any, bool], str]
"""Messages, tool definitions (or None) and whether an answer is to begin, to the text that the model reads."""

ARGUMENT_KEYS = ("arguments", "parameters")


@dataclass(frozen=True, slots=True)
class ToolForm:
    """How a model writes its calls: JSON between `opening` and `closing`, both of which may be empty."""

    native: bool
    """Whether the chat template itself shows tools."""
    opening: str = "<tool_call>\n"
    closing: str = "\n</tool_call>"
    arguments: str = "arguments"
    """The key of a call's arguments."""
    listed: bool = False
    """Whether all calls of an answer form one JSON list."""


TEXT_FORM = ToolForm(native=False)

INTRODUCTION = """# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> \
XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""


def uses_tools(messages: Iterable[Message], tools: Any) -> bool:
    """Whether a conversation has tool definitions, calls or results."""
    return bool(tools) or any(message.get("tool_calls") or message.get("role") == "tool" for message in messages)


def current_message(message: Message) -> Message:
    """A message with the deprecated `function_call` and role `function` as a call and a tool's result, and with
    the arguments of its calls as objects where they are JSON."""
    message = dict(message)
    older = message.pop("function_call", None)
    calls = message.pop("tool_calls", None) or ([{"type": "function", "function": older}] if older else [])
    if message.get("role") == "function":
        message["role"] = "tool"
    if calls:
        message["tool_calls"] = [_with_object(call) for call in calls]
    return message


def _with_object(call: dict[str, Any]) -> dict[str, Any]:
    function = dict(call.get("function") or {})
    if isinstance(function.get("arguments", ""), str):
        with contextlib.suppress(ValueError):
            function["arguments"] = json.loads(function.get("arguments") or "{}")
    return {**call, "function": function}


def current_tools(example: dict[str, Any]) -> Any:
    """The tool definitions of an example or request; the deprecated `functions` count as tools."""
    functions = example.get("functions")
    if example.get("tools") or not isinstance(functions, list):
        return example.get("tools")
    return [{"type": "function", "function": function} for function in functions]


def as_text(messages: Sequence[Message], tools: Any) -> list[tuple[Message, int]]:
    """The conversation with its tools as plain text: each message with the number of the one that it comes from,
    -1 for a system message that is added. Results that follow each other become one message."""
    out: list[tuple[Message, int]] = []
    if tools:
        first = messages[0] if messages and messages[0]["role"] == "system" else None
        parts = [first["content"] if first else "", _describe(tools)]
        content = "\n\n".join(part for part in parts if part)
        out.append(({**(first or {"role": "system"}), "content": content}, 0 if first else -1))
        messages, start = (messages[1:], 1) if first else (messages, 0)
    else:
        start = 0
    for number, message in enumerate(messages, start):
        if message["role"] != "tool":
            out.append((_calls_as_text(message), number))
            continue
        result = f"<tool_response>\n{message['content']}\n</tool_response>"
        before = number - start - 1
        if before >= 0 and messages[before]["role"] == "tool":
            earlier, source = out.pop()
            out.append(({**earlier, "content": f"{earlier['content']}\n{result}"}, source))
        else:
            out.append(({"role": "user", "content": result}, number))
    return out


def prepare(messages: Sequence[Message], tools: Any, form: ToolForm) -> tuple[list[tuple[Message, int]], Any]:
    """What a template is given for a conversation: its messages, each with the number of the one that it comes
    from, and the tools, if the template shows them itself."""
    current = [current_message(message) for message in messages]
    if form.native or not uses_tools(current, tools):
        return [(message, number) for number, message in enumerate(current)], tools
    return as_text(current, tools), None


def _describe(tools: Any) -> str:
    return INTRODUCTION.format("\n".join(json.dumps(tool, ensure_ascii=False) for tool in tools))


def _calls_as_text(message: Message) -> Message:
    calls = message.get("tool_calls")
    if not calls:
        return message
    rest = {key: value for key, value in message.items() if key != "tool_calls"}
    texts = [message["content"]] if message["content"] else []
    return {**rest, "content": "\n".join([*texts, *map(write_call, calls)])}


def write_call(call: dict[str, Any]) -> str:
    """A call in the text form."""
    function = call.get("function") or {}
    value = {"name": function.get("name"), "arguments": function.get("arguments", {})}
    return f"{TEXT_FORM.opening}{json.dumps(value, ensure_ascii=False)}{TEXT_FORM.closing}"


_NAME, _KEY, _VALUE, _RESULT = "probe_function", "probe_key", "probe value", "probe result"


def find_tool_form(render: Render, specials: Iterable[str] = ()) -> ToolForm:
    """The form of a template: found out by rendering a call and a result with it. `specials` are the texts of
    special tokens, which do not show in answers."""
    parameters = {"type": "object", "properties": {_KEY: {"type": "string"}}, "required": [_KEY]}
    tools = [
        {"type": "function", "function": {"name": _NAME, "description": "A probe.", "parameters": parameters}}
    ]
    function = {"name": _NAME, "arguments": {_KEY: _VALUE}}
    call = {"id": "callprobe", "type": "function", "function": function}
    question: list[Message] = [{"role": "user", "content": "A question."}]
    with_call = [*question, {"role": "assistant", "content": "", "tool_calls": [call]}]
    result = {"role": "tool", "tool_call_id": "callprobe", "name": _NAME, "content": _RESULT}
    try:
        prompt = render(question, tools, True)
        answer = render(with_call, tools, False)
        whole = render([*with_call, result], tools, True)
    except Exception:  # a template is a program of its own and may raise anything
        return TEXT_FORM
    if _NAME not in prompt or _RESULT not in whole or not answer.startswith(prompt):
        return TEXT_FORM
    return _form_of(answer[len(prompt) :], [*specials])


def _form_of(written: str, specials: list[str]) -> ToolForm:
    """The form of the call to `_NAME` that a template wrote; TEXT_FORM where it is no JSON."""
    decoder = json.JSONDecoder()
    for start, letter in enumerate(written):
        if letter not in "{[":
            continue
        try:
            value, end = decoder.raw_decode(written, start)
        except ValueError:
            continue
        call = value[0] if isinstance(value, list) and len(value) == 1 else value
        if not isinstance(call, dict) or call.get("name") != _NAME:
            continue
        key = next((key for key in ARGUMENT_KEYS if call.get(key) == {_KEY: _VALUE}), None)
        if key is not None:
            opening, closing = _without(written[:start], specials), _without(written[end:], specials).rstrip()
            return ToolForm(True, opening, closing, key, isinstance(value, list))
    return TEXT_FORM


def _without(text: str, specials: list[str]) -> str:
    for special in specials:
        text = text.replace(special, "")
    return text if text.strip() else ""

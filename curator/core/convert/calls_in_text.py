"""Calls that are written into texts: Glaive's `<functioncall>`, and Hermes's and Qwen's `<tool_call>`."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from curator.core.convert import functions
from curator.core.convert.carried import MisfitError

Message = dict[str, Any]

_CALL = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)
_ANSWER = re.compile(r"<tool_response>\s*(.*?)\s*</tool_response>", re.DOTALL)
_ANSWERS_ALONE = re.compile(r"\s*(?:<tool_response>.*?</tool_response>\s*)+\Z", re.DOTALL)
_TOOLS = re.compile(r"<tools>\s*(.*?)\s*</tools>", re.DOTALL)

_GLAIVE_MARK = re.compile(r"(?:\A|\n)[ \t]*(USER|ASSISTANT|FUNCTION RESPONSE):[ \t]*")
_GLAIVE_END = re.compile(r"\s*<\|endoftext\|>\s*\Z")
_GLAIVE_CALL = re.compile(r"<functioncall>\s*")
_QUOTED_ARGUMENTS = re.compile(r"""\{\s*"name":\s*"([^"]+)",\s*"arguments":\s*'(.*)'\s*\}\s*\Z""", re.DOTALL)
_AFTER = {
    "USER": ("ASSISTANT",),
    "ASSISTANT": ("USER", "ASSISTANT", "FUNCTION RESPONSE"),
    "FUNCTION RESPONSE": ("ASSISTANT", "FUNCTION RESPONSE"),
    "": ("USER",),
}
"""Who may speak after whom."""


class TextAndCalls(NamedTuple):
    """A text without its calls, and these."""

    text: str
    calls: list[Any]


def speaks_in_tags(turns: Any, record: Mapping[str, Any]) -> bool:
    """Whether turns call tools in `<tool_call>` tags: a text holds a call, and tools or answers stand beside."""
    texts = [text for turn in turns if isinstance(turn, dict) for text in turn.values() if isinstance(text, str)]
    return any(_CALL.search(text) for text in texts) and (
        record.get("tools") not in (None, "", [], "[]")
        or any(_TOOLS.search(text) or _ANSWERS_ALONE.match(text) for text in texts)
    )


def read_calls(text: str) -> TextAndCalls:
    """The calls in the tags of a text. Raises MisfitError where one cannot be read, or a text follows one."""
    calls = [_value(match[1], "<tool_call>") for match in _CALL.finditer(text)]
    first = _CALL.search(text)
    rest = _CALL.sub("", text)
    if first is not None and rest[first.start() :].strip():
        raise MisfitError("its text goes on after a <tool_call>")
    if "<tool_call>" in rest or "</tool_call>" in rest:
        raise MisfitError("a <tool_call> has no end")
    return TextAndCalls(rest.strip() if calls else text, calls)


def read_answers(text: str) -> list[str] | None:
    """The answers of tools in a text that holds nothing else; None for any other text."""
    return [match[1] for match in _ANSWER.finditer(text)] if _ANSWERS_ALONE.match(text) else None


def tools_in(text: str) -> list[Any] | None:
    """The functions that a system prompt declares in `<tools>` tags; None where they cannot be read."""
    for match in _TOOLS.finditer(text):
        try:
            listed = _value(match[1], "<tools>")
        except MisfitError:
            listed = _values(match[1])
        if isinstance(listed, dict):
            listed = [listed]
        if listed:
            try:
                return functions.tools(listed, "<tools>")
            except MisfitError:
                return None
    return None


def _value(text: str, name: str) -> Any:
    """What a text holds as JSON, or as Python prints it."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        value = ast.literal_eval(text)
        json.dumps(value, allow_nan=False)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise MisfitError(f"a {name} holds no JSON") from None
    return value


def _values(text: str) -> list[Any]:
    """JSON values one right after another, as far as all of the text is; else []."""
    decoder = json.JSONDecoder()
    values: list[Any] = []
    at = 0
    try:
        while at < len(text):
            if text[at].isspace() or text[at] == ",":
                at += 1
                continue
            value, at = decoder.raw_decode(text, at)
            values.append(value)
    except (ValueError, RecursionError):
        return []
    return values


def glaive_text(record: Mapping[str, Any]) -> tuple[str, str] | None:
    """(system text, chat) of a record of Glaive's function calls; None for any other record."""
    chat, sample = record.get("chat"), record.get("sample")
    if isinstance(chat, str) and chat.lstrip().startswith("USER:") and "ASSISTANT:" in chat:
        system = record.get("system") or ""
        return (system, chat) if isinstance(system, str) else None
    if isinstance(sample, str) and sample.lstrip().startswith("SYSTEM:") and "ASSISTANT:" in sample:
        mark = _GLAIVE_MARK.search(sample)
        return (sample[: mark.start()], sample[mark.start() :]) if mark else None
    return None


def from_glaive(system: str, chat: str) -> tuple[list[Message], list[Any]]:
    """(messages, tools) of one of Glaive's records. Raises MisfitError with the number of the turn."""
    text, tools = _glaive_system(system)
    messages: list[Message] = [{"role": "system", "content": text}] if text else []
    marks = [*_GLAIVE_MARK.finditer(chat)]
    ends_marked = "<|endoftext|>" in chat
    last, unanswered, calls = "", list[str](), 0
    for number, (mark, after) in enumerate(zip(marks, [*marks[1:], None], strict=True), 1):
        said = chat[mark.end() : after.start() if after else len(chat)].strip()
        if mark[1] not in _AFTER[last]:
            raise MisfitError(f"turn {number}: {mark[1]} speaks after {last or 'nobody'}")
        last = mark[1]
        if last == "ASSISTANT":
            if ends_marked and after and not _GLAIVE_END.search(said):
                raise MisfitError(f"turn {number}: its answer has no end")
            message = _glaive_answer(_GLAIVE_END.sub("", said), number, calls + 1)
            unanswered += [call["id"] for call in message.get("tool_calls", ())]
            calls += len(message.get("tool_calls", ()))
            messages.append(message)
        elif last == "USER":
            messages.append({"role": "user", "content": said})
        elif not unanswered:
            raise MisfitError(f"turn {number}: it answers no call")
        else:
            messages.append({"role": "tool", "tool_call_id": unanswered.pop(0), "content": said})
        if not (said or messages[-1].get("tool_calls")) or "<|endoftext|>" in (messages[-1]["content"] or ""):
            raise MisfitError(f"turn {number}: it has no text of its own")
    return messages, tools


def _glaive_system(text: str) -> tuple[str, list[Any]]:
    """(words, tools) of a system text; tools are read where everything behind its first sentences is functions."""
    text = re.sub(r"\A\s*SYSTEM:\s*", "", text).strip()
    start = text.find("\n{")
    declared = _values(text[start:]) if start >= 0 else []
    try:
        return (text[:start].strip(), functions.tools(declared, "system")) if declared else (text, [])
    except MisfitError:
        return text, []


def _glaive_answer(said: str, number: int, first_id: int) -> Message:
    spoken, *called = _GLAIVE_CALL.split(said)
    if not called:
        return {"role": "assistant", "content": said}
    try:
        values = [_glaive_call(each.strip()) for each in called]
        calls = functions.calls(values, "<functioncall>", first_id)
    except MisfitError as misfit:
        raise MisfitError(f"turn {number}: {misfit}") from None
    return {"role": "assistant", "content": spoken.strip() or None, "tool_calls": calls}


def _glaive_call(text: str) -> Any:
    """A call whose arguments are a JSON text between single quotes, or JSON as a whole."""
    match = _QUOTED_ARGUMENTS.match(text)
    if match is None:
        return _value(text, "<functioncall>")
    arguments = match[2]
    for spelling in (arguments, arguments.replace("\\'", "'")):
        try:
            json.loads(spelling)
        except (ValueError, RecursionError):
            continue
        return {"name": match[1], "arguments": spelling}
    raise MisfitError("a <functioncall> has arguments that are no JSON")

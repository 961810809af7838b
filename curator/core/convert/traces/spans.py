"""Spans of calls to models: their attributes in any spelling, and the messages that these spell out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

SpanAttributes = dict[str, Any]
"""Attributes by dotted name; lists and objects are spelled out (`llm.input_messages.0.message.role`)."""
Message = dict[str, Any]

_WHOLE = ("gen_ai.input.messages", "ai.prompt.messages", "gen_ai.prompt")
"""Attributes that hold all messages as one JSON text or list."""
_INDEXED = re.compile(r"(?:llm\.input_messages\.(\d{1,6})\.message|gen_ai\.prompt\.(\d{1,6}))\.(.+)\Z")
_PART_TEXT = re.compile(r"contents\.\d+\.message_content\.text\Z")
_CALL = re.compile(r"tool_calls\.(\d{1,6})\.(?:tool_call\.)?(?:function\.)?(id|name|arguments)\Z")
_EVENT = re.compile(r"gen_ai\.(system|user|assistant|tool)\.message\Z")
_TOOL = re.compile(r"llm\.tools\.\d+\.tool\.json_schema\Z")
_MOST_NAMES = 100_000


def attributes_of(span: Mapping[str, Any]) -> SpanAttributes:
    """The attributes of a span: OTLP's list, an object, or columns that begin with `attributes.`; {} for others.

    Events that hold messages are added under the name `events`.
    """
    recorded = span.get("attributes")
    if isinstance(recorded, list):
        recorded = _of_otlp(recorded)
    if not isinstance(recorded, dict):
        prefix = "attributes."
        recorded = {name.removeprefix(prefix): value for name, value in span.items() if name.startswith(prefix)}
    attributes = dict(zip(*_split(_spelled_out(recorded)), strict=True)) if recorded else {}
    events = [event for event in _listed(span.get("events")) if isinstance(event, dict)]
    messages = [message for event in events if (message := _of_event(event)) is not None]
    return attributes | {"events": messages} if messages else attributes


def _split(pairs: Iterator[tuple[str, Any]]) -> tuple[list[str], list[Any]]:
    names, values = [], []
    for name, value in pairs:
        names.append(name)
        values.append(value)
        if len(names) == _MOST_NAMES:
            break
    return names, values


def _of_otlp(attributes: list[Any]) -> dict[str, Any]:
    """The attributes that OTLP's JSON lists as `{"key": …, "value": {"stringValue": …}}`."""
    rows = (each for each in attributes if isinstance(each, dict) and isinstance(each.get("key"), str))
    return {each["key"]: _value_of_otlp(each.get("value")) for each in rows}


def _value_of_otlp(value: Any, depth: int = 0) -> Any:
    if not isinstance(value, dict) or depth > 20:
        return value
    for kind, inner in value.items():
        if kind == "arrayValue":
            items = inner.get("values") if isinstance(inner, dict) else None
            return [_value_of_otlp(each, depth + 1) for each in _listed(items)]
        if kind == "kvlistValue":
            rows = inner.get("values") if isinstance(inner, dict) else None
            return {
                str(row.get("key")): _value_of_otlp(row.get("value"), depth + 1)
                for row in _listed(rows)
                if isinstance(row, dict)
            }
        return inner
    return None


def _spelled_out(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of everything inside; what holds all messages stays whole."""
    if name in _WHOLE or depth > 20 or not isinstance(value, dict | list):
        yield name, value
        return
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, each in items:
        yield from _spelled_out(each, f"{name}.{key}" if name else str(key), depth + 1)


def messages_of_span(attributes: SpanAttributes) -> list[Message]:
    """The messages that a call of a model was asked with; [] where the span holds none."""
    for name in _WHOLE:
        listed = _loaded(attributes.get(name))
        if isinstance(listed, list) and listed:
            system = _loaded(attributes.get("gen_ai.system_instructions"))
            first = [{"role": "system", "parts": system}] if isinstance(system, list) and system else []
            return [message for each in (*first, *listed) for message in _plain(each)]
    indexed: dict[int, dict[str, Any]] = {}
    for name, value in attributes.items():
        match = _INDEXED.match(name)
        if match is not None:
            indexed.setdefault(int(match[1] or match[2]), {})[match[3]] = value
    if indexed:
        return [_of_indexed(fields) for _, fields in sorted(indexed.items())]
    events = attributes.get("events")
    return events if isinstance(events, list) else []


def tools_of_span(attributes: SpanAttributes) -> list[Any]:
    """The tools of a call, as they are recorded."""
    listed = _loaded(attributes.get("gen_ai.tool.definitions"))
    if isinstance(listed, list):
        return listed
    tools = [_loaded(value) for name, value in attributes.items() if _TOOL.match(name)]
    return [tool for tool in tools if isinstance(tool, dict)]


def _plain(message: Any) -> Iterator[Message]:
    """A message of OpenTelemetry, whose parts become text, calls, and answers of tools."""
    if not isinstance(message, dict):
        return
    parts = message.get("parts")
    if not isinstance(parts, list):
        yield message
        return
    texts, calls = [], []
    for part in (each for each in parts if isinstance(each, dict)):
        kind = part.get("type")
        if kind == "tool_call":
            calls.append(_call(part.get("id"), part.get("name"), part.get("arguments")))
        elif kind == "tool_call_response":
            answer = part.get("response", part.get("result"))
            yield {"role": "tool", "tool_call_id": part.get("id"), "content": _as_text(answer)}
        elif kind not in ("reasoning", "thinking"):
            texts.append(_text_of_part(part))
    if texts or calls:
        spoken = {"role": message.get("role"), "content": "".join(texts)}
        yield spoken | ({"tool_calls": calls} if calls else {})


def _text_of_part(part: Mapping[str, Any]) -> str:
    """The text of a part; of a picture, a file or a sound its kind in brackets."""
    content = part.get("content")
    is_text = part.get("type") in ("text", None) and isinstance(content, str)
    return str(content) if is_text else f"[{part.get('type')}]"


def _of_indexed(fields: Mapping[str, Any]) -> Message:
    """A message of attributes such as `role`, `content` and `tool_calls.0.name`."""
    texts = [value for name, value in fields.items() if _PART_TEXT.match(name) and isinstance(value, str)]
    content = fields.get("content", "\n".join(texts))
    message: Message = {"role": fields.get("role"), "content": _as_text(content)}
    calls: dict[int, dict[str, Any]] = {}
    for name, value in fields.items():
        match = _CALL.match(name)
        if match is not None:
            calls.setdefault(int(match[1]), {})[match[2]] = value
    if calls:
        rows = [each for _, each in sorted(calls.items())]
        message["tool_calls"] = [_call(row.get("id"), row.get("name"), row.get("arguments")) for row in rows]
    if fields.get("tool_call_id"):
        message["tool_call_id"] = fields["tool_call_id"]
    return message


def _of_event(event: Mapping[str, Any]) -> Message | None:
    """The message of an event such as `gen_ai.user.message`; None for another event."""
    match = _EVENT.match(str(event.get("name", "")))
    if match is None:
        return None
    fields = event.get("attributes")
    fields = _of_otlp(fields) if isinstance(fields, list) else fields
    body = event.get("body")
    fields = {**fields, **body} if isinstance(fields, dict) and isinstance(body, dict) else fields or body
    if not isinstance(fields, dict) or "content" not in fields:
        return None
    return {"role": match[1], "content": _as_text(fields["content"])}


def _call(call_id: Any, name: Any, arguments: Any) -> dict[str, Any]:
    function = {"name": name, "arguments": _as_text(arguments if arguments is not None else {})}
    return {"id": call_id, "type": "function", "function": function}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else orjson.dumps(value).decode()


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _loaded(value: Any) -> Any:
    """What a JSON text holds; anything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None

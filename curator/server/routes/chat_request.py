"""Check the body of `POST /v1/chat/completions`. What this server cannot do is an error, never ignored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from curator.server.errors import bad_request
from curator.server.http.fields import Fields, wrong_type, wrong_value
from curator.server.routes import sampling_fields
from curator.server.routes.sampling_fields import SAMPLING, unsupported

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_READ = (
    "model",
    "messages",
    *SAMPLING,
    "max_completion_tokens",
    "max_tokens",
    "n",
    "stop",
    "stream",
    "stream_options",
    "logprobs",
    "top_logprobs",
    "store",
    "metadata",
    "tools",
    "tool_choice",
    "response_format",
)
_HARMLESS = (
    "user",
    "safety_identifier",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "prompt_cache_options",
    "parallel_tool_calls",
    "verbosity",
    "reasoning_effort",
    "prediction",
)
"""Parameters that are accepted and ignored: they are hints that need not change an answer."""
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "audio": (),
    "web_search_options": (),
    "moderation": (),
}
"""Parameters that would change an answer, each with the values that ask for what this server does anyway."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A checked request. `ask` is the request to the generation process, without `id`, `base` and `adapter`."""

    model: str
    ask: dict[str, Any]
    stream: bool
    include_usage: bool
    store: bool
    metadata: dict[str, str]


def read_chat_request(body: Fields) -> ChatRequest:
    """The request of a body. Raises ApiError 400."""
    body.only(*_READ, *_HARMLESS, *_NEUTRAL)
    for name, neutral in _NEUTRAL.items():
        value = body.value.get(name)
        if value is not None and value not in neutral:
            raise unsupported(name)
    model = body.must_text("model", shortest=1, longest=512)
    messages = body.array("messages", required=True, shortest=1) or []
    longest = body.integer("max_completion_tokens", 1, 2**31 - 1)
    older = body.integer("max_tokens", 1, 2**31 - 1)
    tools, forced = sampling_fields.choose_tools(body, sampling_fields.read_tools(body))
    format_constraint = sampling_fields.read_format(body.inner("response_format"), "response_format", named=True)
    sampling = sampling_fields.read_sampling(body)
    constraint = sampling_fields.join_constraints(format_constraint or sampling.get("constraint"), forced, tools)
    stream = bool(body.flag("stream"))
    ask = {
        "messages": [_message(value, f"messages[{index}]") for index, value in enumerate(messages)],
        "max_tokens": longest if longest is not None else older,
        "stop": read_stop(body),
        "n": body.integer("n", 1, 128) or 1,
        **_logprobs(body),
        "tools": tools,
        **sampling,
        "constraint": constraint,
    }
    return ChatRequest(model, ask, stream, include_usage(body, stream), bool(body.flag("store")), body.metadata())


def _message(value: Any, where: str) -> dict[str, Any]:
    fields = Fields(value, where)
    role = fields.choice("role", _ROLES, required=True)
    content = value.get("content")
    calls = _calls(fields)
    if isinstance(content, list):
        content = _join_texts(content, fields.path("content"))
    elif (
        content is None
        and not (role == "assistant" and (calls or "content" in value))
        or content is not None
        and not isinstance(content, str)
    ):
        raise wrong_type(fields.path("content"), "a string", content)
    texts = {name: text for name in ("name", "tool_call_id", "refusal") if (text := fields.text(name)) is not None}
    return {"role": role, "content": content, **texts, **({"tool_calls": calls} if calls else {})}


def _calls(fields: Fields) -> list[dict[str, Any]]:
    """The tool calls of an earlier answer; a deprecated `function_call` counts as one."""
    calls = []
    for index, value in enumerate(fields.array("tool_calls", longest=128) or []):
        call = Fields(value, f"{fields.path('tool_calls')}[{index}]")
        function = call.inner("function", required=True) or Fields({})
        calls.append({"id": call.text("id") or "", "type": "function", "function": _function(function)})
    older = fields.inner("function_call")
    if older is not None:
        calls.append({"id": "", "type": "function", "function": _function(older)})
    return calls


def _function(fields: Fields) -> dict[str, str]:
    return {"name": fields.must_text("name"), "arguments": fields.must_text("arguments")}


def _join_texts(parts: list[Any], where: str) -> str:
    """The text parts of a content list as one text. Raises ApiError 400 for pictures, sound and files."""
    texts = []
    for index, part in enumerate(parts):
        fields = Fields(part, f"{where}[{index}]")
        kind = fields.must_text("type")
        if kind in ("image_url", "input_audio", "file"):
            message = f"Invalid value for '{fields.path('type')}': models on this server read text only."
            raise bad_request(message, fields.path("type"), "invalid_value")
        if kind not in ("text", "refusal"):
            raise wrong_value(fields.path("type"), kind, ("text", "refusal"))
        texts.append(fields.must_text(kind))
    return "".join(texts)


def read_stop(body: Fields) -> list[str]:
    """The texts that end an answer, at most four."""
    value = body.value.get("stop")
    if value is None:
        return []
    stops = [value] if isinstance(value, str) else body.array("stop", longest=4) or []
    for index, stop in enumerate(stops):
        if not isinstance(stop, str):
            raise wrong_type(f"stop[{index}]", "a string", stop)
    return [stop for stop in stops if stop]


def _logprobs(body: Fields) -> dict[str, Any]:
    enabled, alternatives = bool(body.flag("logprobs")), body.integer("top_logprobs", 0, 20) or 0
    if alternatives and not enabled:
        message = "Invalid 'top_logprobs': 'logprobs' must be true to ask for them."
        raise bad_request(message, "top_logprobs", "invalid_value")
    return {"logprobs": enabled, "top_logprobs": alternatives}


def include_usage(body: Fields, stream: bool) -> bool:
    """Whether a stream ends with a chunk that holds the usage."""
    options = body.inner("stream_options")
    if options is None:
        return False
    if not stream:
        message = "Invalid 'stream_options': only allowed when 'stream' is true."
        raise bad_request(message, "stream_options", "invalid_value")
    options.only("include_usage", "include_obfuscation")
    options.flag("include_obfuscation")
    return bool(options.flag("include_usage"))

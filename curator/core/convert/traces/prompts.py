"""Files of traces: what models were asked, as OpenTelemetry, LangSmith, Langfuse, Phoenix and Helicone record it.

A record is one span, or holds many. Of each call of a model the messages that asked are taken, as a raw prompt
with its tools: the answer is a model's, and nobody has judged it. Sources: OpenTelemetry's conventions for
generative AI (1.27 to 1.37, and the indexed attributes before them), OpenInference's for spans, LangSmith's run
format, Langfuse's observations, and Helicone's requests.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from curator.core.convert.maps import named
from curator.core.convert.to_example import Converted, to_example
from curator.core.convert.traces.spans import SpanAttributes, attributes_of, messages_of_span, tools_of_span

Prompt = dict[str, Any]
"""`{"messages": […]}`, with `tools` where the call had any."""
_LISTS = ("observations", "child_runs", "spans", "traces", "data", "runs", "batches")
"""Keys under which a record of traces keeps further ones."""
_KINDS = (
    *("generation", "span", "event", "agent", "tool"),
    *("chain", "retriever", "evaluator", "embedding", "guardrail"),
)
_OBSERVATIONS = frozenset((*_KINDS, *map(str.upper, _KINDS)))
"""What Langfuse calls the kinds of its observations."""
_DEEPEST = 12


def trace_kind(value: Any) -> str:
    """Whose trace a record is, in words; "" for anything else."""
    if not isinstance(value, dict) or isinstance(value.get("messages"), list):
        return ""
    for key in ("resourceSpans", "resource_spans", "scopeSpans"):
        if isinstance(value.get(key), list):
            return "OpenTelemetry"
    if isinstance(value.get("run_type"), str) and ("inputs" in value or "child_runs" in value):
        return "LangSmith"
    if _request_of(value) is not None:
        return "Helicone"
    if _is_observation(value) or (isinstance(value.get("observations"), list) and _names_trace(value)):
        return "Langfuse"
    attributes = attributes_of(value)
    if any(name.startswith(("openinference.", "llm.input_messages.")) for name in attributes):
        return "Phoenix"
    return "OpenTelemetry" if _is_span(value) and any(name.startswith("gen_ai.") for name in attributes) else ""


def unread_trace_kind(value: Any) -> str:
    """What other kind of trace a record is, with the reason why nothing can be made of it; "" for none."""
    if not isinstance(value, dict):
        return ""
    if isinstance(value.get("traceEvents"), list) or {"ph", "ts", "pid"} <= value.keys():
        return "a trace of a program's timing, which holds no conversation"
    if {"traceID", "spans"} <= value.keys() or _holds(value.get("data"), {"traceID", "spans"}):
        return "a trace of Jaeger's, which keeps no messages: export it as OpenTelemetry's JSON (OTLP)"
    if {"traceId", "id", "localEndpoint"} <= value.keys():
        return "a trace of Zipkin's, which keeps no messages: export it as OpenTelemetry's JSON (OTLP)"
    if _is_span(value):
        return "a trace without calls of models, or in conventions that Curator does not know"
    return ""


def prompts_of(value: Any) -> Iterator[Prompt]:
    """The prompts of all calls of models in a record, in their order."""
    return (prompt for prompt in calls_of(value) if prompt is not None)


def calls_of(value: Any, depth: int = 0) -> Iterator[Prompt | None]:
    """As `prompts_of`, with None for each call whose messages are not there or cannot be read."""
    if not isinstance(value, dict) or depth > _DEEPEST:
        return
    prompt = _own_prompt(value)
    if prompt is not None or _is_call(value):
        yield prompt
    for key in ("resourceSpans", "resource_spans", "scopeSpans", "scope_spans", *_LISTS):
        for each in value[key] if isinstance(value.get(key), list) else ():
            yield from calls_of(each, depth + 1)


def _is_call(value: Mapping[str, Any]) -> bool:
    """Whether a record itself is a call of a model, whatever is known of it."""
    if isinstance(value.get("run_type"), str):
        return value["run_type"] in ("llm", "chat_model")
    if _request_of(value) is not None:
        return True
    if _is_observation(value):
        return str(value.get("type", "")).upper() == "GENERATION"
    attributes = attributes_of(value)
    is_model = "gen_ai.request.model" in attributes or attributes.get("openinference.span.kind") == "LLM"
    return is_model and attributes.get("gen_ai.operation.name") not in _OTHER_OPERATIONS


_OTHER_OPERATIONS = ("embeddings", "execute_tool", "create_agent", "invoke_agent", "retrieval")


def _own_prompt(value: Mapping[str, Any]) -> Prompt | None:
    """The prompt of the call that a record itself is."""
    request = _request_of(value)
    if request is not None:
        return _prompt_of_request(request)
    if isinstance(value.get("run_type"), str):
        return _prompt_of_run(value) if value["run_type"] in ("llm", "chat_model") else None
    if _is_observation(value):
        is_call = str(value.get("type", "")).upper() == "GENERATION"
        return _prompt_of_input(_unpacked(value.get("input")), []) if is_call else None
    attributes = attributes_of(value)
    return _prompt_of_span(attributes) if attributes else None


def _request_of(value: Mapping[str, Any]) -> dict[str, Any] | None:
    """The body of the request in a record of Helicone; None if it has no such body."""
    for key in ("request_body", "requestBody"):
        body = _unpacked(value.get(key))
        if isinstance(body, dict):
            return body
    return None


def _is_observation(value: Mapping[str, Any]) -> bool:
    """Whether a record is one of Langfuse's observations."""
    kind = value.get("type")
    return _names_trace(value) and isinstance(kind, str) and kind in _OBSERVATIONS and "input" in value


def _names_trace(value: Mapping[str, Any]) -> bool:
    return any(name in value for name in ("traceId", "trace_id", "projectId", "project_id", "sessionId", "trace"))


def _is_span(value: Mapping[str, Any]) -> bool:
    """Whether a record is a span of OpenTelemetry in one of its spellings."""
    context = value.get("context") if isinstance(value.get("context"), dict) else value
    ids = {"trace_id", "traceId", "context.trace_id", "traceID"}
    return not ids.isdisjoint(context or {}) and (
        "attributes" in value or "spanId" in value or "span_id" in (context or {}) or "context.span_id" in value
    )


def _holds(value: Any, keys: set[str]) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict) and keys <= value[0].keys()


def _prompt_of_run(value: Mapping[str, Any]) -> Prompt | None:
    """The prompt of LangSmith's run of a model."""
    extra = _unpacked(value.get("extra"))
    settings = extra.get("invocation_params") if isinstance(extra, dict) else None
    tools = settings.get("tools") if isinstance(settings, dict) else None
    inputs = _unpacked(value.get("inputs"))
    if isinstance(inputs, dict) and isinstance(inputs.get("prompts"), list) and inputs["prompts"]:
        inputs = inputs["prompts"][0]
    if isinstance(inputs, dict) and isinstance(inputs.get("messages"), list):
        messages = inputs["messages"]
        nested = messages[0] if messages and _is_conversation(messages[0]) else messages
        return _prompt_of_input({**inputs, "messages": nested}, tools or [])
    return _prompt_of_input(inputs, tools or [])


def _is_conversation(value: Any) -> bool:
    """Whether a member of a list of messages is itself such a list, as LangChain has one for each of a batch."""
    return isinstance(value, list) and bool(value) and not isinstance(value[0], str)


def _prompt_of_span(attributes: SpanAttributes) -> Prompt | None:
    messages = messages_of_span(attributes)
    return _prompt_of_input(messages, tools_of_span(attributes)) if messages else None


def _prompt_of_request(body: Mapping[str, Any]) -> Prompt | None:
    """The prompt of a request to an API, in the dialect of any provider that Curator reads."""
    if isinstance(body.get("messages"), list):
        by, record = named("request"), {"body": {key: body[key] for key in body if key != "response"}}
        return _asking(to_example(record, by))
    if isinstance(body.get("contents"), list):
        return _asking(to_example(dict(body), named("gemini")))
    return _prompt_of_input(body.get("input", body.get("prompt")), body.get("tools"))


def _prompt_of_input(value: Any, tools: Any) -> Prompt | None:
    """The prompt of an input: a text, a list of messages, or an object with one."""
    if isinstance(value, dict):
        listed = value.get("messages")
        tools = value.get("tools") or tools
        for name in ("input", "prompt", "question", "query"):
            listed = listed if isinstance(listed, list) else value.get(name)
        value = _unpacked(listed)
    if isinstance(value, str) and value.strip():
        value = [{"role": "user", "content": value}]
    if not isinstance(value, list) or not value:
        return None
    record: dict[str, Any] = {"conversations": value}
    if isinstance(tools, list) and tools:
        record["tools"] = tools
    return _asking(to_example(record, named("sharegpt")))


def _asking(example: object) -> Prompt | None:
    """The messages up to the last that is no answer, with the tools; None where nothing is asked."""
    if not isinstance(example, Converted) or not isinstance(example.value, dict):
        return None
    messages = example.value.get("messages")
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        return None
    last = max((at for at, each in enumerate(messages) if each.get("role") in ("user", "tool")), default=None)
    if last is None:
        return None
    tools = example.value.get("tools")
    return {"messages": messages[: last + 1], **({"tools": tools} if tools else {})}


def _unpacked(value: Any) -> Any:
    """What a JSON text holds, as tables and attributes have it; anything else as it is."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value
    return value

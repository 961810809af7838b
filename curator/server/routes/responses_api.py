"""`POST /v1/responses`, without state: the input becomes a conversation, the answer comes back as items."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from curator.server import ids
from curator.server.errors import ApiError, bad_request
from curator.server.http.bodies import read_json
from curator.server.http.fields import Fields, wrong_type, wrong_value
from curator.server.http.responses import json
from curator.server.routes import sampling_fields
from curator.server.routes.chat import SSE, cancel_on_disconnect, first_line
from curator.server.routes.sampling_fields import SAMPLING, unsupported
from curator.server.services import blocking, services

Line = dict[str, Any]

_READ = (
    "model",
    "input",
    "instructions",
    "max_output_tokens",
    "stream",
    "tools",
    "tool_choice",
    "text",
    "metadata",
)
_HINTS = (
    "metadata",
    "store",
    "user",
    "safety_identifier",
    "service_tier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "parallel_tool_calls",
    "reasoning",
    "stream_options",
)
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "previous_response_id": (),
    "conversation": (),
    "prompt": (),
    "background": (False,),
    "include": ([], ["reasoning.encrypted_content"]),
    "truncation": ("disabled",),
    "top_logprobs": (0,),
    "max_tool_calls": (),
}


async def create(request: Request) -> Response:
    """Answer an input, in one response or as a stream of events."""
    own = services(request)
    body = await read_json(request, own.settings.limits)
    ask, stream = _read(body)
    ask = sampling_fields.with_defaults(ask, own.settings)
    model = await blocking(own.catalog.get, body.must_text("model", shortest=1, longest=512))
    adapter = None if model.adapter is None else str(model.adapter)
    lines = own.generator.answer({"base": str(model.path), "adapter": adapter, **ask})
    answer = _ResponseBuilder(body, ask)
    if stream:
        first = await first_line(request, lines)
        return StreamingResponse(_stream(answer, first, lines), media_type="text/event-stream", headers=SSE)
    return json(await cancel_on_disconnect(request, _collect(answer, lines)))


def _read(body: Fields) -> tuple[Line, bool]:
    """The request to the generation process, and whether to stream. Raises ApiError 400."""
    body.only(*_READ, *SAMPLING, *_HINTS, *_NEUTRAL)
    for name, neutral in _NEUTRAL.items():
        value = body.value.get(name)
        if value is not None and value not in neutral:
            raise unsupported(name)
    tools, forced = sampling_fields.choose_tools(body, sampling_fields.read_tools(body, flat=True), flat=True)
    text = body.inner("text") or Fields({}, "text")
    format_constraint = sampling_fields.read_format(text.inner("format"), "text.format", named=False)
    sampling = sampling_fields.read_sampling(body)
    instructions = body.text("instructions")
    system = [{"role": "system", "content": instructions}] if instructions else []
    ask = {
        "messages": [*system, *_messages(body)],
        "max_tokens": body.integer("max_output_tokens", 1, 2**31 - 1),
        "stop": [],
        "n": 1,
        "logprobs": False,
        "tools": tools,
        **sampling,
        "constraint": sampling_fields.join_constraints(
            format_constraint or sampling.get("constraint"), forced, tools
        ),
    }
    return ask, bool(body.flag("stream"))


def _messages(body: Fields) -> list[Line]:
    value = body.value.get("input")
    if isinstance(value, str):
        return [{"role": "user", "content": value}]
    messages: list[Line] = []
    for index, item in enumerate(body.array("input", required=True, shortest=1) or []):
        fields = Fields(item, f"input[{index}]")
        kind = fields.text("type") or "message"
        if kind == "function_call":
            function = {"name": fields.must_text("name"), "arguments": fields.must_text("arguments")}
            call = {"id": fields.must_text("call_id"), "type": "function", "function": function}
            if messages and messages[-1].get("tool_calls"):
                messages[-1]["tool_calls"].append(call)
            else:
                messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        elif kind == "function_call_output":
            content = _text(fields, "output")
            messages.append({"role": "tool", "tool_call_id": fields.must_text("call_id"), "content": content})
        elif kind == "message":
            role = fields.choice("role", ("user", "assistant", "system", "developer"), required=True)
            messages.append({"role": role, "content": _text(fields, "content")})
        elif kind != "reasoning":
            raise wrong_value(fields.path("type"), kind, ("message", "function_call", "function_call_output"))
    if not messages:
        raise bad_request("Invalid 'input': it holds no message.", "input", "invalid_value")
    return messages


def _text(fields: Fields, name: str) -> str:
    """A text, or a list of text parts."""
    value = fields.value.get(name)
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise wrong_type(fields.path(name), "a string", value)
    texts = []
    for index, part in enumerate(value):
        inner = Fields(part, f"{fields.path(name)}[{index}]")
        kind = inner.must_text("type")
        if kind in ("input_image", "input_file", "input_audio"):
            message = f"Invalid value for '{inner.path('type')}': models on this server read text only."
            raise bad_request(message, inner.path("type"), "invalid_value")
        if kind not in ("input_text", "output_text", "refusal"):
            raise wrong_value(inner.path("type"), kind, ("input_text", "output_text", "refusal"))
        texts.append(inner.must_text("refusal" if kind == "refusal" else "text"))
    return "".join(texts)


class _ResponseBuilder:
    """Makes the response object, and its events, from the generation process's lines."""

    def __init__(self, body: Fields, ask: Line) -> None:
        value = body.value
        self.output: list[Line] = []
        self._number = 0
        self.response: Line = {
            "id": ids.new("resp_"),
            "object": "response",
            "created_at": int(time.time()),
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "instructions": value.get("instructions"),
            "max_output_tokens": ask["max_tokens"],
            "model": value["model"],
            "output": self.output,
            "parallel_tool_calls": value.get("parallel_tool_calls", True),
            "previous_response_id": None,
            "temperature": ask.get("temperature", 1.0),
            "top_p": ask.get("top_p", 1.0),
            "text": value.get("text") or {"format": {"type": "text"}},
            "tool_choice": value.get("tool_choice") or "auto",
            "tools": value.get("tools") or [],
            "truncation": "disabled",
            "metadata": body.metadata(),
            "usage": None,
        }

    def event(self, kind: str, **more: Any) -> bytes:
        """One server-sent event."""
        line = {"type": kind, "sequence_number": self._number, **more}
        self._number += 1
        return b"event: " + kind.encode() + b"\ndata: " + orjson.dumps(line) + b"\n\n"

    def add(self, line: Line) -> list[bytes]:
        """Take a line; return the events that follow from it."""
        if "finish_reason" in line:
            return [*self._close(), self._finish(line)]
        if "call" in line:
            return self._add_call(line["call"])
        return self._add_text(line["delta"]) if line.get("delta") else []

    def _place(self) -> Line:
        return {"item_id": self.output[-1]["id"], "output_index": len(self.output) - 1}

    def _begin(self, item: Line) -> list[bytes]:
        before = self._close()
        self.output.append(item)
        return [*before, self.event("response.output_item.added", output_index=len(self.output) - 1, item=item)]

    def _add_text(self, text: str) -> list[bytes]:
        events: list[bytes] = []
        if not self.output or self.output[-1]["type"] != "message" or self.output[-1]["status"] == "completed":
            item = {"id": ids.new("msg_"), "type": "message", "status": "in_progress", "role": "assistant"}
            events += self._begin({**item, "content": []})
            part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            added = self.event("response.content_part.added", **self._place(), content_index=0, part=part)
            self.output[-1]["content"].append(part)
            events.append(added)
        self.output[-1]["content"][0]["text"] += text
        delta = self.event("response.output_text.delta", **self._place(), content_index=0, delta=text, logprobs=[])
        return [*events, delta]

    def _add_call(self, part: Line) -> list[bytes]:
        if "name" in part:
            item = {"id": ids.new("fc_"), "type": "function_call", "status": "in_progress", "arguments": ""}
            return self._begin({**item, "call_id": part["id"], "name": part["name"]})
        self.output[-1]["arguments"] += part["arguments"]
        return [self.event("response.function_call_arguments.delta", **self._place(), delta=part["arguments"])]

    def _close(self) -> list[bytes]:
        """The events that end the last item."""
        if not self.output or self.output[-1]["status"] == "completed":
            return []
        item, place = self.output[-1], self._place()
        item["status"] = "completed"
        if item["type"] == "message":
            part = item["content"][0]
            inner = {**place, "content_index": 0}
            events = [
                self.event("response.output_text.done", **inner, text=part["text"], logprobs=[]),
                self.event("response.content_part.done", **inner, part=part),
            ]
        else:
            done = "response.function_call_arguments.done"
            events = [self.event(done, **place, name=item["name"], arguments=item["arguments"])]
        index = place["output_index"]
        return [*events, self.event("response.output_item.done", output_index=index, item=item)]

    def _finish(self, line: Line) -> bytes:
        cut = line["finish_reason"] == "length"
        usage = line["usage"]
        self.response["status"] = "incomplete" if cut else "completed"
        self.response["incomplete_details"] = {"reason": "max_output_tokens"} if cut else None
        self.response["usage"] = {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage["prompt_tokens"] + usage["completion_tokens"],
        }
        return self.event(f"response.{self.response['status']}", response=self.response)


async def _collect(answer: _ResponseBuilder, lines: AsyncGenerator[Line]) -> Line:
    async for line in lines:
        answer.add(line)
    return answer.response


async def _stream(
    answer: _ResponseBuilder, first: Line | None, lines: AsyncGenerator[Line]
) -> AsyncIterator[bytes]:
    """The events. Closing the iterator, as when the client disconnects, cancels generation."""
    try:
        for kind in ("response.created", "response.in_progress"):
            yield answer.event(kind, response=answer.response)
        for event in answer.add(first) if first is not None else []:
            yield event
        async for line in lines:
            for event in answer.add(line):
                yield event
    except ApiError as error:
        yield answer.event("error", code=error.code, message=error.message, param=error.param)
    finally:
        await lines.aclose()


ROUTES = [Route("/responses", create, methods=["POST"])]

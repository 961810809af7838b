"""The operations of `/v1/chat/completions`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from curator.server import ids
from curator.server.errors import ApiError
from curator.server.http import list_parameters as pages
from curator.server.http.bodies import read_json
from curator.server.http.responses import json, page
from curator.server.routes import chat_request
from curator.server.routes.chat_request import ChatRequest
from curator.server.routes.sampling_fields import with_defaults
from curator.server.services import blocking, query, services

Line = dict[str, Any]


async def create(request: Request) -> Response:
    """Answer a conversation, in one response or as a stream of server-sent events."""
    own = services(request)
    chat = chat_request.read_chat_request(await read_json(request, own.settings.limits))
    model = await blocking(own.catalog.get, chat.model)
    adapter = None if model.adapter is None else str(model.adapter)
    ask = with_defaults(chat.ask, own.settings)
    lines = own.generator.answer({"base": str(model.path), "adapter": adapter, **ask})
    head = {"id": ids.new(ids.COMPLETION), "created": int(time.time()), "model": chat.model}
    if chat.stream:
        first = await first_line(request, lines)
        return StreamingResponse(
            _events(request, chat, head, first, lines), media_type="text/event-stream", headers=SSE
        )
    body: Line = await cancel_on_disconnect(request, _collect(chat, head, lines))
    if chat.store:
        await blocking(own.completions.add, body, chat.metadata, chat.ask["messages"])
    return json(body)


SSE = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


async def first_line(request: Request, lines: AsyncGenerator[Line]) -> Line | None:
    """The first line of a stream, so that an error before it becomes an ordinary error response; None if there is
    none. A client that goes while its prompt is read ends the work."""

    async def wait() -> Line | None:
        return await anext(lines, None)

    first: Line | None = await cancel_on_disconnect(request, wait())
    return first


async def cancel_on_disconnect(request: Request, work: Any) -> Any:
    """The result of the coroutine `work`. Cancels it and raises ApiError 499 if the client disconnects first."""
    task, disconnect = asyncio.create_task(work), asyncio.create_task(_wait_for_disconnect(request))
    try:
        await asyncio.wait((task, disconnect), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ApiError(499, "The client closed the request.")
        return task.result()
    finally:
        for each in (task, disconnect):
            each.cancel()
        await asyncio.gather(task, disconnect, return_exceptions=True)


async def _wait_for_disconnect(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _CollectedAnswer:
    """Collects the generation process's lines for one request: each choice's text, finish reason, log
    probabilities."""

    def __init__(self, n: int) -> None:
        self.texts = [""] * n
        self.calls: list[list[Line]] = [[] for _ in range(n)]
        self.reasons: list[str | None] = [None] * n
        self.logprobs: list[list[Line]] = [[] for _ in range(n)]
        self.untold: list[list[Line]] = [[] for _ in range(n)]
        """Log probabilities that no event of a stream has told yet."""
        self._prompt = 0
        self._completions = [0] * n

    def add(self, line: Line) -> None:
        """Add one line."""
        index = int(line["index"])
        self.texts[index] += line.get("delta", "")
        if "call" in line:
            _add_call(self.calls[index], line["call"])
        if "logprob" in line:
            self.logprobs[index].append(line["logprob"])
            self.untold[index].append(line["logprob"])
        if "finish_reason" in line:
            self.reasons[index] = line["finish_reason"]
            usage = line.get("usage") or {}
            self._prompt = max(self._prompt, usage.get("prompt_tokens", 0))
            self._completions[index] = usage.get("completion_tokens", 0)

    @property
    def usage(self) -> Line:
        """The API's usage object: the prompt's tokens once, the tokens of all choices."""
        done = sum(self._completions)
        return {"prompt_tokens": self._prompt, "completion_tokens": done, "total_tokens": self._prompt + done}

    def body(self, head: Line) -> Line:
        """The API's chat.completion object."""
        choices = [
            {
                "index": index,
                "message": _message(text, self.calls[index]),
                "finish_reason": self.reasons[index] or "stop",
                "logprobs": _logprobs(self.logprobs[index]),
            }
            for index, text in enumerate(self.texts)
        ]
        return {**head, "object": "chat.completion", "choices": choices, "usage": self.usage}


def _add_call(calls: list[Line], part: Line) -> None:
    """Add a part of a tool call, as the generation process sends it, to the calls of an answer."""
    if "name" in part:
        calls.append({"id": part["id"], "type": "function", "function": {"name": part["name"], "arguments": ""}})
    else:
        calls[part["index"]]["function"]["arguments"] += part["arguments"]


def _message(text: str, calls: list[Line]) -> Line:
    """The API's message object of an answer."""
    message: Line = {"role": "assistant", "content": text or None if calls else text, "refusal": None}
    return {**message, "tool_calls": calls} if calls else message


def _call_delta(part: Line) -> Line:
    """The API's delta of a part of a tool call."""
    if "name" in part:
        function = {"name": part["name"], "arguments": ""}
        return {
            "tool_calls": [{"index": part["index"], "id": part["id"], "type": "function", "function": function}]
        }
    return {"tool_calls": [{"index": part["index"], "function": {"arguments": part["arguments"]}}]}


def _logprobs(tokens: list[Line]) -> Line | None:
    """Log probabilities as the API's object; None where there are none."""
    return {"content": tokens, "refusal": None} if tokens else None


async def _collect(chat: ChatRequest, head: Line, lines: AsyncGenerator[Line]) -> Line:
    answer = _CollectedAnswer(chat.ask["n"])
    async for line in lines:
        answer.add(line)
    return answer.body(head)


async def _events(
    request: Request, chat: ChatRequest, head: Line, first: Line | None, lines: AsyncGenerator[Line]
) -> AsyncIterator[bytes]:
    """The answer as server-sent events. Closing the iterator, as when the client disconnects, cancels
    generation."""
    head = {**head, "object": "chat.completion.chunk"}
    answer = _CollectedAnswer(chat.ask["n"])
    try:
        for index in range(chat.ask["n"]):
            yield _event(head, index, {"role": "assistant", "content": "", "refusal": None})
        if first is not None:
            yield _line_event(head, answer, first)
        async for line in lines:
            yield _line_event(head, answer, line)
    except ApiError as error:
        yield b"data: " + orjson.dumps(error.body()) + b"\n\n"
        return
    finally:
        await lines.aclose()
    if chat.include_usage:
        yield b"data: " + orjson.dumps({**head, "choices": [], "usage": answer.usage}) + b"\n\n"
    if chat.store:
        body, messages = answer.body({**head, "object": "chat.completion"}), chat.ask["messages"]
        await blocking(services(request).completions.add, body, chat.metadata, messages)
    yield b"data: [DONE]\n\n"


def _line_event(head: Line, answer: _CollectedAnswer, line: Line) -> bytes:
    """The event of a line; empty for a log probability, which goes into the next event of its choice."""
    answer.add(line)
    index = int(line["index"])
    if "logprob" in line:
        return b""
    untold, answer.untold[index] = answer.untold[index], []
    if "finish_reason" in line:
        return _event(head, index, {}, answer.reasons[index], _logprobs(untold))
    delta = _call_delta(line["call"]) if "call" in line else {"content": line.get("delta", "")}
    return _event(head, index, delta, None, _logprobs(untold))


def _event(head: Line, index: int, delta: Line, reason: str | None = None, logprobs: Line | None = None) -> bytes:
    choice = {"index": index, "delta": delta, "finish_reason": reason, "logprobs": logprobs}
    return b"data: " + orjson.dumps({**head, "choices": [choice]}) + b"\n\n"


async def listing(request: Request) -> Response:
    """A page of stored completions."""
    own, limit, order = services(request), pages.limit(request, 20), pages.order(request, "asc")
    model, after, metadata = query(request, "model"), query(request, "after"), pages.metadata(request)
    return page(*await blocking(own.completions.page, model, metadata, after, limit, order))


async def retrieve(request: Request) -> Response:
    """One stored completion."""
    return json(await blocking(services(request).completions.get, request.path_params["completion_id"]))


async def update(request: Request) -> Response:
    """Replace the metadata of a stored completion."""
    own = services(request)
    body = await read_json(request, own.settings.limits)
    body.only("metadata")
    return json(await blocking(own.completions.update, request.path_params["completion_id"], body.metadata()))


async def delete(request: Request) -> Response:
    """Delete a stored completion."""
    completion_id = request.path_params["completion_id"]
    await blocking(services(request).completions.delete, completion_id)
    return json({"object": "chat.completion.deleted", "id": completion_id, "deleted": True})


async def messages(request: Request) -> Response:
    """The messages that a stored completion answered."""
    own, limit, order = services(request), pages.limit(request, 20), pages.order(request, "asc")
    listed = await blocking(own.completions.messages, request.path_params["completion_id"])
    if order == "desc":
        listed.reverse()
    after = query(request, "after")
    if after is not None:
        numbers = [number for number, message in enumerate(listed) if message["id"] == after]
        listed = listed[numbers[0] + 1 :] if numbers else []
    return page(listed[:limit], len(listed) > limit)


_ONE = "/chat/completions/{completion_id}"
ROUTES = [
    Route(_ONE, retrieve, methods=["GET"]),
    Route(_ONE, update, methods=["POST"]),
    Route(_ONE, delete, methods=["DELETE"]),
    Route(_ONE + "/messages", messages, methods=["GET"]),
    Route("/chat/completions", create, methods=["POST"]),
    Route("/chat/completions", listing, methods=["GET"]),
]

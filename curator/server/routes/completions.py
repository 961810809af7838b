"""`POST /v1/completions`: raw prompts, without a chat template."""

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
from curator.server.http.fields import Fields, wrong_type
from curator.server.http.responses import json
from curator.server.routes.chat import SSE, cancel_on_disconnect, first_line
from curator.server.routes.chat_request import include_usage, read_stop
from curator.server.routes.sampling_fields import SAMPLING, read_sampling, unsupported, with_defaults
from curator.server.services import blocking, services

Line = dict[str, Any]

_READ = ("model", "prompt", "max_tokens", "n", "stop", "stream", "stream_options", "echo", "logprobs", "user")
_NEUTRAL: dict[str, tuple[Any, ...]] = {"suffix": ("",), "best_of": (1,)}
_MOST_PROMPTS = 128
_DEFAULT_TOKENS = 16


async def create(request: Request) -> Response:
    """Continue one or more prompts, in one response or as a stream."""
    own = services(request)
    body = await read_json(request, own.settings.limits)
    ask, stream = _read(body)
    name = body.must_text("model", shortest=1, longest=512)
    usage = include_usage(body, stream)
    model = await blocking(own.catalog.get, name)
    adapter = None if model.adapter is None else str(model.adapter)
    ask = with_defaults(ask, own.settings)
    lines = own.generator.answer({"base": str(model.path), "adapter": adapter, **ask})
    head = {"id": ids.new("cmpl-"), "object": "text_completion", "created": int(time.time()), "model": name}
    answer = _Completions(len(ask["prompts"]), ask["n"])
    if stream:
        first = await first_line(request, lines)
        events = _events(answer, head, first, lines, usage)
        return StreamingResponse(events, media_type="text/event-stream", headers=SSE)
    return json(await cancel_on_disconnect(request, _collect(answer, head, lines)))


def _read(body: Fields) -> tuple[Line, bool]:
    body.only(*_READ, *SAMPLING, *_NEUTRAL)
    for name, neutral in _NEUTRAL.items():
        value = body.value.get(name)
        if value is not None and value not in neutral:
            raise unsupported(name)
    longest, alternatives = body.integer("max_tokens", 0, 2**31 - 1), body.integer("logprobs", 0, 20)
    ask = {
        "prompts": _prompts(body),
        "max_tokens": _DEFAULT_TOKENS if longest is None else longest,
        "n": body.integer("n", 1, 128) or 1,
        "stop": read_stop(body),
        "echo": bool(body.flag("echo")),
        "logprobs": alternatives is not None,
        "top_logprobs": alternatives or 0,
        **read_sampling(body),
    }
    return ask, bool(body.flag("stream"))


def _prompts(body: Fields) -> list[Any]:
    """The prompts, each a text or a list of token ids."""
    value = body.value.get("prompt")
    if isinstance(value, str):
        return [value]
    listed = body.array("prompt", required=True, shortest=1) or []
    if all(_is_token(item) for item in listed):
        return [listed]
    for index, item in enumerate(listed):
        if not isinstance(item, str) and not (isinstance(item, list) and all(map(_is_token, item))):
            raise wrong_type(f"prompt[{index}]", "a string", item)
    if len(listed) > _MOST_PROMPTS:
        message = f"Invalid 'prompt': at most {_MOST_PROMPTS} prompts in one request, not {len(listed)}."
        raise bad_request(message, "prompt", "array_above_max_length")
    return listed


def _is_token(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


class _Completions:
    """The choices as they arrive."""

    def __init__(self, prompts: int, n: int) -> None:
        self._n = n
        self.texts = [""] * (prompts * n)
        self.reasons: list[str | None] = [None] * (prompts * n)
        self.tokens: list[list[Line]] = [[] for _ in self.texts]
        self.untold: list[list[Line]] = [[] for _ in self.texts]
        self._usage: dict[int, Line] = {}

    def add(self, line: Line) -> None:
        """Add one line of the generation process."""
        index = int(line["index"])
        self.texts[index] += line.get("delta", "")
        if "logprob" in line:
            self.tokens[index].append(line["logprob"])
            self.untold[index].append(line["logprob"])
        if "finish_reason" in line:
            self.reasons[index], self._usage[index] = line["finish_reason"], line["usage"]

    def choice(self, index: int, text: str, tokens: list[Line]) -> Line:
        """The API's choice object."""
        logprobs = _logprobs(tokens) if tokens else None
        return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": self.reasons[index]}

    @property
    def usage(self) -> Line:
        """The tokens of each prompt once, and those of all choices."""
        prompt = sum(usage["prompt_tokens"] for index, usage in self._usage.items() if index % self._n == 0)
        done = sum(usage["completion_tokens"] for usage in self._usage.values())
        return {"prompt_tokens": prompt, "completion_tokens": done, "total_tokens": prompt + done}


def _logprobs(tokens: list[Line]) -> Line:
    offsets, at = [], 0
    for token in tokens:
        offsets.append(at)
        at += len(token["token"])
    top = [{each["token"]: each["logprob"] for each in token["top_logprobs"]} or None for token in tokens]
    return {
        "tokens": [token["token"] for token in tokens],
        "token_logprobs": [token["logprob"] for token in tokens],
        "top_logprobs": top if any(top) else None,
        "text_offset": offsets,
    }


async def _collect(answer: _Completions, head: Line, lines: AsyncGenerator[Line]) -> Line:
    async for line in lines:
        answer.add(line)
    choices = [answer.choice(index, text, answer.tokens[index]) for index, text in enumerate(answer.texts)]
    return {**head, "choices": choices, "usage": answer.usage}


async def _events(
    answer: _Completions, head: Line, first: Line | None, lines: AsyncGenerator[Line], usage: bool
) -> AsyncIterator[bytes]:
    """The answer as server-sent events. Closing the iterator cancels generation."""
    try:
        if first is not None:
            yield _event(answer, head, first)
        async for line in lines:
            yield _event(answer, head, line)
    except ApiError as error:
        yield b"data: " + orjson.dumps(error.body()) + b"\n\n"
        return
    finally:
        await lines.aclose()
    if usage:
        yield b"data: " + orjson.dumps({**head, "choices": [], "usage": answer.usage}) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _event(answer: _Completions, head: Line, line: Line) -> bytes:
    answer.add(line)
    index = int(line["index"])
    if "logprob" in line:
        return b""
    untold, answer.untold[index] = answer.untold[index], []
    choice = answer.choice(index, line.get("delta", ""), untold)
    return b"data: " + orjson.dumps({**head, "choices": [choice]}) + b"\n\n"


ROUTES = [Route("/completions", create, methods=["POST"])]

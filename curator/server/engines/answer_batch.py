"""Decode the answers of several requests together, with either engine: a batch that shrinks as answers finish."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from curator.basemodels import chat_render as render
from curator.basemodels.call_reader import CallReader
from curator.basemodels.text_model import TextModel
from curator.errors import InputError
from curator.server.engines import sampling
from curator.server.engines.text_stream import AnswerText

Request = dict[str, Any]

_DROP_SHARE = 0.8
"""Finished rows are removed when at most this share of the rows is still decoding: removing copies the cache."""


@dataclass(slots=True)
class ChoiceState:
    """One choice (`n` of the API) of one request while it is decoded."""

    request: str
    index: int
    prompt: list[int]
    room: int
    """Most tokens that may be decoded."""
    temperature: float
    top_p: float
    random: np.random.Generator
    answer: AnswerText
    logprobs: list[dict[str, Any]] | None
    calls: CallReader | None
    """Finds tool calls in the answer, where the request declares tools."""
    tokens: int = 0
    """Tokens decoded so far, the end token included."""
    alive: bool = True


class Decoder(Protocol):
    """Sequences that are decoded together; `logits` (sequences, vocabulary) are those of each one's next token."""

    logits: Any

    def advance(self, tokens: Sequence[int]) -> None:
        """Append one token to each sequence."""

    def keep(self, indexes: Sequence[int]) -> None:
        """Drop all sequences but these."""


@dataclass(slots=True)
class LoadedModel:
    """A loaded model: its tokenizer and template, its context length in tokens, and a function that starts
    decoding."""

    text: TextModel
    max_positions: int
    start: Callable[[Sequence[Sequence[int]]], Decoder]


@dataclass(slots=True)
class AnswerBatch:
    """Requests that are answered together. `step` returns lines of the protocol of `children.generate`."""

    context: LoadedModel
    requests: list[Request]
    _rows: list[ChoiceState] = field(init=False)
    _decoder: Decoder | None = None
    _lines: list[dict[str, Any]] = field(default_factory=list)
    _left: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rows = [choice for request in self.requests for choice in self._choices(request)]

    def _choices(self, request: Request) -> list[ChoiceState]:
        """The request's choices. If it cannot be answered there are none, and an error line is queued."""
        request_id, text = str(request["id"]), self.context.text
        limit = self.context.max_positions
        try:
            prompt = render.render_prompt(text, request["messages"], request.get("tools"))
        except InputError as error:
            return self._error(request_id, "invalid_request_error", error.message)
        if not prompt or len(prompt) >= limit:
            message = f"This model's maximum context length is {limit} tokens; the messages have {len(prompt)}."
            return self._error(request_id, "context_length_exceeded", message)
        seed = request.get("seed")
        count = max(1, int(request.get("n") or 1))
        room = min(limit - len(prompt), int(request.get("max_tokens") or limit))
        self._left[request_id] = count
        base = secrets.randbits(63) if seed is None else abs(int(seed))
        return [
            ChoiceState(
                request=request_id,
                index=index,
                prompt=prompt,
                room=room,
                temperature=float(1.0 if request.get("temperature") is None else request["temperature"]),
                top_p=float(1.0 if request.get("top_p") is None else request["top_p"]),
                random=np.random.default_rng([base, index]),
                answer=AnswerText(text, tuple(request.get("stop") or ())),
                logprobs=[] if request.get("logprobs") else None,
                calls=self._call_reader(request),
            )
            for index in range(count)
        ]

    def _call_reader(self, request: Request) -> CallReader | None:
        tools = request.get("tools")
        if not tools:
            return None
        names = {str((tool.get("function") or {}).get("name")) for tool in tools}
        return CallReader(render.tool_form(self.context.text), names)

    def _error(self, request_id: str, code: str, message: str) -> list[ChoiceState]:
        self._lines.append({"id": request_id, "error": {"code": code, "message": message}})
        return []

    @property
    def done(self) -> bool:
        """Whether every request is answered and every line was returned."""
        return not any(row.alive for row in self._rows) and not self._lines

    def cancel(self, request_id: str) -> None:
        """Stop answering a request; no line is sent for it any more."""
        for row in self._rows:
            row.alive = row.alive and row.request != request_id

    def step(self) -> list[dict[str, Any]]:
        """Decode one token of every unfinished choice; the lines to send."""
        self._drop()
        if self._rows:
            if self._decoder is None:
                self._decoder = self.context.start([row.prompt for row in self._rows])
            else:
                self._decoder.advance([row.answer.ids[-1] for row in self._rows])
            for row, logits in zip(self._rows, self._decoder.logits, strict=True):
                if row.alive:
                    self._extend(row, logits)
        lines, self._lines = self._lines, []
        return lines

    def _drop(self) -> None:
        alive = [n for n, row in enumerate(self._rows) if row.alive]
        if self._decoder is None or not alive or len(alive) <= _DROP_SHARE * len(self._rows):
            if self._decoder is not None and len(alive) < len(self._rows):
                self._decoder.keep(alive)
            self._rows = [self._rows[n] for n in alive]

    def _extend(self, row: ChoiceState, logits: Any) -> None:
        token = sampling.choose_token(logits, row.temperature, row.top_p, row.random)
        row.tokens += 1
        if token in self.context.text.end_ids:
            self._finish(row, "stop")
            return
        if row.logprobs is not None:
            row.logprobs.append(self._logprob(token, sampling.token_logprob(logits, token)))
        self._show(row, row.answer.add(token))
        if row.answer.stopped:
            self._finish(row, "stop")
        elif len(row.answer.ids) >= row.room:
            self._finish(row, "length")

    def _show(self, row: ChoiceState, text: str, last: bool = False) -> None:
        """Queue the lines for a new piece of an answer's text: text, and parts of calls."""
        head = {"id": row.request, "index": row.index}
        if row.calls is None:
            if text:
                self._lines.append({**head, "delta": text})
            return
        for piece in row.calls.add(text) + (row.calls.finish() if last else []):
            if piece.call is None:
                self._lines.append({**head, "delta": piece.text})
            elif piece.name is not None:
                call = {"index": piece.call, "id": f"call_{secrets.token_hex(12)}", "name": piece.name}
                self._lines.append({**head, "call": call})
            else:
                self._lines.append({**head, "call": {"index": piece.call, "arguments": piece.text}})

    def _logprob(self, token: int, value: float) -> dict[str, Any]:
        piece = self.context.text.token_bytes(token)
        text = piece.decode("utf-8", "replace")
        return {"token": text, "logprob": value, "bytes": list(piece), "top_logprobs": []}

    def _finish(self, row: ChoiceState, reason: str) -> None:
        row.alive = False
        self._show(row, row.answer.finish(), last=True)
        if row.calls is not None and row.calls.calls and reason == "stop":
            reason = "tool_calls"
        usage = {"prompt_tokens": len(row.prompt), "completion_tokens": row.tokens}
        line = {"id": row.request, "index": row.index, "finish_reason": reason, "usage": usage}
        if row.logprobs is not None:
            line["logprobs"] = row.logprobs
        self._lines.append(line)
        self._left[row.request] -= 1
        if not self._left[row.request]:
            self._lines.append({"id": row.request, "done": True})

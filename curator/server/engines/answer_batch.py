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
from curator.server.engines.choice_state import ChoiceState, Line
from curator.server.engines.constraint import Constraint, ConstraintCompiler, UnmetConstraint
from curator.server.engines.sampling import SamplingRules
from curator.server.engines.text_stream import AnswerText

Request = dict[str, Any]
Observe = Callable[[int, int, Any], None]
"""Called while prompts are read, with a sequence's number, the number of a token of its prompt, and the logits
(tokens, vocabulary) behind it and those that follow it."""

_DROP_SHARE = 0.8
"""Finished rows are removed when at most this share of the rows is still decoding: removing copies the cache."""


class Decoder(Protocol):
    """Sequences that are decoded together; `logits` (sequences, vocabulary) are those of each one's next token."""

    logits: Any

    @property
    def ready(self) -> bool:
        """Whether all prompts are read, so that there are logits."""

    def read(self) -> None:
        """Read the next slice of the prompts."""

    def skip(self, index: int) -> None:
        """Do not read the rest of a sequence's prompt."""

    def advance(self, tokens: Sequence[int]) -> None:
        """Append one token to each sequence."""

    def keep(self, indexes: Sequence[int]) -> None:
        """Drop all sequences but these."""

    def join(self, other: Any) -> bool:
        """Decode another one's sequences here from now on, behind the own ones; False if this one cannot."""


@dataclass(slots=True)
class LoadedModel:
    """A loaded model: its tokenizer and template, its context length in tokens, a function that starts decoding,
    and what keeps answers inside a grammar."""

    text: TextModel
    max_positions: int
    start: Callable[[Sequence[Sequence[int]], Observe | None], Decoder]
    compiler: ConstraintCompiler
    remember: Callable[[Decoder], None] = lambda decoder: None
    """Called when prompts are read, to keep what later prompts may begin with as well."""


@dataclass(slots=True)
class AnswerBatch:
    """Requests that are answered together. `step` returns lines of the protocol of `children.generate`."""

    context: LoadedModel
    requests: list[Request]
    _rows: list[ChoiceState] = field(init=False)
    _decoder: Decoder | None = None
    _scored: bool = False
    """Whether the log probabilities of prompts are wanted."""
    _lines: list[Line] = field(default_factory=list)
    _open_choices: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rows = [choice for request in self.requests for choice in self._choices(request)]
        for row in self._rows:
            row.begin()
        self._collect()

    def _choices(self, request: Request) -> list[ChoiceState]:
        """The request's choices. If it cannot be answered there are none, and an error line is queued."""
        request_id, text = str(request["id"]), self.context.text
        limit = self.context.max_positions
        try:
            prompts = self._prompts(request)
            constraint = self._constraint(request)
        except UnmetConstraint as error:
            message = f"Invalid '{error.param}': this server cannot keep to it: {error.message}."
            return self._error(request_id, "invalid_value", message, error.param)
        except InputError as error:
            return self._error(request_id, "invalid_request_error", error.message)
        longest = max(map(len, prompts))
        if not min(map(len, prompts)) or longest >= limit:
            message = f"This model's maximum context length is {limit} tokens; the messages have {longest}."
            return self._error(request_id, "context_length_exceeded", message)
        seed = request.get("seed")
        count = max(1, int(request.get("n") or 1))
        max_tokens = request.get("max_tokens")
        self._open_choices[request_id] = count * len(prompts)
        base = secrets.randbits(63) if seed is None else abs(int(seed))
        return [
            ChoiceState(
                request=request_id,
                index=index,
                prompt=prompt,
                room=min(limit - len(prompt), limit if max_tokens is None else int(max_tokens)),
                rules=SamplingRules.of_request(request),
                random=np.random.default_rng([base, index]),
                answer=AnswerText(text, tuple(request.get("stop") or ())),
                logprobs=int(request.get("top_logprobs") or 0) if request.get("logprobs") else None,
                calls=self._call_reader(request),
                constraint=constraint.copy() if constraint else None,
                echo=bool(request.get("echo")),
            )
            for index, prompt in enumerate(prompt for prompt in prompts for _ in range(count))
        ]

    def _prompts(self, request: Request) -> list[list[int]]:
        """The token ids of a conversation, or of each raw prompt (a text or token ids)."""
        text = self.context.text
        if "prompts" not in request:
            return [render.render_prompt(text, request["messages"], request.get("tools"))]
        prompts = []
        size = text.tokenizer.get_vocab_size()
        for prompt in request["prompts"]:
            ids = text.encode(prompt) if isinstance(prompt, str) else list(prompt)
            if any(not 0 <= token < size for token in ids):
                raise InputError(f"a prompt has a token that this model lacks: its tokens go from 0 to {size - 1}")
            prompts.append(ids or list(text.end_ids[:1]))  # an empty prompt begins a text
        return prompts

    def _constraint(self, request: Request) -> Constraint | None:
        wish = request.get("constraint")
        return self.context.compiler.compile(wish, render.tool_form(self.context.text)) if wish else None

    def _call_reader(self, request: Request) -> CallReader | None:
        tools = request.get("tools")
        if not tools:
            return None
        names = {str((tool.get("function") or {}).get("name")) for tool in tools}
        return CallReader(render.tool_form(self.context.text), names)

    def _error(self, request_id: str, code: str, message: str, param: str | None = None) -> list[ChoiceState]:
        error = {"code": code, "message": message, **({"param": param} if param else {})}
        self._lines.append({"id": request_id, "error": error})
        return []

    @property
    def done(self) -> bool:
        """Whether every request is answered and every line was returned."""
        return not any(row.alive for row in self._rows) and not self._lines

    def cancel(self, request_id: str) -> None:
        """Stop answering a request; no line is sent for it any more."""
        self._open_choices.pop(request_id, None)
        for index, row in enumerate(self._rows):
            if row.request == request_id:
                row.alive = False
                if self._decoder is not None and not self._decoder.ready:
                    self._decoder.skip(index)

    def join(self, other: AnswerBatch) -> bool:
        """Answer another batch's requests here from now on, where all prompts of both are read; whether it can
        be done. The other one is empty then."""
        mine, theirs = self._decoder, other._decoder
        if mine is None or theirs is None or not mine.ready or not theirs.ready:
            return False
        if self._lines or other._lines:
            return False
        for batch, decoder in ((self, mine), (other, theirs)):
            alive = [n for n, row in enumerate(batch._rows) if row.alive]
            if alive and len(alive) < len(batch._rows):
                decoder.keep(alive)
                batch._rows = [batch._rows[n] for n in alive]
        if not self._rows or not other._rows or not mine.join(theirs):
            return False
        self._rows += other._rows
        self._open_choices |= other._open_choices
        other._rows, other._open_choices = [], {}
        return True

    def step(self) -> list[Line]:
        """Read a slice of the prompts, or decode one token of every unfinished choice; the lines to send."""
        self._drop()
        if self._rows:
            if self._decoder is None:
                self._scored = any(row.echo and row.logprobs is not None for row in self._rows)
                prompts = [row.prompt for row in self._rows]
                self._decoder = self.context.start(prompts, self._observe if self._scored else None)
            elif self._decoder.ready:
                self._decoder.advance([row.answer.ids[-1] if row.answer.ids else 0 for row in self._rows])
            if not self._decoder.ready:
                self._read_slice(self._decoder)
            if self._decoder.ready:
                for row, logits in zip(self._rows, self._decoder.logits, strict=True):
                    if row.alive:
                        row.extend(logits)
        self._collect()
        lines, self._lines = self._lines, []
        return lines

    def _read_slice(self, decoder: Decoder) -> None:
        decoder.read()
        if decoder.ready and not self._scored and all(row.alive for row in self._rows):
            self.context.remember(decoder)

    def _observe(self, index: int, first: int, logits: Any) -> None:
        self._rows[index].observe_prompt(first, logits)

    def _drop(self) -> None:
        if self._decoder is not None and not self._decoder.ready:
            return
        alive = [n for n, row in enumerate(self._rows) if row.alive]
        if self._decoder is None or not alive or len(alive) <= _DROP_SHARE * len(self._rows):
            if self._decoder is not None and len(alive) < len(self._rows):
                self._decoder.keep(alive)
            self._rows = [self._rows[n] for n in alive]

    def _collect(self) -> None:
        """Take the choices' lines. A request is done with its last choice; an error ends all its choices."""
        for row in self._rows:
            lines, row.lines = row.lines, []
            if row.request not in self._open_choices:
                continue
            for line in lines:
                self._lines.append(line)
                if "error" in line:
                    self.cancel(row.request)
                    break
                if "finish_reason" in line:
                    self._open_choices[row.request] -= 1
                    if not self._open_choices[row.request]:
                        self._lines.append({"id": row.request, "done": True})
                        del self._open_choices[row.request]

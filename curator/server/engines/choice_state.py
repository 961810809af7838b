"""One answer (a choice of one request) while it is decoded: from logits to the lines of the protocol."""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from curator.basemodels.call_reader import CallReader
from curator.basemodels.text_model import TextModel
from curator.errors import InputError
from curator.server.engines import sampling
from curator.server.engines.constraint import Constraint
from curator.server.engines.sampling import SamplingRules
from curator.server.engines.text_stream import AnswerText

Line = dict[str, Any]
Array = npt.NDArray[Any]


@dataclass(slots=True)
class ChoiceState:
    """One choice (`n` of the API) of one request while it is decoded."""

    request: str
    index: int
    prompt: list[int]
    room: int
    """Most tokens that may be decoded."""
    rules: SamplingRules
    random: np.random.Generator
    answer: AnswerText
    logprobs: int | None
    """How many alternatives are reported with each token's log probability; None: no log probabilities."""
    calls: CallReader | None = None
    """Finds tool calls in the answer, where the request declares tools."""
    constraint: Constraint | None = None
    echo: bool = False
    """Whether the prompt is repeated before the answer."""
    tokens: int = 0
    """Tokens decoded so far, the end token included."""
    alive: bool = True
    lines: list[Line] = field(default_factory=list)
    """Lines to send."""
    _counts: Counter[int] = field(default_factory=Counter)

    @property
    def text(self) -> TextModel:
        """The model's tokenizer."""
        return self.answer.text

    def begin(self) -> None:
        """Queue the lines that repeat the prompt, if the request asks for that."""
        if self.echo:
            self._say(delta=self.text.tokenizer.decode(self.prompt, skip_special_tokens=False))
            if self.logprobs is not None:
                self._say(logprob=self._logprob(self.prompt[0], None))

    def observe_prompt(self, first: int, logits: Array) -> None:
        """Queue the log probabilities of the prompt's tokens. `logits` (tokens, vocabulary) stand behind the
        tokens from number `first` on."""
        if not self.echo or self.logprobs is None:
            return
        for at, row in enumerate(logits, first + 1):
            if at < len(self.prompt):
                self._say(logprob=self._logprob(self.prompt[at], row))

    def extend(self, logits: Array) -> None:
        """Decode one token, if there is room for one. After an error the choice has an error line and is not
        alive."""
        if not self.room:
            self.finish("length")
            return
        try:
            token = self._choose(logits)
            self.tokens += 1
            ended = token in self.text.end_ids
            if self.constraint is not None and not ended:
                self.constraint.take(token)
        except InputError as error:
            self.fail("constraint_failed", error.message, self.constraint.param if self.constraint else "messages")
            return
        if ended:
            self.finish("stop")
            return
        if self.logprobs is not None:
            self._say(logprob=self._logprob(token, logits))
        self._show(self.answer.add(token))
        if self.answer.stopped or (self.constraint is not None and self.constraint.complete):
            self.finish("stop")
        elif len(self.answer.ids) >= self.room:
            self.finish("length")

    def _choose(self, logits: Array) -> int:
        rules = self.rules
        distinct = np.array([], np.int64)
        if rules.repetition_penalty != 1:
            distinct = np.unique(np.array([*self.prompt, *self.answer.ids], np.int64))
        adjusted = rules.adjust(logits, self._counts, distinct)
        if self.constraint is not None:
            adjusted = self.constraint.mask(adjusted)
            if not np.isfinite(adjusted).any():
                raise InputError("no token of the model's vocabulary can follow here")
        token = rules.choose(adjusted, self.random)
        self._counts[token] += 1
        return token

    def finish(self, reason: str) -> None:
        """Queue the rest of the text, the finish reason and the usage."""
        self.alive = False
        self._show(self.answer.finish(), last=True)
        if self.calls is not None and self.calls.calls and reason == "stop":
            reason = "tool_calls"
        usage = {"prompt_tokens": len(self.prompt), "completion_tokens": self.tokens}
        self._say(finish_reason=reason, usage=usage)

    def fail(self, code: str, message: str, param: str) -> None:
        """End with an error line, which ends the whole request; `param` is the field that is at fault."""
        self.alive = False
        self.lines.append({"id": self.request, "error": {"code": code, "message": message, "param": param}})

    def _say(self, **more: Any) -> None:
        self.lines.append({"id": self.request, "index": self.index, **more})

    def _show(self, text: str, last: bool = False) -> None:
        """Queue the lines for a new piece of the answer's text: text, and parts of calls."""
        if self.calls is None:
            if text:
                self._say(delta=text)
            return
        for piece in self.calls.add(text) + (self.calls.finish() if last else []):
            if piece.call is None:
                self._say(delta=piece.text)
            elif piece.name is not None:
                self._say(call={"index": piece.call, "id": f"call_{secrets.token_hex(12)}", "name": piece.name})
            else:
                self._say(call={"index": piece.call, "arguments": piece.text})

    def _logprob(self, token: int, logits: Array | None) -> Line:
        """A token with its log probability and the likeliest alternatives, in the API's form."""
        entry = self._piece(token)
        if logits is None:  # the first token of a prompt has none
            return {**entry, "logprob": None, "top_logprobs": []}
        if not self.logprobs:
            return {**entry, "logprob": sampling.token_logprob(logits, token), "top_logprobs": []}
        values = sampling.log_probabilities(logits)
        top = [
            {**self._piece(other), "logprob": float(values[other])}
            for other in sampling.likeliest(values, self.logprobs)
        ]
        return {**entry, "logprob": float(values[token]), "top_logprobs": top}

    def _piece(self, token: int) -> Line:
        piece = self.text.token_bytes(token)
        return {"token": piece.decode("utf-8", "replace"), "bytes": list(piece)}

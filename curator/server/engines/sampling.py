"""Draw the next token of an answer from logits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class SamplingRules:
    """How a request wants tokens to be drawn; the defaults change nothing."""

    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    """Only the likeliest `top_k` tokens are drawn from; 0: all."""
    min_p: float = 0.0
    """Only tokens with at least this share of the likeliest one's probability are drawn from."""
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    repetition_penalty: float = 1.0
    """Logits of tokens of the prompt or the answer are divided by it, negative ones multiplied (Keskar et al.
    2019)."""
    bias: Mapping[int, float] = field(default_factory=dict)
    """Added to the logits of single tokens."""

    @staticmethod
    def of_request(request: Mapping[str, Any]) -> SamplingRules:
        """The rules of a request to the generation process; null counts as absent."""
        parameters = {name: request[name] for name in _NAMES if request.get(name) is not None}
        bias = {int(token): float(value) for token, value in (request.get("logit_bias") or {}).items()}
        return SamplingRules(**parameters, bias=bias)

    def adjust(self, logits: Array, answered: Mapping[int, int], distinct: Array) -> Array:
        """The logits with penalties and bias. `answered` counts the answer's tokens; `distinct` holds each token
        of prompt and answer once. `logits` are not changed."""
        if self.repetition_penalty == 1 and not (self.frequency_penalty or self.presence_penalty or self.bias):
            return logits
        out = logits.astype(np.float64)
        if self.repetition_penalty != 1:
            repeated = out[distinct]
            out[distinct] = np.where(
                repeated > 0, repeated / self.repetition_penalty, repeated * self.repetition_penalty
            )
        if answered and (self.frequency_penalty or self.presence_penalty):
            tokens = np.fromiter(answered.keys(), np.int64)
            counts = np.fromiter(answered.values(), np.float64)
            out[tokens] -= self.frequency_penalty * counts + self.presence_penalty
        for token, value in self.bias.items():
            if 0 <= token < len(out):
                out[token] += value
        return out

    def choose(self, logits: Array, random: np.random.Generator) -> int:
        """A token drawn from adjusted logits (vocabulary,); at temperature 0 the likeliest."""
        return choose_token(logits, self.temperature, self.top_p, random, self.top_k, self.min_p)


_NAMES = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
)


def choose_token(
    logits: Array, temperature: float, top_p: float, random: np.random.Generator, top_k: int = 0, min_p: float = 0
) -> int:
    """A token drawn from `logits` (vocabulary,); at temperature 0 the likeliest.

    Only the `top_k` likeliest tokens are drawn from (0: all), of these only those with at least `min_p` of the
    likeliest one's probability (Nguyen et al. 2024), of these only the nucleus: the fewest with a total
    probability of at least `top_p` (Holtzman et al. 2020).
    """
    if temperature <= 0 or top_p <= 0:
        return int(logits.argmax())
    probabilities = logits.astype(np.float64) / temperature
    probabilities -= probabilities.max()
    np.exp(probabilities, out=probabilities)
    if min_p > 0:
        probabilities[probabilities < min_p] = 0
    probabilities /= probabilities.sum()
    tokens = np.arange(len(logits))
    if top_p < 1 or 0 < top_k < len(tokens):
        tokens = np.argsort(-probabilities, kind="stable")[: top_k or None]
        probabilities = probabilities[tokens]
        size = int(np.searchsorted(np.cumsum(probabilities / probabilities.sum()), top_p)) + 1
        tokens, probabilities = tokens[:size], probabilities[:size]
    cumulative = np.cumsum(probabilities)
    drawn = np.searchsorted(cumulative, random.random() * cumulative[-1], side="right")
    return int(tokens[min(int(drawn), len(tokens) - 1)])


def log_probabilities(logits: Array) -> Array:
    """The natural logarithms of the probabilities that `logits` (…, vocabulary) give."""
    out = logits.astype(np.float64)
    out -= out.max(axis=-1, keepdims=True)
    out -= np.log(np.exp(out).sum(axis=-1, keepdims=True))
    return out


def token_logprob(logits: Array, token: int) -> float:
    """Natural logarithm of the probability that `logits` (vocabulary,) give to `token`, without those of all
    others."""
    shifted = logits - logits.max()
    return float(shifted[token]) - math.log(float(np.exp(shifted).sum(dtype=np.float64)))


def likeliest(values: Array, count: int) -> list[int]:
    """The tokens of the `count` greatest values (vocabulary,), the greatest first."""
    if count <= 0:
        return []
    count = min(count, len(values))
    tokens = np.argpartition(-values, count - 1)[:count]
    return [int(token) for token in tokens[np.argsort(-values[tokens], kind="stable")]]

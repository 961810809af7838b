"""Draw the next token of an answer from logits."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def choose_token(logits: Array, temperature: float, top_p: float, random: np.random.Generator) -> int:
    """A token drawn from `logits` (vocabulary,); at temperature 0 the likeliest.

    Only the nucleus is drawn from: the fewest likeliest tokens with a total probability of at least `top_p`
    (Holtzman et al. 2020).
    """
    if temperature <= 0 or top_p <= 0:
        return int(logits.argmax())
    probabilities = logits.astype(np.float64) / temperature
    probabilities -= probabilities.max()
    np.exp(probabilities, out=probabilities)
    probabilities /= probabilities.sum()
    tokens = np.arange(len(logits))
    if top_p < 1:
        tokens = np.argsort(-probabilities, kind="stable")
        probabilities = probabilities[tokens]
        size = int(np.searchsorted(np.cumsum(probabilities), top_p)) + 1
        tokens, probabilities = tokens[:size], probabilities[:size]
    cumulative = np.cumsum(probabilities)
    drawn = np.searchsorted(cumulative, random.random() * cumulative[-1], side="right")
    return int(tokens[min(int(drawn), len(tokens) - 1)])


def token_logprob(logits: Array, token: int) -> float:
    """Natural logarithm of the probability that `logits` give to `token`."""
    top = logits.max()
    total = np.log(np.exp((logits - top).astype(np.float64)).sum())
    return float(logits[token] - top) - float(total)

"""The cross entropy of a packed row's answer tokens, and its gradient at the hidden states."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from curator.basemodels.chat_render import IGNORED, Rendered
from curator.server.engines.embedded.lora import Array

_CHUNK = 256
"""Answer tokens whose logits are in memory at once: 256 × 49,152 float32 are 50 MB."""


@dataclass(slots=True)
class LossTotals:
    """Totals over answer tokens: `loss` in nats, `correct` predictions and `tokens`; `by_example`: the losses of
    examples by their numbers, where they were asked for."""

    loss: float = 0.0
    correct: int = 0
    tokens: int = 0
    by_example: dict[int, float] = field(default_factory=dict)

    def add(self, other: LossTotals) -> None:
        """Add another part's totals."""
        self.loss += other.loss
        self.correct += other.correct
        self.tokens += other.tokens
        self.by_example |= other.by_example

    @property
    def mean_loss(self) -> float:
        """Mean cross entropy of a token, in nats."""
        return self.loss / max(1, self.tokens)

    @property
    def accuracy(self) -> float:
        """Share of tokens that the model found the most likely."""
        return self.correct / max(1, self.tokens)


@dataclass(frozen=True, slots=True)
class ScoredTokens:
    """The log probability of each of N answer tokens, and whether the model found it the most likely."""

    logprobs: Array
    correct: Array

    def sums(self, owners: Array | None = None) -> LossTotals:
        """The totals of plain cross entropy; with the number of each token's example also those of examples."""
        totals = LossTotals(-float(self.logprobs.sum()), int(self.correct.sum()), len(self.logprobs))
        if owners is not None:
            losses = np.bincount(owners, -self.logprobs)
            totals.by_example = {number: float(losses[number]) for number in set(owners.tolist())}
        return totals


def score(hidden: Array, head: Array, targets: Array) -> ScoredTokens:
    """Score `targets` (N,) by hidden states (N, H) and the output matrix `head` (vocabulary, H)."""
    return _score(hidden, head, targets, None)[0]


def score_and_gradient(hidden: Array, head: Array, targets: Array, weights: Array) -> tuple[ScoredTokens, Array]:
    """As `score`, and the gradient of Σ weight·(-log probability) at `hidden`; `weights` is (N,)."""
    scored, d_hidden = _score(hidden, head, targets, weights)
    assert d_hidden is not None
    return scored, d_hidden


def _score(hidden: Array, head: Array, targets: Array, weights: Array | None) -> tuple[ScoredTokens, Array | None]:
    logprobs = np.empty(len(targets), np.float64)
    correct = np.empty(len(targets), bool)
    d_hidden = None if weights is None else np.empty_like(hidden)
    for start in range(0, len(targets), _CHUNK):
        part = slice(start, start + _CHUNK)
        part_targets = targets[part]
        at = np.arange(len(part_targets))
        logits = hidden[part] @ head.T
        correct[part] = logits.argmax(axis=1) == part_targets
        logits -= logits.max(axis=1, keepdims=True)
        target_logits = logits[at, part_targets].astype(np.float64)
        np.exp(logits, out=logits)
        total = logits.sum(axis=1, keepdims=True)
        logprobs[part] = target_logits - np.log(total[:, 0].astype(np.float64))
        if d_hidden is not None and weights is not None:
            logits /= total
            logits[at, part_targets] -= 1
            logits *= weights[part, None]
            d_hidden[part] = logits @ head
    return ScoredTokens(logprobs, correct), d_hidden


def count_answer_tokens(examples: list[Rendered]) -> int:
    """The number of trained tokens of the examples; the first token of an example is none, as nothing predicts
    it."""
    return sum(label != IGNORED for example in examples for label in example.labels[1:])

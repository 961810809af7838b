"""The two training objectives, supervised and DPO: loss and gradient of a batch, computed by several threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from curator.basemodels.chat_render import Rendered, RenderedPair
from curator.server.engines.embedded import batches, loss
from curator.server.engines.embedded.dropout import Dropout
from curator.server.engines.embedded.llama import Llama, Tape
from curator.server.engines.embedded.lora import Adapter, Array
from curator.server.engines.embedded.loss import LossTotals


class Objective(Protocol):
    """A loss over examples that are named by their numbers."""

    def gradient(
        self, batch_numbers: Sequence[int], adapter: Adapter, dropout: Dropout | None = None
    ) -> tuple[LossTotals, Array]:
        """Totals over the batch, and the flat gradient of its mean loss; with `dropout`, where the adapter
        does not see all of its inputs."""

    def measure(self, batch_numbers: Sequence[int], adapter: Adapter) -> LossTotals:
        """Totals over the batch, without a gradient."""


@dataclass(slots=True)
class Shards:
    """Threads with a gradient buffer each. Results are added in a fixed order, so that sums do not depend on
    timing."""

    threads: int
    _pool: ThreadPoolExecutor = field(init=False)
    _buffers: list[Adapter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.threads)

    def run(
        self, parts: Sequence[Any], work: Callable[[Any, Adapter], LossTotals], adapter: Adapter
    ) -> tuple[LossTotals, Array]:
        """Call `work(part, gradient buffer)` for all parts at the same time; the sums of totals and of
        gradients."""
        while len(self._buffers) < len(parts):
            self._buffers.append(adapter.like())
        for buffer in self._buffers:
            buffer.flat[:] = 0

        def quietly(part: Any, grads: Adapter) -> LossTotals:
            with np.errstate(all="ignore"):  # the trainer reports a diverging loss
                return work(part, grads)

        sums = LossTotals()
        for part_sums in self._pool.map(quietly, parts, self._buffers):
            sums.add(part_sums)
        total = self._buffers[0].flat
        for buffer in self._buffers[1 : len(parts)]:
            total += buffer.flat
        return sums, total


class Supervised:
    """Mean cross entropy over the batch's answer tokens. `row_tokens`: most tokens of a row of several examples;
    0 keeps each in a row of its own."""

    def __init__(
        self, model: Llama, examples: Sequence[Rendered], shards: Shards, row_tokens: int = batches.ROW_TOKENS
    ) -> None:
        self._model, self._examples, self._shards = model, examples, shards
        self._row_tokens = row_tokens

    def gradient(
        self, batch_numbers: Sequence[int], adapter: Adapter, dropout: Dropout | None = None
    ) -> tuple[LossTotals, Array]:
        """See Objective."""
        batch = [self._examples[i] for i in batch_numbers]
        weight = 1.0 / max(1, loss.count_answer_tokens(batch))

        def work(part: list[int], grads: Adapter) -> LossTotals:
            sums = LossTotals()
            for row in batches.pack_rows(batch, part, self._row_tokens):
                sums.add(self._backward(row, weight, adapter, grads, dropout))
            return sums

        return self._shards.run(batches.deal_to_shards(batch, self._shards.threads), work, adapter)

    def _backward(
        self,
        row: batches.PackedRow,
        weight: float,
        adapter: Adapter,
        grads: Adapter,
        dropout: Dropout | None,
    ) -> LossTotals:
        if not len(row.read):
            return LossTotals()
        hidden, tape = self._model.record(row, adapter, dropout and dropout.of_row(int(row.owners[0])))
        weights = np.full(len(row.targets), weight, hidden.dtype)
        scored, d_hidden = loss.score_and_gradient(hidden, self._model.head, row.targets, weights)
        self._model.backward(tape, d_hidden, adapter, grads)
        return scored.sums(row.owners)

    def measure(self, batch_numbers: Sequence[int], adapter: Adapter) -> LossTotals:
        """See Objective."""
        batch = [self._examples[i] for i in batch_numbers]

        def work(part: list[int], _grads: Adapter) -> LossTotals:
            sums = LossTotals()
            for row in batches.pack_rows(batch, part, self._row_tokens):
                hidden, _ = self._model.forward(row, adapter)
                sums.add(loss.score(hidden, self._model.head, row.targets).sums())
            return sums

        return self._shards.run(batches.deal_to_shards(batch, self._shards.threads), work, adapter)[0]


class Preference:
    """Direct preference optimisation (Rafailov et al. 2023, sigmoid loss); the reference p₀ is the base model.

    Loss of a pair: -log σ(β·((log p(chosen) - log p₀(chosen)) - (log p(rejected) - log p₀(rejected)))).
    `LossTotals.tokens` counts pairs, `correct` those whose chosen answer gained more probability.
    """

    def __init__(
        self,
        model: Llama,
        pairs: Sequence[RenderedPair],
        beta: float,
        shards: Shards,
        row_tokens: int = batches.ROW_TOKENS,
    ) -> None:
        self._model, self._beta, self._shards = model, beta, shards
        self._row_tokens = row_tokens
        self._examples = [side for pair in pairs for side in (pair.chosen, pair.rejected)]
        self._reference: dict[int, Array] = {}

    def gradient(
        self, batch_numbers: Sequence[int], adapter: Adapter, dropout: Dropout | None = None
    ) -> tuple[LossTotals, Array]:
        """See Objective."""

        def work(part: list[int], grads: Adapter) -> LossTotals:
            sums = LossTotals()
            for pair in part:
                sums.add(self._pair(pair, adapter, grads, 1.0 / len(batch_numbers), dropout))
            return sums

        return self._shards.run(self._deal(batch_numbers), work, adapter)

    def measure(self, batch_numbers: Sequence[int], adapter: Adapter) -> LossTotals:
        """See Objective."""

        def work(part: list[int], _grads: Adapter) -> LossTotals:
            sums = LossTotals()
            for pair in part:
                sums.add(self._pair(pair, adapter, None, 0.0))
            return sums

        return self._shards.run(self._deal(batch_numbers), work, adapter)[0]

    def _deal(self, batch_numbers: Sequence[int]) -> list[list[int]]:
        sized = [Rendered(self._examples[2 * i].ids + self._examples[2 * i + 1].ids, []) for i in batch_numbers]
        return [[batch_numbers[n] for n in part] for part in batches.deal_to_shards(sized, self._shards.threads)]

    def _pair(
        self, pair: int, adapter: Adapter, grads: Adapter | None, weight: float, dropout: Dropout | None = None
    ) -> LossTotals:
        """The totals of one pair; with `grads`, its gradient times `weight` is added there."""
        sides = [2 * pair, 2 * pair + 1]
        rows = batches.pack_rows(self._examples, sides, 2 * self._row_tokens)
        tapes: list[Tape] = []
        hiddens: list[Array] = []
        for row in rows:
            if grads is None:
                hiddens.append(self._model.forward(row, adapter)[0])
            else:
                hidden, tape = self._model.record(row, adapter, dropout and dropout.of_row(int(row.owners[0])))
                hiddens.append(hidden)
                tapes.append(tape)
        gain = self._by_side(rows, hiddens, pair) - self._base(pair, rows)
        margin = self._beta * float(gain[0] - gain[1])
        slope = self._beta * weight * float(np.exp(-np.logaddexp(0.0, margin)))
        for tape, hidden in zip(tapes, hiddens, strict=False):
            assert grads is not None
            weights = np.where(tape.row.owners == sides[0], slope, -slope).astype(hidden.dtype)
            _, d_hidden = loss.score_and_gradient(hidden, self._model.head, tape.row.targets, weights)
            self._model.backward(tape, d_hidden, adapter, grads)
        return LossTotals(float(np.logaddexp(0.0, -margin)), int(margin > 0), 1)

    def _base(self, pair: int, rows: Sequence[batches.PackedRow]) -> Array:
        """Log probabilities of the chosen and the rejected answer under the base model, computed once a pair."""
        if pair not in self._reference:
            hiddens = [self._model.forward(row, None)[0] for row in rows]
            self._reference[pair] = self._by_side(rows, hiddens, pair)
        return self._reference[pair]

    def _by_side(self, rows: Sequence[batches.PackedRow], hiddens: Sequence[Array], pair: int) -> Array:
        """Log probabilities of the chosen and of the rejected answer, (2,)."""
        totals = np.zeros(2)
        for row, hidden in zip(rows, hiddens, strict=True):
            logprobs = loss.score(hidden, self._model.head, row.targets).logprobs
            totals += [logprobs[row.owners == 2 * pair].sum(), logprobs[row.owners == 2 * pair + 1].sum()]
        return totals

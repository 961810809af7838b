"""Batched decoding with a key/value cache; the beginning that all prompts share is computed and stored once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np

from curator.server.engines.embedded import attention, batches
from curator.server.engines.embedded.llama import Llama, Taps, multiply, rms_norm, swiglu
from curator.server.engines.embedded.lora import Adapter, Array

_GROW = 64
"""Positions added to the cache when it is full."""


class EmbeddedDecoder:
    """Sequences of one model that are decoded together, one token a step.

    `logits` (sequences, vocabulary) are those of each one's next token. Prompts hold at least one token. For each
    block the cache holds keys and values of the shared beginning, (kv heads, P, head), and of the rest of each
    sequence, (sequences, kv heads, room, head).
    """

    def __init__(self, model: Llama, adapter: Adapter | None, prompts: Sequence[Sequence[int]]) -> None:
        self._model, self._adapter = model, adapter
        self._prefix = min(
            reduce(min, (batches.common_prefix_length(prompts[0], p) for p in prompts)), min(map(len, prompts)) - 1
        )
        own = [len(prompt) - self._prefix for prompt in prompts]
        self._lengths = np.array(own, dtype=np.int64)
        config, room = model.config, max(own) + _GROW
        shape = (len(prompts), config.num_kv_heads, room, config.head_dim)
        dtype = model.embedding.dtype
        self._shared: list[tuple[Array, Array]] = []
        self._own = [(np.zeros(shape, dtype), np.zeros(shape, dtype)) for _ in model.layers]
        hidden = np.empty((len(prompts), config.hidden_size), dtype)
        for first, last in _prefill_ranges(own):
            self._prefill(prompts, range(first, last), hidden)
        self.logits: Array = hidden @ model.head.T

    def _prefill(self, prompts: Sequence[Sequence[int]], numbers: range, hidden: Array) -> None:
        """Compute the prompts with these numbers as one packed row; fills the cache and their rows of `hidden`."""
        row = batches.pack_prompts([prompts[i] for i in numbers], self._prefix)
        saved: list[tuple[Array, Array]] = []

        def keep(taps: Taps) -> None:
            saved.append((taps.attended.k, taps.attended.v))

        hidden[list(numbers)] = self._model.forward(row, self._adapter, keep)[0]
        if not self._shared:
            self._shared = [(k[:, : self._prefix].copy(), v[:, : self._prefix].copy()) for k, v in saved]
        for (keys, values), own in zip(saved, self._own, strict=True):
            at = self._prefix
            for index in numbers:
                end = at + int(self._lengths[index])
                own[0][index, :, : end - at] = keys[:, at:end]
                own[1][index, :, : end - at] = values[:, at:end]
                at = end

    def keep(self, indexes: Sequence[int]) -> None:
        """Drop all sequences but these."""
        self._lengths = self._lengths[indexes]
        self._own = [(k[indexes], v[indexes]) for k, v in self._own]
        self.logits = self.logits[indexes]

    def advance(self, tokens: Sequence[int]) -> None:
        """Append one token to each sequence and compute the logits of the next."""
        model, config = self._model, self._model.config
        self._grow()
        x = model.embedding[np.asarray(tokens)]
        turn = attention.rotary(self._lengths + self._prefix, config, x.dtype)
        filled = np.arange(int(self._lengths.max()) + 1) <= self._lengths[:, None]
        mask = np.where(filled, 0, -np.inf).astype(x.dtype)[:, None, None, :]
        for number, layer in enumerate(model.layers):
            normed = rms_norm(x, layer.attention_norm, config.rms_eps)
            qkv, _ = model.project("qkv", number, normed, self._adapter)
            o, _ = model.project("o", number, self._attend(number, qkv, turn, mask), self._adapter)
            x = x + o
            normed = rms_norm(x, layer.mlp_norm, config.rms_eps)
            gate_up, _ = model.project("gate_up", number, normed, self._adapter)
            down, _ = model.project("down", number, swiglu(gate_up), self._adapter)
            x += down
        self._lengths = self._lengths + 1
        self.logits = multiply(rms_norm(x, model.norm, config.rms_eps), model.head)

    def _grow(self) -> None:
        if int(self._lengths.max()) + 1 < self._own[0][0].shape[2]:
            return
        pad = ((0, 0), (0, 0), (0, _GROW), (0, 0))
        self._own = [(np.pad(k, pad), np.pad(v, pad)) for k, v in self._own]

    def _attend(self, number: int, qkv: Array, turn: tuple[Array, Array], mask: Array) -> Array:
        """Attention of one new token a sequence to the shared and to its own cache, (sequences, heads·head)."""
        config = self._model.config
        q, k, v = attention.split_heads(qkv, config)
        count, groups, size, used = len(q), config.num_kv_heads, config.head_dim, mask.shape[-1]
        q = attention.rotate(q, *turn)
        q *= q.dtype.type(size**-0.5)
        keys, values = self._own[number]
        at = np.arange(count), slice(None), self._lengths
        keys[at], values[at] = attention.rotate(k, *turn), v
        grouped = q.reshape(count, groups, -1, size)
        by_group = np.ascontiguousarray(grouped.swapaxes(0, 1)).reshape(groups, -1, size)
        shared_keys, shared_values = self._shared[number]
        shared = (by_group @ shared_keys.swapaxes(1, 2)).reshape(groups, count, -1, self._prefix).swapaxes(0, 1)
        own = grouped @ keys[:, :, :used].swapaxes(2, 3)
        own += mask
        scores = np.concatenate([shared, own], axis=-1)
        attention.softmax(scores)
        out = scores[..., self._prefix :] @ values[:, :, :used]
        before = np.ascontiguousarray(scores[..., : self._prefix].swapaxes(0, 1)).reshape(groups, -1, self._prefix)
        out += (before @ shared_values).reshape(groups, count, -1, size).swapaxes(0, 1)
        return out.reshape(count, -1)


def _prefill_ranges(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Split the prompts into ranges of at most ROW_TOKENS tokens together (a longer prompt stays alone)."""
    out: list[tuple[int, int]] = []
    start, total = 0, 0
    for index, size in enumerate(sizes):
        if index > start and total + size > batches.ROW_TOKENS:
            out.append((start, index))
            start, total = index, 0
        total += size
    return [*out, (start, len(sizes))]

"""Batched decoding with a key/value cache. Prompts are read in slices; the beginning that all of them share is
read and stored once, and what an earlier prompt began with as well is not read again. Batches join."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from curator.server.engines.embedded import attention, batches
from curator.server.engines.embedded.beginnings import KeysAndValues, ReadBeginning
from curator.server.engines.embedded.llama import Llama, swiglu
from curator.server.engines.embedded.lora import Adapter, Array
from curator.server.engines.embedded.norms import rms_norm

_GROW = 64
"""Positions added to the cache when it is full."""
_WASTE = 1.5
"""Batches join if at most so many times the positions are attended to then: their lengths are padded to one."""
SLICE_TOKENS = 64
"""Most tokens of prompts that are read at once: between two slices others have their turn. Slices of 128 take 3 %
less time for a long prompt, of 32 a fifth more (measured, SmolLM2-135M)."""
SCORED_TOKENS = 32
"""The same where the logits behind each of them are wanted."""

Observe = Callable[[int, int, Array], None]


@dataclass(frozen=True, slots=True)
class Segment:
    """Tokens `first` to `last` (exclusive) of a sequence's own part of the prompt; of the shared beginning for
    the sequence -1."""

    sequence: int
    first: int
    last: int


class EmbeddedDecoder:
    """Sequences of one model that are decoded together, one token a step.

    `logits` (sequences, vocabulary) are those of each one's next token, once all prompts are read. Prompts hold at
    least one token. For each block the cache holds keys and values of the shared beginning, (kv heads, P, head),
    and of the rest of each sequence, (sequences, kv heads, room, head). `observe` is called with the logits behind
    each token of the prompts; nothing is shared then. `beginning` is one of all prompts that was read before.
    """

    def __init__(
        self,
        model: Llama,
        adapter: Adapter | None,
        prompts: Sequence[Sequence[int]],
        observe: Observe | None = None,
        beginning: ReadBeginning | None = None,
    ) -> None:
        self._model, self._adapter, self._prompts, self._observe = model, adapter, prompts, observe
        before = 0 if beginning is None or observe else len(beginning.tokens)
        self._prefix = before if observe or len(prompts) == 1 else shared_length(prompts)
        own = [len(prompt) - self._prefix for prompt in prompts]
        self._lengths = np.array(own, dtype=np.int64)
        config, room = model.config, max(own) + _GROW
        shape = (len(prompts), config.num_kv_heads, room, config.head_dim)
        shared_shape = (config.num_kv_heads, self._prefix, config.head_dim)
        dtype = model.embedding.dtype
        self._shared = [(np.zeros(shared_shape, dtype), np.zeros(shared_shape, dtype)) for _ in model.layers]
        self._own = [(np.zeros(shape, dtype), np.zeros(shape, dtype)) for _ in model.layers]
        if before and beginning is not None:
            for into, what in zip(self._shared, beginning.cache, strict=True):
                into[0][:, :before], into[1][:, :before] = what
        self._slices = _cut_slices(before, self._prefix, own, SCORED_TOKENS if observe else SLICE_TOKENS)
        self._read = 0
        self._skipped: set[int] = set()
        self._hidden = np.zeros((len(prompts), config.hidden_size), dtype)
        self.logits: Array = np.zeros((0, 0), dtype)

    @property
    def ready(self) -> bool:
        """Whether all prompts are read."""
        return self._read == len(self._slices)

    def skip(self, index: int) -> None:
        """Do not read the rest of a sequence's prompt."""
        self._skipped.add(index)

    def read(self) -> None:
        """Read the next slice of the prompts; after the last one there are logits."""
        segments = [segment for segment in self._slices[self._read] if segment.sequence not in self._skipped]
        self._read += 1
        if len(self._skipped) == len(self._prompts):
            self._read = len(self._slices)
        elif segments:
            self._read_segments(segments)
        if self.ready:
            self.logits = self._model.products.multiply(self._hidden, self._model.head)

    def _read_segments(self, segments: list[Segment]) -> None:
        model, config = self._model, self._model.config
        ids, positions = self._tokens(segments)
        x = model.embedding[ids]
        turn = attention.rotary(positions, config, x.dtype)
        for number, layer in enumerate(model.layers):
            normed = rms_norm(x, layer.attention_norm, config.rms_eps)
            qkv, _ = model.project("qkv", number, normed, self._adapter)
            mixed = self._attend_segments(number, qkv, turn, segments)
            o, _ = model.project("o", number, mixed, self._adapter)
            x = x + o
            normed = rms_norm(x, layer.mlp_norm, config.rms_eps)
            gate_up, _ = model.project("gate_up", number, normed, self._adapter)
            down, _ = model.project("down", number, swiglu(gate_up), self._adapter)
            x += down
        self._take_hidden(rms_norm(x, model.norm, config.rms_eps), segments)

    def _tokens(self, segments: list[Segment]) -> tuple[Array, Array]:
        """The ids and positions of the segments' tokens, one after another."""
        ids: list[int] = []
        positions: list[int] = []
        for segment in segments:
            before = 0 if segment.sequence < 0 else self._prefix
            places = range(before + segment.first, before + segment.last)
            ids += self._prompts[max(segment.sequence, 0)][places.start : places.stop]
            positions += places
        return np.array(ids, np.int64), np.array(positions, np.int64)

    def _take_hidden(self, hidden: Array, segments: list[Segment]) -> None:
        at = 0
        for segment in segments:
            part = hidden[at : at + segment.last - segment.first]
            at += len(part)
            if segment.sequence < 0:
                continue
            self._hidden[segment.sequence] = part[-1]
            if self._observe is not None:
                self._observe(segment.sequence, segment.first, part @ self._model.head.T)

    def _attend_segments(
        self, number: int, qkv: Array, turn: tuple[Array, Array], segments: list[Segment]
    ) -> Array:
        """Attention of the segments' tokens, (tokens, heads·head), to what was read before and to each other."""
        config = self._model.config
        q, k, v = attention.prepare_heads(qkv, turn, config, self._model.layers[number].head_norms)
        out = np.empty((len(qkv), config.num_heads * config.head_dim), qkv.dtype)
        at = 0
        for segment in segments:
            tokens = slice(at, at + segment.last - segment.first)
            at = tokens.stop
            before = self._shared[number] if segment.sequence >= 0 else None
            own = (
                self._shared[number]
                if segment.sequence < 0
                else (self._own[number][0][segment.sequence], self._own[number][1][segment.sequence])
            )
            own[0][:, segment.first : segment.last] = k[tokens].swapaxes(0, 1)
            own[1][:, segment.first : segment.last] = v[tokens].swapaxes(0, 1)
            own_before = own[0][:, : segment.last], own[1][:, : segment.last]
            out[tokens] = attention.attend_to_cache(q[tokens], before, own_before, config, self._model.products)
        return out

    def beginning(self, most: int) -> tuple[Sequence[int], KeysAndValues]:
        """At most `most` first tokens of the prompts' shared beginning (of a lone prompt: of all of it), with keys
        and values. Holds while no token was appended and no prompt was skipped."""
        shared = min(self._prefix, most)
        parts = [(keys[:, :shared], values[:, :shared]) for keys, values in self._shared]
        if len(self._prompts) > 1:
            return self._prompts[0][:shared], parts
        own = min(len(self._prompts[0]), most) - shared
        return self._prompts[0][: shared + own], [
            (np.concatenate([a, c[0, :, :own]], axis=1), np.concatenate([b, d[0, :, :own]], axis=1))
            for (a, b), (c, d) in zip(parts, self._own, strict=True)
        ]

    def join(self, other: EmbeddedDecoder) -> bool:
        """Decode the other one's sequences here from now on, behind the own ones. False if that would cost more
        than it saves, since the lengths differ much; then nothing has changed. Both must be ready."""
        first, second = self._prompts[0][: self._prefix], other._prompts[0][: other._prefix]
        common = batches.common_prefix_length(first, second)
        sizes = [[int(one._lengths.max()) + one._prefix - common, len(one._lengths)] for one in (self, other)]
        apart = sum(length * count for length, count in sizes)
        together = max(length for length, _ in sizes) * sum(count for _, count in sizes)
        if self._adapter is not other._adapter or together > _WASTE * (apart + _GROW):
            return False
        self._share_only(common)
        other._share_only(common)
        room = max(self._own[0][0].shape[2], other._own[0][0].shape[2])
        for number, (ours, theirs) in enumerate(zip(self._own, other._own, strict=True)):
            keys, values = (
                np.concatenate([_widen(a, room), _widen(b, room)]) for a, b in zip(ours, theirs, strict=True)
            )
            self._own[number] = keys, values
        self._lengths = np.concatenate([self._lengths, other._lengths])
        self.logits = np.concatenate([self.logits, other.logits])
        return True

    def _share_only(self, tokens: int) -> None:
        """Let the sequences share only the first `tokens`: the rest of what they share becomes each one's own."""
        if tokens == self._prefix:
            return
        for number, (shared, own) in enumerate(zip(self._shared, self._own, strict=True)):
            rests = [
                np.broadcast_to(part[None, :, tokens:], (len(own[0]), *part[:, tokens:].shape)) for part in shared
            ]
            keys, values = (np.concatenate([rest, part], axis=2) for rest, part in zip(rests, own, strict=True))
            self._own[number] = keys, values
        self._shared = [(keys[:, :tokens], values[:, :tokens]) for keys, values in self._shared]
        self._lengths = self._lengths + (self._prefix - tokens)
        self._prefix = tokens

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
        self.logits = model.products.multiply(rms_norm(x, model.norm, config.rms_eps), model.head)

    def _grow(self) -> None:
        if int(self._lengths.max()) + 1 < self._own[0][0].shape[2]:
            return
        room = self._own[0][0].shape[2] + _GROW
        self._own = [(_widen(keys, room), _widen(values, room)) for keys, values in self._own]

    def _attend(self, number: int, qkv: Array, turn: tuple[Array, Array], mask: Array) -> Array:
        """Attention of one new token a sequence to the shared and to its own cache, (sequences, heads·head)."""
        config = self._model.config
        q, k, v = attention.prepare_heads(qkv, turn, config, self._model.layers[number].head_norms)
        count, groups, size, used = len(q), config.num_kv_heads, config.head_dim, mask.shape[-1]
        together = config.num_heads // groups
        keys, values = self._own[number]
        at = np.arange(count), slice(None), self._lengths
        keys[at], values[at] = k, v
        grouped = q.reshape(count, groups, together, size)
        by_group = np.ascontiguousarray(grouped.swapaxes(0, 1)).reshape(groups, count * together, size)
        shared_keys, shared_values = self._shared[number]
        shared = (by_group @ shared_keys.swapaxes(1, 2)).reshape(groups, count, together, self._prefix)
        shared = shared.swapaxes(0, 1)
        own = grouped @ keys[:, :, :used].swapaxes(2, 3)
        own += mask
        scores = np.concatenate([shared, own], axis=-1)
        attention.softmax(scores)
        out = scores[..., self._prefix :] @ values[:, :, :used]
        before = np.ascontiguousarray(scores[..., : self._prefix].swapaxes(0, 1)).reshape(
            groups, count * together, self._prefix
        )
        out += (before @ shared_values).reshape(groups, count, together, size).swapaxes(0, 1)
        return out.reshape(count, -1)


def _widen(cache: Array, room: int) -> Array:
    """Keys or values (sequences, kv heads, tokens, head) with place for `room` tokens."""
    missing = room - cache.shape[2]
    return np.pad(cache, ((0, 0), (0, 0), (0, missing), (0, 0))) if missing > 0 else cache


def shared_length(prompts: Sequence[Sequence[int]]) -> int:
    """How many tokens all prompts begin with; each keeps one of its own, behind which its logits are."""
    shared = reduce(min, (batches.common_prefix_length(prompts[0], prompt) for prompt in prompts))
    return min(shared, min(map(len, prompts)) - 1)


def _cut_slices(first_unread: int, prefix: int, own: Sequence[int], size: int) -> list[list[Segment]]:
    """The order in which prompts are read: of the shared beginning what was not read, then each one's own part, in
    slices of at most `size` tokens; a slice holds several short parts."""
    out = [[Segment(-1, first, min(first + size, prefix))] for first in range(first_unread, prefix, size)]
    row: list[Segment] = []
    room = size
    for sequence, length in enumerate(own):
        first = 0
        while first < length:
            last = min(length, first + room)
            row.append(Segment(sequence, first, last))
            room -= last - first
            first = last
            if not room:
                out.append(row)
                row, room = [], size
    return [*out, row] if row else out

"""Keys and values of the beginnings of recent prompts: a system prompt, or a conversation so far, is read once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from curator.server.engines.embedded.batches import common_prefix_length
from curator.server.engines.embedded.lora import Array

KeysAndValues = list[tuple[Array, Array]]
"""For each block keys and values, (kv heads, tokens, head)."""
LEAST_TOKENS = 8
"""Shorter beginnings are read again: that costs less than a search."""
MOST_TOKENS = 512
"""Of a longer prompt only so much is kept."""
_KEPT_TOKENS = 2048
"""Tokens of all kept beginnings together."""


@dataclass(slots=True)
class ReadBeginning:
    """The first tokens of a prompt, and what each block computed of them with an adapter (its folder, or None)."""

    adapter: str | None
    tokens: list[int]
    cache: KeysAndValues


@dataclass(slots=True)
class KeptBeginnings:
    """The beginnings that were read with one base model, the most recently used last."""

    kept: list[ReadBeginning] = field(default_factory=list)

    def find(self, adapter: str | None, tokens: Sequence[int]) -> ReadBeginning | None:
        """The longest kept beginning of `tokens`, cut to what agrees; None if there is none worth it."""
        lengths = [common_prefix_length(one.tokens, tokens) if one.adapter == adapter else 0 for one in self.kept]
        longest = max(lengths, default=0)
        if longest < LEAST_TOKENS:
            return None
        at = lengths.index(longest)
        self.kept.append(self.kept.pop(at))
        whole = self.kept[-1]
        cut = [(keys[:, :longest], values[:, :longest]) for keys, values in whole.cache]
        return ReadBeginning(adapter, whole.tokens[:longest], cut)

    def keep(self, adapter: str | None, tokens: Sequence[int], cache: KeysAndValues) -> None:
        """Keep a copy of a beginning, unless one that begins with it is there; the oldest ones go."""
        size = min(len(tokens), MOST_TOKENS)
        own = list(tokens[:size])
        same = [one for one in self.kept if one.adapter == adapter]
        if size < LEAST_TOKENS or any(one.tokens[:size] == own for one in same):
            return
        shorter = [one for one in same if own[: len(one.tokens)] == one.tokens]
        self.kept = [one for one in self.kept if not any(one is other for other in shorter)]
        copies = [(keys[:, :size].copy(), values[:, :size].copy()) for keys, values in cache]
        self.kept.append(ReadBeginning(adapter, own, copies))
        while sum(len(one.tokens) for one in self.kept) > _KEPT_TOKENS:
            self.kept.pop(0)

"""MinHash sketches of many texts at once, vectorised with NumPy.

Each text becomes its set of word hashes without the words that stand in more than 5 % of the texts
(they say nothing about copies), and the set becomes `HASHES` minimums under random linear maps
(Broder 1997, "On the resemblance and containment of documents"). Two texts agree in a share of
minimums that estimates the Jaccard similarity of their sets.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.texts import fold

HASHES = 72
_BATCH = 2_000
_SLOTS = 1 << 20
_BASE = np.uint64(0x9E3779B97F4A7C15 | 1)
_STOP_SHARE = 0.05
_STOP_FROM = 200
"""Below so many texts no word is dropped: 5 % of a handful is chance."""

_STOP_MOST = 0.7
"""Common words are dropped up to this share of all words: a small vocabulary is all common words."""

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]


def _constants() -> tuple[U32, U32]:
    """Odd multipliers and addends from a fixed stream (SplitMix64), the same with every NumPy."""
    state = (np.arange(1, 2 * HASHES + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    drawn = (state >> np.uint64(32)).astype(np.uint32)
    return drawn[:HASHES] | np.uint32(1), drawn[HASHES:]


_MULTIPLY, _ADD = _constants()


def _powers(base: np.uint64, count: int) -> U64:
    out = np.full(count, base, dtype=np.uint64)
    out[0] = 1
    return np.multiply.accumulate(out)


class _Hasher:
    """Word hashes of one text block: a polynomial in the bytes, read off one running sum (mod 2**64)."""

    def __init__(self) -> None:
        self._up: U64 = _powers(_BASE, 1 << 16)
        self._down: U64 = self._up
        self._grow(1 << 16)

    def _grow(self, count: int) -> None:
        if len(self._up) < count or self._down is self._up:
            size = max(count, 2 * len(self._up))
            self._up = _powers(_BASE, size)
            self._down = _powers(np.uint64(pow(int(_BASE), -1, 2**64)), size)

    def words(self, block: bytes) -> tuple[U64, NDArray[np.int64], NDArray[np.int64]]:
        """Of a block of texts ending in NUL each: word hashes, the text each is in, and words by text."""
        data = np.frombuffer(block, dtype=np.uint8)
        self._grow(len(data) + 1)
        inside = data > 0x20
        # Scripts written without blanks: every character from U+3000 to U+9FFF begins a word of its own.
        lone = (data >= 0xE3) & (data <= 0xE9)
        before = np.empty_like(inside)
        before[0], before[1:] = False, inside[:-1]
        starts = np.flatnonzero(inside & (~before | lone))
        edges = ~inside & before
        if lone.any():
            edges |= lone & before
        ends = np.flatnonzero(edges)
        sums = np.zeros(len(data) + 1, dtype=np.uint64)
        np.cumsum(data * self._up[: len(data)], out=sums[1:])
        hashes = (sums[ends] - sums[starts]) * self._down[starts]
        hashes ^= hashes >> np.uint64(32)
        hashes *= np.uint64(0xD6E8FEB86659FD93)
        hashes ^= hashes >> np.uint64(29)
        counts = np.diff(np.searchsorted(starts, np.flatnonzero(data == 0)), prepend=0)
        return hashes, np.repeat(np.arange(len(counts)), counts), counts


class Sketcher:
    """Turns texts into sketches; the common words are learnt from the first batch it sees."""

    def __init__(self) -> None:
        self._hasher = _Hasher()
        self._stop: NDArray[np.bool_] | None = None

    @property
    def common(self) -> NDArray[np.int32]:
        """The slots of the words that were learnt to be common; can be set, to go on where another stopped."""
        return np.flatnonzero(self._stop if self._stop is not None else []).astype(np.int32)

    @common.setter
    def common(self, slots: NDArray[Any]) -> None:
        self._stop = np.zeros(_SLOTS, dtype=np.bool_)
        self._stop[slots] = True

    def sketch(self, texts: Sequence[str]) -> tuple[U32, U64]:
        """Sketches (n × HASHES; all ones where a text has no word left) and order-keeping hashes (n) of texts."""
        parts = [self._batch(texts[at : at + _BATCH]) for at in range(0, len(texts), _BATCH)]
        if not parts:
            return np.empty((0, HASHES), np.uint32), np.empty(0, np.uint64)
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _batch(self, texts: Sequence[str]) -> tuple[U32, U64]:
        hashes, owner, counts = self._hasher.words(fold(texts))
        order = _ordered(hashes, counts)
        if self._stop is None:
            self._stop = self._learn(hashes, owner, len(texts))
        hashes, owner = _features(hashes, owner, ~self._stop[hashes & np.uint64(_SLOTS - 1)], len(texts))
        sketches = np.full((len(texts), HASHES), 0xFFFFFFFF, dtype=np.uint32)
        firsts = np.flatnonzero(np.diff(owner, prepend=-1))
        filled = owner[firsts]
        if len(filled):
            short = (hashes >> np.uint64(32)).astype(np.uint32)
            made = np.empty((HASHES, len(filled)), dtype=np.uint32)
            for column in range(HASHES):
                np.minimum.reduceat(short * _MULTIPLY[column] + _ADD[column], firsts, out=made[column])
            sketches[filled] = made.T
        return sketches, order

    def _learn(self, hashes: U64, owner: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
        stop = np.zeros(_SLOTS, dtype=np.bool_)
        if count >= _STOP_FROM:
            slots = (hashes & np.uint64(_SLOTS - 1)).astype(np.int64)
            pairs = np.unique((owner << np.int64(20)) | slots)
            seen = np.bincount(pairs & (_SLOTS - 1), minlength=_SLOTS)
            common = np.flatnonzero(seen > _STOP_SHARE * count)
            uses = np.bincount(slots, minlength=_SLOTS)[common]
            order = np.argsort(-uses, kind="stable")
            stop[common[order[np.cumsum(uses[order]) <= _STOP_MOST * len(slots)]]] = True
        return stop


def _features(
    hashes: U64, owner: NDArray[np.int64], kept: NDArray[np.bool_], count: int
) -> tuple[U64, NDArray[np.int64]]:
    """The words to keep, and for texts left with none their pairs of neighbouring words."""
    poor = np.bincount(owner[kept], minlength=count) == 0
    pairs = np.flatnonzero(poor[owner[:-1]] & (owner[:-1] == owner[1:]))
    if not len(pairs):
        return hashes[kept], owner[kept]
    features = np.concatenate([hashes[kept], hashes[pairs] * np.uint64(3) + hashes[pairs + 1]])
    owners = np.concatenate([owner[kept], owner[pairs]])
    order = np.argsort(owners, kind="stable")
    return features[order], owners[order]


def _ordered(hashes: U64, counts: NDArray[np.int64]) -> U64:
    """One hash a text that depends on its words and their order; 0 for a text without words."""
    firsts = np.concatenate(([0], np.cumsum(counts)[:-1])) if len(counts) else np.empty(0, np.int64)
    place = np.arange(len(hashes)) - np.repeat(firsts, counts)
    powers = _powers(np.uint64(0xA0761D6478BD642F), int(counts.max(initial=0)) + 1)
    weighted = hashes * powers[place]
    out = np.zeros(len(counts), dtype=np.uint64)
    filled = counts > 0
    if filled.any():
        out[filled] = np.add.reduceat(weighted, firsts[filled])
    return out

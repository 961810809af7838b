"""Which texts of two sides share phrases: candidates for leaks, found without the sketches of the index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.candidates import Pairs
from curator.core.duplicates.sketch import distinct, folded, words

_FEW_WORDS = 40
"""Of longer texts every fourth phrase is remembered, chosen by its hash."""
_COMMON = 50
"""A phrase that stands in more texts than this tells nothing."""
_SHARE = 0.2
_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)

Mask = NDArray[np.bool_]
Numbers = NDArray[np.uint64]


class Phrases:
    """Pairs of neighbouring words of many texts, by row."""

    def __init__(self, batches: Iterable[Sequence[str]]) -> None:
        phrases, owners, at = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)], 0
        for texts in batches:
            found, owner = _phrases(texts)
            phrases.append(found)
            owners.append(owner + np.uint64(at))
            at += len(texts)
        everything, owned = np.concatenate(phrases), np.concatenate(owners)
        order = np.argsort(everything)
        everything, owned = everything[order], owned[order]
        starts = np.flatnonzero(np.append(True, everything[1:] != everything[:-1])[: len(everything)])
        lengths = np.diff(np.append(starts, len(everything)))
        rare = np.repeat(lengths <= _COMMON, lengths)
        self._phrases, self._owners = everything[rare], owned[rare]
        self._sizes = np.bincount(self._owners.astype(np.int64), minlength=at)

    def across(self, held: Mask) -> Pairs:
        """Pairs of a held row and another that share a fifth of the rarer phrases of the shorter text."""
        at = np.flatnonzero(self._phrases[:-1] == self._phrases[1:])
        met = [np.empty(0, np.uint64)]
        for step in range(1, _COMMON):
            at = at[at + step < len(self._phrases)]
            at = at[self._phrases[at] == self._phrases[at + step]]
            if not len(at):
                break
            left, right = self._owners[at], self._owners[at + step]
            apart = held[left.astype(np.int64)] != held[right.astype(np.int64)]
            left, right = left[apart], right[apart]
            met.append(np.minimum(left, right) << _SHIFT | np.maximum(left, right))
        return self._enough(np.concatenate(met), held)

    def _enough(self, codes: Numbers, held: Mask) -> Pairs:
        pairs = distinct(codes)
        ordered = np.sort(codes)
        counts = np.searchsorted(ordered, pairs, "right") - np.searchsorted(ordered, pairs, "left")
        low, high = (pairs >> _SHIFT).astype(np.int64), (pairs & _LOW).astype(np.int64)
        enough = counts >= _SHARE * np.minimum(self._sizes[low], self._sizes[high])
        low, high = low[enough], high[enough]
        return np.stack([np.where(held[low], low, high), np.where(held[low], high, low)], axis=1)


def _phrases(texts: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Distinct phrases of each text and the places of the texts; a text of one word is its own phrase."""
    hashes, counts = words(folded(texts))
    owner = np.repeat(np.arange(len(texts)), counts)
    after = np.append(hashes[1:], np.uint64(0))
    inside = np.append(owner[1:] == owner[:-1], False)[: len(owner)]
    phrases = np.where(inside, hashes * np.uint64(3) + after[: len(hashes)], hashes)
    chosen = (inside | (counts[owner] == 1)) & ((counts[owner] <= _FEW_WORDS) | (phrases & np.uint64(3) == 0))
    phrases, owner = phrases[chosen], owner[chosen]
    order = np.lexsort((phrases, owner))
    phrases, owner = phrases[order], owner[order]
    fresh = np.append(True, (phrases[1:] != phrases[:-1]) | (owner[1:] != owner[:-1]))[: len(owner)]
    return phrases[fresh], owner[fresh].astype(np.uint64)

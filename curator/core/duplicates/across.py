"""Pairs of texts on two sides of a split that share phrases: the candidates for leaks.

A second method beside the bands of `index`, so that a leak that no band shows is found by the phrases.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.candidates import Pairs
from curator.core.duplicates.sketch import BATCH, Sketcher, distinct, empty_sketches, fold_texts, hash_words

_FEW_WORDS = 40
"""Of texts with more words only about every fourth phrase is used: those whose hash ends in two zero bits."""
_COMMON = 50
"""A phrase in more texts than this is ignored."""
_SHARE = 0.2
"""Share of the shorter text's remaining phrases that a pair must have in common."""
_MINIMUMS = 6
"""Minimums of their sketches, of 72, that a pair has in common at least: examples that fill one template share
phrases, but few rare words."""
_PAIRS = 20_000
"""Pairs whose minimums are compared at a time."""
_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)

Mask = NDArray[np.bool_]
Numbers = NDArray[np.uint64]
Rows = NDArray[np.int64]


class Phrases:
    """The phrases (two neighbouring words, as 64-bit hashes) of many texts, and the rows of the texts."""

    orders: Numbers
    """A hash of each text's words and their order; 0 for a text without words."""

    def __init__(self, batches: Iterable[Sequence[str]]) -> None:
        phrases, owners, rows = [np.empty(0, np.uint64)], [np.empty(0, np.uint64)], 0
        sketcher = Sketcher()
        sketches = [empty_sketches(0)]
        for texts in batches:
            sketcher.learn(texts)
            for at in range(0, len(texts), BATCH):
                words = hash_words(fold_texts(texts[at : at + BATCH]))
                sketches.append(sketcher.sketch_words(words))
                phrases_here, owner = _phrases_of(*words)
                phrases.append(phrases_here)
                owners.append(owner + np.uint64(rows))
                rows += len(words[1])
        self.orders = np.concatenate([each.orders for each in sketches])
        self._minimums = np.concatenate([each.minimums for each in sketches])
        everything, owned = np.concatenate(phrases), np.concatenate(owners)
        order = np.argsort(everything)
        everything, owned = everything[order], owned[order]
        starts = np.flatnonzero(np.append(True, everything[1:] != everything[:-1])[: len(everything)])
        lengths = np.diff(np.append(starts, len(everything)))
        rare = np.repeat(lengths <= _COMMON, lengths)
        self._phrases, self._owners = everything[rare], owned[rare]
        self._sizes = np.bincount(self._owners.astype(np.int64), minlength=rows)

    def pairs_across(self, on_first_side: Mask) -> Pairs:
        """Pairs of a row marked in the mask and one that is not, which share enough phrases.

        Shape (n, 2), the marked row first. Enough is `_SHARE` of the phrases of the shorter text, and `_MINIMUMS`
        minimums of the sketches.
        """
        at = np.flatnonzero(self._phrases[:-1] == self._phrases[1:])
        codes = [np.empty(0, np.uint64)]
        for step in range(1, _COMMON):
            at = at[at + step < len(self._phrases)]
            at = at[self._phrases[at] == self._phrases[at + step]]
            if not len(at):
                break
            low_rows, high_rows = self._owners[at], self._owners[at + step]
            apart = on_first_side[low_rows.astype(np.int64)] != on_first_side[high_rows.astype(np.int64)]
            low_rows, high_rows = low_rows[apart], high_rows[apart]
            codes.append(np.minimum(low_rows, high_rows) << _SHIFT | np.maximum(low_rows, high_rows))
        return self._frequent_pairs(np.concatenate(codes), on_first_side)

    def _frequent_pairs(self, codes: Numbers, on_first_side: Mask) -> Pairs:
        pairs = distinct(codes)
        ordered = np.sort(codes)
        counts = np.searchsorted(ordered, pairs, "right") - np.searchsorted(ordered, pairs, "left")
        low, high = (pairs >> _SHIFT).astype(np.int64), (pairs & _LOW).astype(np.int64)
        frequent = counts >= _SHARE * np.minimum(self._sizes[low], self._sizes[high])
        low, high = low[frequent], high[frequent]
        alike = self._share_minimums(low, high)
        low, high = low[alike], high[alike]
        return np.stack([np.where(on_first_side[low], low, high), np.where(on_first_side[low], high, low)], axis=1)

    def _share_minimums(self, low: Rows, high: Rows) -> Mask:
        """Marks the pairs of rows whose sketches have `_MINIMUMS` in common."""
        agreeing = np.empty(len(low), np.int64)
        for at in range(0, len(low), _PAIRS):
            here = slice(at, at + _PAIRS)
            agreeing[here] = (self._minimums[low[here]] == self._minimums[high[here]]).sum(axis=1)
        return agreeing >= _MINIMUMS


def _phrases_of(hashes: Numbers, counts: Rows) -> tuple[Numbers, Numbers]:
    """The distinct phrases of each text, and for each phrase the index of its text.

    `hashes` are those of all words, `counts` the words of each text. A text of one word has it as its phrase.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    after = np.append(hashes[1:], np.uint64(0))
    inside = np.append(owner[1:] == owner[:-1], False)[: len(owner)]
    phrases = np.where(inside, hashes * np.uint64(3) + after[: len(hashes)], hashes)
    used = (inside | (counts[owner] == 1)) & ((counts[owner] <= _FEW_WORDS) | (phrases & np.uint64(3) == 0))
    phrases, owner = phrases[used], owner[used]
    order = np.lexsort((phrases, owner))
    phrases, owner = phrases[order], owner[order]
    fresh = np.append(True, (phrases[1:] != phrases[:-1]) | (owner[1:] != owner[:-1]))[: len(owner)]
    return phrases[fresh], owner[fresh].astype(np.uint64)

"""Pairs of texts on two sides of a split that share phrases: the candidates for leaks.

A second method beside the bands of `index`, so that a leak that no band shows is found by the phrases.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.candidates import Pairs
from curator.core.duplicates.sketch import U8, U32, Words, distinct

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
_BLOCK = 500_000
"""Phrases looked at together."""
_CODES = 2_000_000
"""Shared phrases that are counted together."""
_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)

Mask = NDArray[np.bool_]
Numbers = NDArray[np.uint64]
Rows = NDArray[np.int64]


class Phrases:
    """The phrases (two neighbouring words, as 32-bit hashes) that several of many texts have, and their rows.

    Phrases of two texts whose hashes are equal by chance only make candidates, which are compared.
    """

    def __init__(self) -> None:
        self._codes: Numbers = np.empty(0, np.uint64)
        """A phrase in the upper 32 bits, a row in the lower; of `_count` phrases, behind which there is room."""
        self._count = 0
        self._rows = 0
        self._sizes: Rows = np.empty(0, np.int64)
        """How many phrases each text has, common ones apart; empty until all are sorted."""

    def note(self, words: Words) -> None:
        """Note the phrases of the next texts by their hashed words."""
        codes = _phrases_of(*words, self._rows)
        needed = self._count + len(codes)
        if needed > len(self._codes):
            self._codes.resize(needed + needed // 16 + 10_000, refcheck=False)
        self._codes[self._count : needed] = codes
        self._count = needed
        self._rows += len(words[1])

    def _sort(self) -> None:
        """Sort all phrases; only those of several texts, but not of very many, are kept."""
        if len(self._sizes) == self._rows:
            return
        self._codes.resize(self._count, refcheck=False)
        self._codes.sort()
        self._sizes = np.zeros(self._rows, np.int64)
        kept = 0
        for block in self._blocks():
            block = distinct(block)
            phrases = block >> _SHIFT
            starts = np.flatnonzero(np.append(True, phrases[1:] != phrases[:-1])[: len(phrases)])
            lengths = np.diff(np.append(starts, len(phrases)))
            lengths = np.repeat(lengths, lengths)
            rare = block[lengths <= _COMMON]
            self._sizes += np.bincount((rare & _LOW).astype(np.int64), minlength=self._rows)
            shared = block[(lengths <= _COMMON) & (lengths > 1)]
            self._codes[kept : kept + len(shared)] = shared
            kept += len(shared)
        self._count = kept
        self._codes.resize(kept, refcheck=False)

    def _blocks(self) -> Iterator[Numbers]:
        """The sorted codes in blocks, no phrase in two of them."""
        at = 0
        while at < self._count:
            end = min(at + _BLOCK, self._count)
            if end < self._count:
                codes, last = self._codes[: self._count], self._codes[end] & ~_LOW
                begin = int(np.searchsorted(codes, last))
                end = begin if begin > at else int(np.searchsorted(codes, last | _LOW, "right"))
            yield self._codes[at:end].copy()
            at = end

    def pairs_across(self, on_first_side: Mask, minimums: U8, others: Mask | None = None) -> Pairs:
        """Pairs of a row marked in the mask and one of the others, which share enough phrases.

        Shape (n, 2), the marked row first. Enough is `_SHARE` of the phrases of the shorter text, and `_MINIMUMS`
        of the minimums of their sketches. Without `others` these are all rows that are not marked.
        """
        self._sort()
        others = ~on_first_side if others is None else others
        pairs = [np.empty((0, 2), np.int64)]
        for codes in self._shared_phrases(on_first_side, others):
            pairs.append(self._frequent_pairs(codes, minimums))
        return np.concatenate(pairs)

    def _shared_phrases(self, asking: Mask, others: Mask) -> Iterator[Numbers]:
        """For each phrase of a row that asks and another row a code: the asking row in the upper 32 bits.

        All codes of a row come together.
        """
        partners, rows, firsts, counts = self._met(asking, others)
        ends = np.cumsum(np.bincount(rows, counts, minlength=self._rows)).astype(np.int64)
        begin = 0
        while begin < self._rows:
            before = int(ends[begin - 1]) if begin else 0
            end = max(begin + 1, int(np.searchsorted(ends, before + _CODES, "right")))
            here = (rows >= begin) & (rows < end)
            begin = end
            if not here.any():
                continue
            many = counts[here].astype(np.int64)
            places = np.arange(many.sum())
            places += np.repeat(firsts[here] - (np.cumsum(many) - many), many)
            codes = np.repeat(rows[here].astype(np.uint64) << _SHIFT, many)
            codes |= partners[places]
            yield codes

    def _met(self, asking: Mask, others: Mask) -> tuple[U32, U32, Rows, U8]:
        """The rows of the others by phrase; and for each phrase of each row that asks, which one of them has: the
        asking row, where its others begin, and how many they are."""
        partners, rows = [np.empty(0, np.uint32)], [np.empty(0, np.uint32)]
        firsts, counts = [np.empty(0, np.int64)], [np.empty(0, np.uint8)]
        before = 0
        for block in self._blocks():
            phrases, owners = (block >> _SHIFT).astype(np.uint32), (block & _LOW).astype(np.uint32)
            answers = others[owners]
            of_others, asked = phrases[answers], np.flatnonzero(asking[owners])
            first = np.searchsorted(of_others, phrases[asked], "left")
            count = np.searchsorted(of_others, phrases[asked], "right") - first
            met = count > 0
            partners.append(owners[answers])
            rows.append(owners[asked[met]])
            firsts.append(first[met] + before)
            counts.append(count[met].astype(np.uint8))
            before += len(of_others)
        return np.concatenate(partners), np.concatenate(rows), np.concatenate(firsts), np.concatenate(counts)

    def _frequent_pairs(self, codes: Numbers, minimums: U8) -> Pairs:
        """Of the pairs in the codes, one for each phrase that they share, those that share enough."""
        codes.sort()
        starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1])[: len(codes)])
        counts = np.diff(np.append(starts, len(codes)))
        held, others = (codes[starts] >> _SHIFT).astype(np.int64), (codes[starts] & _LOW).astype(np.int64)
        frequent = counts >= _SHARE * np.minimum(self._sizes[held], self._sizes[others])
        held, others = held[frequent], others[frequent]
        alike = _share_minimums(minimums, held, others)
        return np.stack([held[alike], others[alike]], axis=1)


def _share_minimums(minimums: U8, rows: Rows, others: Rows) -> Mask:
    """Marks the pairs of rows whose sketches have `_MINIMUMS` in common."""
    agreeing = np.empty(len(rows), np.int64)
    for at in range(0, len(rows), _PAIRS):
        here = slice(at, at + _PAIRS)
        agreeing[here] = (minimums[rows[here]] == minimums[others[here]]).sum(axis=1)
    return agreeing >= _MINIMUMS


def _phrases_of(hashes: Numbers, counts: Rows, first_row: int) -> Numbers:
    """The phrases of texts as codes: a phrase in the upper 32 bits, the row of its text in the lower.

    `hashes` are those of all words, `counts` the words of each text. A text of one word has it as its phrase.
    """
    owner = np.repeat(np.arange(len(counts)), counts)
    phrases = hashes.copy()
    inside = owner[1:] == owner[:-1]
    phrases[:-1][inside] = (hashes[:-1] * np.uint64(3) + hashes[1:])[inside]
    used = np.append(inside, False)[: len(owner)]
    used |= counts[owner] == 1
    used &= (counts[owner] <= _FEW_WORDS) | (phrases & np.uint64(3) == 0)
    codes: Numbers = phrases[used] & ~_LOW
    codes |= (owner[used] + first_row).astype(np.uint64)
    return codes

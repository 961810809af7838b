"""Which pairs of rows to compare: locality-sensitive hashing over the bands of their MinHash sketches."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.sketch import HASHES, U8, U32, U64, distinct

_NEIGHBOURS = 6
"""Following rows of its bucket that a row is paired with."""
_CROWDED = 60
"""Rows from which on a bucket is crowded."""
_FEW_NEIGHBOURS = 2
"""As `_NEIGHBOURS`, in a crowded bucket."""
_SHARE = 0.24
"""Share of minimums that a pair must agree in."""
_LEAST = math.ceil(_SHARE * HASHES)
_BLOCK = 8_192
"""Pairs whose minimums are compared at a time: they fit into the processor's cache."""
_VERY_MANY = 200_000
_THREADS = 2
_IN_CACHE = 4_000
"""Sketches compared at a time: they fit into the processor's cache."""
_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
_ONES = np.uint64(0x0101010101010101)
_MANY_FEATURES = 12
"""Features from which on the sketch of a text tells much of it."""
_CHANCE = 4
"""Minimums in which two such texts agree, unless they have less than a tenth of their features in common."""

Pairs = NDArray[np.int64]
"""Shape (n, 2): row numbers of the sketches, the smaller one first."""


def candidates(minimums: U8, read_band: Callable[[int], U32], bands: int) -> Pairs:
    """Pairs of rows that share a band and at least `_SHARE` of all minimums, ascending and without repeats.

    Rows with an equal band form a bucket. Not all its pairs are taken: each row is paired with the next
    `_NEIGHBOURS` rows of the bucket (`_FEW_NEIGHBOURS` in a crowded one), which keeps groups connected. Bands of
    very many rows are searched two at a time.
    """
    words = np.ascontiguousarray(minimums).view(np.uint64)

    def search(band: int) -> U64:
        agreeing = [_agreeing_pairs(words, codes) for codes in _pairs_of_band(read_band(band))]
        return distinct(np.concatenate([np.empty(0, np.uint64), *agreeing]))

    if len(minimums) < _VERY_MANY:
        found = [*map(search, range(bands))]
    else:
        with ThreadPoolExecutor(_THREADS) as pool:
            found = [*pool.map(search, range(bands))]
    codes = distinct(np.concatenate([np.empty(0, np.uint64), *found]))
    return np.stack([codes >> _SHIFT, codes & _LOW], axis=1).astype(np.int64)


def pairs_with_a_chance(rows: NDArray[np.int64], minimums: U8, features: U32) -> Pairs:
    """All pairs of these rows but those of two texts of many features that agree in almost no minimum.

    Comparing such texts by their characters costs most, and in vain. Of texts of few features every pair is there.
    """
    rich = features[rows] >= _MANY_FEATURES
    parts = [np.empty((0, 2), np.int64)]
    for at, row in enumerate(rows[:-1].tolist()):
        others = rows[at + 1 :]
        if rich[at]:
            agreeing = (minimums[others] == minimums[row]).sum(axis=1, dtype=np.uint8)
            others = others[(agreeing >= _CHANCE) | ~rich[at + 1 :]]
        parts.append(np.stack([np.full(len(others), row, np.int64), others], axis=1))
    return np.concatenate(parts)


def _pairs_of_band(keys: U32) -> Iterator[U64]:
    """The pairs of one band in pieces, each pair a code: the first row in the upper 32 bits, the second below."""
    rows = np.flatnonzero(keys).astype(np.uint64)
    entries = np.sort(keys[rows].astype(np.uint64) << _SHIFT | rows)
    buckets, members = entries >> _SHIFT, entries & _LOW
    same = buckets[:-1] == buckets[1:]
    shared = np.zeros(len(entries), np.bool_)
    shared[:-1] |= same
    shared[1:] |= same
    buckets, members = buckets[shared], members[shared]
    far = _CROWDED if len(buckets) > _CROWDED else len(buckets)
    crowded = np.zeros(len(buckets), np.bool_)
    crowded[: len(buckets) - far] = buckets[: len(buckets) - far] == buckets[far:]
    for step in range(1, min(_NEIGHBOURS + 1, len(buckets))):
        same = buckets[:-step] == buckets[step:]
        met = np.flatnonzero(same & ~crowded[:-step] if step > _FEW_NEIGHBOURS else same)
        yield members[met] << _SHIFT | members[met + step]


def _agreeing_pairs(words: U64, codes: U64) -> U64:
    """The pair codes whose rows agree in at least `_SHARE` of the minimums, of which a word holds eight."""
    agreeing = [np.empty(0, np.uint64)]
    for at in range(0, len(codes), _BLOCK):
        block = codes[at : at + _BLOCK]
        different = words.take((block >> _SHIFT).astype(np.int64), axis=0)
        different ^= words.take((block & _LOW).astype(np.int64), axis=0)
        bytes_set = different & _LOW_BITS
        bytes_set += _LOW_BITS
        bytes_set |= different
        bytes_set >>= np.uint64(7)
        bytes_set &= _ONES  # 1 in each byte that differs
        in_all = np.add.reduce(bytes_set.T.copy(), axis=0)  # at most 9 in each of the eight bytes
        in_all *= _ONES
        in_all >>= np.uint64(56)
        agreeing.append(block[in_all <= HASHES - _LEAST])
    return np.concatenate(agreeing)


def rank_alike(minimums: U8, one: U8, among: NDArray[np.bool_], least: float) -> NDArray[np.int64]:
    """The rows in the mask `among` that agree with the sketch `one` in at least the share `least` of its minimums.

    The row with most equal minimums comes first.
    """
    shared = np.empty(len(minimums), np.uint8)
    for at in range(0, len(minimums), _IN_CACHE):
        part = minimums[at : at + _IN_CACHE] == one
        np.add.reduce(part.view(np.uint8), axis=1, dtype=np.uint8, out=shared[at : at + _IN_CACHE])
    rows = np.flatnonzero((shared >= max(1.0, least * HASHES)) & among)
    return rows[np.argsort(-shared[rows].astype(np.int16), kind="stable")]

"""Which pairs are worth comparing: locality-sensitive hashing over the bands of the sketches."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.sketch import HASHES, U8, U32, U64, distinct

_NEIGHBOURS = 6
_CROWDED = 60
_FEW_NEIGHBOURS = 2
_SHARE = 0.2
_BLOCK = 100_000
_IN_CACHE = 4_000
_PENDING = 4_000_000
_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)

Pairs = NDArray[np.int64]
"""Shape (n, 2): row numbers of the sketches, the smaller one first."""


def candidates(minimums: U8, bands: U32) -> Pairs:
    """Pairs of rows that share a band and at least a fifth of all minimums, ascending and without repeats.

    A bucket is chained: each row meets its next `_NEIGHBOURS`, in a crowded one its next `_FEW_NEIGHBOURS`, which
    keeps groups connected.
    """
    kept = [np.empty(0, np.uint64)]
    pending = kept[:]
    for keys in bands:
        pending += _meet(keys)
        if sum(map(len, pending)) > _PENDING:
            kept.append(_alike(minimums, distinct(np.concatenate(pending))))
            pending = [np.empty(0, np.uint64)]
    kept.append(_alike(minimums, distinct(np.concatenate(pending))))
    codes = distinct(np.concatenate(kept))
    return np.stack([codes >> _SHIFT, codes & _LOW], axis=1).astype(np.int64)


def _meet(keys: U32) -> list[U64]:
    """The pairs that one band brings together, each as a code: the first row above the second."""
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
    codes = []
    for step in range(1, min(_NEIGHBOURS + 1, len(buckets))):
        same = buckets[:-step] == buckets[step:]
        met = np.flatnonzero(same & ~crowded[:-step] if step > _FEW_NEIGHBOURS else same)
        codes.append(members[met] << _SHIFT | members[met + step])
    return codes


def _alike(minimums: U8, codes: U64) -> U64:
    """Those pair codes whose rows agree in at least `_SHARE` of the minimums."""
    kept = [np.empty(0, np.uint64)]
    for at in range(0, len(codes), _BLOCK):
        block = codes[at : at + _BLOCK]
        left, right = minimums[block >> _SHIFT], minimums[block & _LOW]
        kept.append(block[np.count_nonzero(left == right, axis=1) >= _SHARE * HASHES])
    return np.concatenate(kept)


def alike(minimums: U8, one: U8, among: NDArray[np.bool_], least: float) -> NDArray[np.int64]:
    """Rows `among` all that agree with the sketch `one` in at least the share `least`, the most alike first."""
    shared = np.empty(len(minimums), np.uint8)
    for at in range(0, len(minimums), _IN_CACHE):
        part = minimums[at : at + _IN_CACHE] == one
        np.add.reduce(part.view(np.uint8), axis=1, dtype=np.uint8, out=shared[at : at + _IN_CACHE])
    rows = np.flatnonzero((shared >= max(1.0, least * HASHES)) & among)
    return rows[np.argsort(-shared[rows].astype(np.int16), kind="stable")]

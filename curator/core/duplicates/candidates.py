"""Which pairs are worth comparing: locality-sensitive hashing over the sketches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.sketch import HASHES, U32, U64

ROWS = 3
"""Minimums a band: with 24 bands of 3 a pair of Jaccard similarity .5 is found with probability .96."""
ROWS_MANY = 4
MANY = 300_000
"""From so many texts on, bands of 4 keep the number of chance candidates in bounds."""

_NEIGHBOURS = 6
_SHARE = 0.2
_BLOCK = 200_000
_EMPTY = np.uint32(0xFFFFFFFF)

Pairs = NDArray[np.int64]
"""Shape (n, 2): row numbers of the sketches, the smaller one first."""


def candidates(sketches: U32) -> Pairs:
    """Pairs of rows that share a band and at least a fifth of all minimums, ascending and without repeats.

    A crowded bucket is chained: each row meets its next `_NEIGHBOURS`, which keeps groups connected.
    """
    count = len(sketches)
    if count < 2:
        return np.empty((0, 2), np.int64)
    alive = np.flatnonzero(sketches[:, 0] != _EMPTY)
    rows = ROWS if count < MANY else ROWS_MANY
    found = [np.empty(0, np.uint64)]
    for first in range(0, HASHES, rows):
        keys = _band(sketches, alive, first, rows)
        codes = [a.astype(np.uint64) * np.uint64(count) + b.astype(np.uint64) for a, b in _meet(keys, alive)]
        found.append(np.concatenate(codes))
    kept = _alike(sketches.astype(np.uint8), np.unique(np.concatenate(found)))
    return np.stack([kept // np.uint64(count), kept % np.uint64(count)], axis=1).astype(np.int64)


def _band(sketches: U32, alive: NDArray[np.int64], first: int, rows: int) -> U64:
    keys = np.zeros(len(alive), np.uint64)
    for column in range(first, first + rows):
        keys ^= sketches[alive, column]
        keys *= np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(31)
    return keys


def _meet(keys: U64, alive: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    order = np.argsort(keys, kind="stable")
    keys, members = keys[order], alive[order]
    for step in range(1, _NEIGHBOURS + 1):
        same = np.flatnonzero(keys[:-step] == keys[step:]) if len(keys) > step else np.empty(0, np.int64)
        yield members[same], members[same + step]


def _alike(sketches: NDArray[np.uint8], codes: U64) -> U64:
    """Those pair codes whose rows agree in at least `_SHARE` of the minimums; a byte of each tells well enough."""
    count = np.uint64(len(sketches))
    kept = [np.empty(0, np.uint64)]
    for at in range(0, len(codes), _BLOCK):
        block = codes[at : at + _BLOCK]
        left = sketches[(block // count).astype(np.int64)]
        right = sketches[(block % count).astype(np.int64)]
        kept.append(block[np.count_nonzero(left == right, axis=1) >= _SHARE * HASHES])
    return np.concatenate(kept)


def alike(sketches: NDArray[Any], one: NDArray[Any], least: float = _SHARE) -> NDArray[np.int64]:
    """Rows that agree with the sketch `one` in at least the share `least`, the most alike first."""
    shared = np.count_nonzero(sketches == one, axis=1)
    rows = np.flatnonzero(shared >= max(1.0, least * HASHES))
    return rows[np.argsort(-shared[rows], kind="stable")]

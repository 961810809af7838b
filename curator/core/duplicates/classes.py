"""Rows with one key, kept up to date row by row; that equal keys mean equal things is proven, not believed."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.hashes import text_hash

Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
Same = Callable[[int, int], bool]
"""Whether two rows that share a key are equal in what the key stands for."""

_FEW = 100
"""Up to so many keys are looked for one by one: a pass over all keys each, less than sorting them."""


class Classes:
    """Which rows share a key, among those that count."""

    def __init__(self, keys: Keys, among: Mask) -> None:
        self._sets: dict[int, list[int]] = {}
        self.first: Mask = np.zeros(len(keys), np.bool_)
        """The first row of each key."""
        self._all(keys, among)

    def _all(self, keys: Keys, among: Mask) -> None:
        found = shared(keys, among)
        self._sets = {int(keys[rows[0]]): rows for rows in found}
        self.first = among.copy()
        self.first[[row for rows in found for row in rows[1:]]] = False

    def sets(self) -> list[list[int]]:
        """Sets of two or more rows, members and sets ascending."""
        return sorted(self._sets.values())

    def renew(self, keys: Keys, among: Mask, touched: Iterable[int]) -> Rows:
        """Look again at the rows that have a `touched` key now; the rows that are first or no longer so."""
        before = lengthened(self.first, len(keys))
        touched = set(touched)
        if len(touched) > _FEW:
            self._all(keys, among)
        else:
            self.first = before.copy()
            for key in touched:
                self._one(key, keys, among)
        return np.flatnonzero(before != self.first)

    def _one(self, key: int, keys: Keys, among: Mask) -> None:
        rows = np.flatnonzero(keys == key)
        self.first[rows] = False
        rows = rows[among[rows]]
        self.first[rows[:1]] = True
        self._sets.pop(key, None)
        if len(rows) > 1:
            self._sets[key] = rows.tolist()


def lengthened(mask: Mask, count: int) -> Mask:
    """A copy for `count` rows, the new ones unmarked."""
    return np.concatenate([mask, np.zeros(count - len(mask), np.bool_)])


def shared(keys: Keys, among: Mask) -> list[list[int]]:
    """Sets of two or more rows with one key, members and sets ascending."""
    rows = np.flatnonzero(among)
    order = rows[np.argsort(keys[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[:1]]))
    ends = np.append(starts[1:], len(order))
    many = np.flatnonzero(ends - starts > 1)
    return sorted(order[a:b].tolist() for a, b in zip(starts[many], ends[many], strict=True))


def prove(keys: Keys, among: Mask, same: Same, changed: Rows | None = None) -> None:
    """Give another key to rows that share one and are not equal, in place.

    Where only `changed` rows are new, each is compared with one of the others, which are equal already.
    """
    suspects = among if changed is None else among & _having(keys, keys[changed])
    fresh = np.ones(len(keys), np.bool_)
    if changed is not None:
        fresh[:] = False
        fresh[changed] = True
    while odd := [row for rows in shared(keys, suspects) for row in _unlike(rows, fresh, same)]:
        keys[odd] = [text_hash(f"{key} of another") for key in keys[odd].tolist()]
        fresh[:] = False
        fresh[odd] = True
        suspects = among & _having(keys, keys[odd])


def _having(keys: Keys, some: Keys) -> Mask:
    """Which keys are among some."""
    if len(some) > _FEW:
        return np.isin(keys, some)
    found = np.zeros(len(keys), np.bool_)
    for key in some.tolist():
        found |= keys == key
    return found


def _unlike(rows: list[int], fresh: Mask, same: Same) -> list[int]:
    known = [row for row in rows if not fresh[row]]
    first = (known or rows)[0]
    return [row for row in rows if fresh[row] and row != first and not same(first, row)]

"""Sets of rows with an equal key (a hash), kept up to date row by row.

Equal hashes are verified against what they stand for (`prove`), so a collision never makes two rows equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.hashes import text_hash

Keys = NDArray[np.int64]
Mask = NDArray[np.bool_]
Rows = NDArray[np.int64]
Same = Callable[[int, int], bool]
"""Whether two rows with an equal key are really equal (in value, or in normal form)."""

_FEW = 100
"""Up to so many keys are searched one by one, a pass over all keys each; above, sorting all is faster."""


class EqualRows:
    """The sets of rows with an equal key, among the rows marked in a mask."""

    def __init__(self, keys: Keys, among: Mask) -> None:
        self._sets: dict[int, list[int]] = {}
        self.first: Mask = np.zeros(len(keys), np.bool_)
        """Marks the first row of each key."""
        self._rebuild(keys, among)

    def _rebuild(self, keys: Keys, among: Mask) -> None:
        sets = rows_by_key(keys, among)
        self._sets = {int(keys[rows[0]]): rows for rows in sets}
        self.first = among.copy()
        self.first[[row for rows in sets for row in rows[1:]]] = False

    def sets(self) -> list[list[int]]:
        """Sets of two or more rows, members and sets ascending."""
        return sorted(self._sets.values())

    def renew(self, keys: Keys, among: Mask, touched: Iterable[int]) -> Rows:
        """Update the sets of the `touched` keys; return the rows that became or ceased to be the first of a
        key."""
        before = lengthen(self.first, len(keys))
        touched = set(touched)
        if len(touched) > _FEW:
            self._rebuild(keys, among)
        else:
            self.first = before.copy()
            for key in touched:
                self._update_key(key, keys, among)
        return np.flatnonzero(before != self.first)

    def _update_key(self, key: int, keys: Keys, among: Mask) -> None:
        rows = np.flatnonzero(keys == key)
        self.first[rows] = False
        rows = rows[among[rows]]
        self.first[rows[:1]] = True
        self._sets.pop(key, None)
        if len(rows) > 1:
            self._sets[key] = rows.tolist()


def lengthen(mask: Mask, count: int) -> Mask:
    """A copy of the mask with room for `count` rows; the new rows are not marked."""
    return np.concatenate([mask, np.zeros(count - len(mask), np.bool_)])


def rows_by_key(keys: Keys, among: Mask) -> list[list[int]]:
    """The sets of two or more marked rows with an equal key, members and sets ascending."""
    rows = np.flatnonzero(among)
    order = rows[np.argsort(keys[rows], kind="stable")]
    starts = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[:1]]))
    ends = np.append(starts[1:], len(order))
    many = np.flatnonzero(ends - starts > 1)
    return sorted(order[a:b].tolist() for a, b in zip(starts[many], ends[many], strict=True))


def prove(keys: Keys, among: Mask, same: Same, changed: Rows | None = None) -> None:
    """Give new keys, in place, to rows that have an equal key without being equal (a hash collision).

    With `changed` only those rows are compared, each with one row that was proven equal to the others before.
    """
    suspects = among if changed is None else among & _with_keys(keys, keys[changed])
    fresh = np.ones(len(keys), np.bool_)
    if changed is not None:
        fresh[:] = False
        fresh[changed] = True
    while odd := [row for rows in rows_by_key(keys, suspects) for row in _unequal_rows(rows, fresh, same)]:
        keys[odd] = [text_hash(f"{key} of another") for key in keys[odd].tolist()]
        fresh[:] = False
        fresh[odd] = True
        suspects = among & _with_keys(keys, keys[odd])


def _with_keys(keys: Keys, wanted_keys: Keys) -> Mask:
    """Marks the rows whose key is one of some keys."""
    if len(wanted_keys) > _FEW:
        return np.isin(keys, wanted_keys)
    mask = np.zeros(len(keys), np.bool_)
    for key in wanted_keys.tolist():
        mask |= keys == key
    return mask


def _unequal_rows(rows: list[int], fresh: Mask, same: Same) -> list[int]:
    """The fresh rows that are not equal to the first proven row (the first row where none is proven)."""
    proven = [row for row in rows if not fresh[row]]
    first = (proven or rows)[0]
    return [row for row in rows if fresh[row] and row != first and not same(first, row)]

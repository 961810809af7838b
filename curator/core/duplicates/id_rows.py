"""Which row an id is in: a million ids take a few bytes each instead of the hundred of a dictionary."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


class IdRows:
    """Ids, each in a row of its own, from 0."""

    def __init__(self, ids: Iterable[int]) -> None:
        self.ids: Rows = np.fromiter(ids, np.int64) if not isinstance(ids, np.ndarray) else ids.astype(np.int64)
        ascends = bool((self.ids[1:] > self.ids[:-1]).all())
        self._order = None if ascends else np.argsort(self.ids, kind="stable")
        self._sorted = self.ids if self._order is None else self.ids[self._order]

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, ids: Collection[int]) -> Rows:
        """The row of each of some ids; -1 for those that are not there."""
        wanted = np.fromiter(ids, np.int64, len(ids))
        if not len(self.ids):
            return np.full(len(wanted), -1, np.int64)
        places = np.minimum(np.searchsorted(self._sorted, wanted), len(self.ids) - 1)
        found = self._sorted[places] == wanted
        rows = places if self._order is None else self._order[places]
        return np.where(found, rows, -1)

    def mask(self, ids: Collection[int]) -> NDArray[np.bool_]:
        """Marks the rows of some ids."""
        marked = np.zeros(len(self.ids), np.bool_)
        rows = self.rows(ids)
        marked[rows[rows >= 0]] = True
        return marked

"""What is remembered of every example to find its copies: hashes of its value, words and prompt, and a sketch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.candidates import Pairs, alike, candidates
from curator.core.duplicates.hashes import Print, text_hash
from curator.core.duplicates.sketch import BANDS, HASHES, U8, U32, U64, Sketcher, Sketches
from curator.core.duplicates.texts import kind, normalise

EXHAUSTIVE = 1_500
"""Up to so many texts every pair is compared: exact, and faster than sketching."""

Fetch = Callable[[int], str]
Progress = Callable[[str, float], None]
Mask = NDArray[np.bool_]

_COLUMNS = {"minimums": np.uint8, "orders": np.uint64, "values": np.int64, "prompts": np.int64, "alive": np.bool_}


class Table:
    """One row an example, in order; about 100 bytes a row, and as much again until the pairs are found."""

    def __init__(self) -> None:
        self.sketcher = Sketcher()
        self.minimums: U8 = np.empty((0, HASHES), np.uint8)
        self._bands: U32 = np.empty((BANDS, 0), np.uint32)
        self.orders: U64 = np.empty(0, np.uint64)
        self.values = self.prompts = np.empty(0, np.int64)
        self.alive: Mask = np.empty(0, np.bool_)
        self._forms: dict[int, int] = {}
        """Hashes of the normal forms that were compared, by row: an edit reads one text again."""

    @classmethod
    def read(cls, batches: Iterable[Sequence[Print]], near: bool, tell: Progress) -> Table:
        """A table of all batches; without sketches where not `near`."""
        table = cls()
        sketches: list[Sketches] = []
        hashes, alive = [np.empty((0, 2), np.int64)], [table.alive]
        for prints in batches:
            if near:
                sketches.append(table.sketcher.sketch([p.text for p in prints]))
            hashes.append(np.array([(p.value or 0, p.prompt) for p in prints], np.int64).reshape(-1, 2))
            alive.append(np.array([p.value is not None for p in prints], dtype=np.bool_))
            tell("reading", 0.0)
        table.alive = np.concatenate(alive)
        table.values, table.prompts = np.ascontiguousarray(np.concatenate(hashes).T)
        if sketches:
            table.minimums = np.concatenate([part.minimums for part in sketches])
            table._bands = np.concatenate([part.bands for part in sketches], axis=1)
            table.orders = np.concatenate([part.orders for part in sketches])
        return table

    @property
    def count(self) -> int:
        """Rows, broken ones included."""
        return len(self.values)

    def equal(self) -> tuple[list[list[int]], Mask]:
        """Sets of rows of equal values, and a mask of the first of each."""
        return _alike_by(self.values, self.alive)

    def asked(self) -> list[list[int]]:
        """Sets of rows with one prompt."""
        return _alike_by(self.prompts, self.alive & (self.prompts != 0))[0]

    def same_form(self, first: Mask, fetch: Fetch) -> tuple[list[list[int]], Mask]:
        """As `equal` for equal normal forms among the rows of `first`; every set's texts are compared."""
        sets, mask = _alike_by(self.orders, first & (self.orders != 0))
        certain: list[list[int]] = []
        for ids in sets:
            forms: dict[int, list[int]] = {}
            for row in ids:
                if row not in self._forms:
                    text = fetch(row)
                    self._forms[row] = text_hash(kind(text) + normalise(text))
                forms.setdefault(self._forms[row], []).append(row)
            certain += [same for same in forms.values() if len(same) > 1]
            mask[[same[0] for same in forms.values()]] = True
        return certain, mask

    def near(self, rows: NDArray[np.int64]) -> Pairs:
        """Pairs among `rows` worth comparing; all of them where they are few."""
        if len(rows) <= EXHAUSTIVE:
            upper = np.triu_indices(len(rows), 1)
            return np.stack([rows[upper[0]], rows[upper[1]]], axis=1)
        return rows[candidates(self.minimums[rows], self._bands[:, rows])]

    def forget_bands(self) -> None:
        """Once the pairs are found, a byte of each minimum is enough to rank what is alike."""
        self._bands = np.empty((BANDS, 0), np.uint32)

    def like(self, row: int, rows: NDArray[np.int64], most: int) -> Pairs:
        """Pairs of `row` with others among `rows` worth comparing, at most `most` where there are many."""
        others = rows[rows != row]
        if len(others) > EXHAUSTIVE:
            others = others[self.orders[others] != 0]
            others = others[alike(self.minimums[others], self.minimums[row], 0.1)[:most]]
        return np.stack([np.minimum(others, row), np.maximum(others, row)], axis=1)

    def dump(self) -> dict[str, NDArray[Any]]:
        """All columns and what the sketcher learnt, as plain arrays."""
        return {**{name: getattr(self, name) for name in _COLUMNS}, "common": self.sketcher.common}

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]]) -> Table:
        """The inverse of `dump`. Raises KeyError or ValueError where the arrays do not fit together."""
        table = cls()
        table.sketcher.common = arrays["common"]
        for name, numbers in _COLUMNS.items():
            setattr(table, name, arrays[name].astype(numbers, casting="equiv"))
        if table.minimums.shape[1:] != (HASHES,) or any(len(getattr(table, c)) != table.count for c in _COLUMNS):
            raise ValueError("the columns differ in length")
        return table

    def put(self, row: int, fresh: Print) -> None:
        """Replace one row, or append it where `row` is the count."""
        self._forms.pop(row, None)
        sketch = self.sketcher.sketch([fresh.text])
        if row == self.count:
            self.minimums = np.concatenate([self.minimums, sketch.minimums])
            self.orders = np.append(self.orders, sketch.orders)
            blank = np.zeros(1, np.int64)
            self.values = np.concatenate([self.values, blank])
            self.prompts = np.concatenate([self.prompts, blank])
            self.alive = np.append(self.alive, False)
        self.minimums[row], self.orders[row] = sketch.minimums[0], sketch.orders[0]
        self.values[row], self.alive[row] = fresh.value or 0, fresh.value is not None
        self.prompts[row] = fresh.prompt


def _alike_by(keys: NDArray[np.int64] | U64, alive: Mask) -> tuple[list[list[int]], Mask]:
    """Sets of rows with equal keys among the living, and a mask of the first of each key."""
    rows = np.flatnonzero(alive)
    order = rows[np.argsort(keys[rows])]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = keys[order[1:]] != keys[order[:-1]]
    first = np.zeros(len(keys), np.bool_)
    first[order[fresh]] = True
    starts = np.flatnonzero(fresh)
    lengths = np.diff(np.append(starts, len(order)))
    many = np.flatnonzero(lengths > 1)
    sets = [sorted(order[starts[i] : starts[i] + lengths[i]].tolist()) for i in many]
    first[order[starts[many]]] = False
    first[[same[0] for same in sets]] = True
    return sorted(sets), first

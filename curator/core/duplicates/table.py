"""What is remembered of every example to find its copies: hashes of its value, words and prompt, and a sketch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.candidates import Pairs, alike, candidates
from curator.core.duplicates.classes import Classes, Keys, Mask, Same, prove, shared
from curator.core.duplicates.hashes import Print
from curator.core.duplicates.sketch import BANDS, HASHES, U8, U32, Sketcher, Sketches, bands_of

EXHAUSTIVE = 1_500
"""Up to so many texts every pair is compared: exact, and faster than sketching."""

_LIKE = 0.1
"""Texts that agree in less than this share of their minimums are not compared with one that changed."""

Fetch = Callable[[int], str]
Progress = Callable[[str, float], None]

_COLUMNS = {"minimums": np.uint8, "orders": np.uint64, "values": np.int64, "prompts": np.int64, "alive": np.bool_}


class Table:
    """One row an example, in order; about 100 bytes a row, and as much again until the pairs are found."""

    def __init__(self) -> None:
        self.sketcher = Sketcher()
        self.minimums: U8 = np.empty((0, HASHES), np.uint8)
        self._bands: U32 = np.empty((BANDS, 0), np.uint32)
        self.orders: NDArray[np.uint64] = np.empty(0, np.uint64)
        self.values = np.empty(0, np.int64)
        self.prompts = np.empty(0, np.int64)
        self.alive: Mask = np.empty(0, np.bool_)
        self.by_value = self.by_form = Classes(self.values, self.alive)

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
        else:
            table.orders = np.zeros(table.count, np.uint64)
        return table

    def group(self, same: Same | None = None, same_form: Same | None = None) -> None:
        """Find the rows of one value, and of those the first ones with one normal form.

        Without `same` and `same_form` the keys are believed: they were proven before they were stored.
        """
        if same is not None:
            prove(self.values, self.alive, same)
        self.by_value = Classes(self.values, self.alive)
        if same_form is not None:
            prove(self._forms, self._formed, same_form)
        self.by_form = Classes(self._forms, self._formed)

    @property
    def _forms(self) -> Keys:
        forms: Keys = self.orders.view(np.int64)
        return forms

    @property
    def _formed(self) -> Mask:
        """The first rows of each value that have any words."""
        formed: Mask = self.by_value.first & (self.orders != 0)
        return formed

    @property
    def count(self) -> int:
        """Rows, broken ones included."""
        return len(self.values)

    def asked(self) -> list[list[int]]:
        """Sets of rows with one prompt."""
        return shared(self.prompts, self.alive & (self.prompts != 0))

    @property
    def lone(self) -> Mask:
        """The first row of each normal form: what near copies are looked for among."""
        return self.by_form.first

    def near(self, among: Mask) -> Pairs:
        """Pairs worth comparing; all of them where they are few."""
        rows = np.flatnonzero(among)
        if len(rows) <= EXHAUSTIVE:
            upper = np.triu_indices(len(rows), 1)
            return np.stack([rows[upper[0]], rows[upper[1]]], axis=1)
        minimums = self.minimums[rows]
        bands = self._bands[:, rows] if self._bands.shape[1] else bands_of(minimums)
        return rows[candidates(minimums, bands)]

    def forget_bands(self) -> None:
        """Once the pairs are found, a byte of each minimum is enough to rank what is alike."""
        self._bands = np.empty((BANDS, 0), np.uint32)

    def like(self, row: int, among: Mask, most: int) -> Pairs:
        """Pairs of `row` with others worth comparing, at most `most` where there are many."""
        others = np.flatnonzero(among)
        if len(others) > EXHAUSTIVE:
            others = alike(self.minimums, self.minimums[row], among & (self.orders != 0), _LIKE)[: most + 1]
        others = others[others != row]
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

    def holds(self, row: int, said: Print) -> bool:
        """Whether that is what is remembered of a row."""
        known = self.values[row] if row < self.count and self.alive[row] else None
        return bool(row < self.count and known == said.value)

    def put(self, fresh: Mapping[int, Print], same: Same, same_form: Same) -> None:
        """Replace rows, or append them where they go on from the count."""
        rows = np.array(sorted(fresh), np.int64)
        prints = [fresh[row] for row in rows.tolist()]
        self._grow(int(rows[-1]) + 1)
        touched = self.values[rows].tolist()
        forms = self.orders[rows].copy()
        sketches = self.sketcher.sketch([p.text for p in prints])
        self.minimums[rows], self.orders[rows] = sketches.minimums, sketches.orders
        self.values[rows] = [p.value or 0 for p in prints]
        self.prompts[rows] = [p.prompt for p in prints]
        self.alive[rows] = [p.value is not None for p in prints]
        prove(self.values, self.alive, same, rows)
        turned = self.by_value.renew(self.values, self.alive, touched + self.values[rows].tolist())
        rows, touched = np.union1d(rows, turned), forms.view(np.int64).tolist()
        touched += self._forms[rows].tolist()
        prove(self._forms, self._formed, same_form, rows)
        self.by_form.renew(self._forms, self._formed, touched + self._forms[rows].tolist())

    def _grow(self, count: int) -> None:
        """Room for `count` rows."""
        more = count - self.count
        if more > 0:
            for name in _COLUMNS:
                column = getattr(self, name)
                blank = np.zeros((more, *column.shape[1:]), column.dtype)
                setattr(self, name, np.concatenate([column, blank]))

"""The columns of the index: for each example hashes of its value, words and prompt, and a MinHash sketch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.candidates import Pairs, candidates, pairs_with_a_chance, rank_alike
from curator.core.duplicates.equal_rows import EqualRows, Mask, Same, prove, rows_by_key
from curator.core.duplicates.hashes import Fingerprint
from curator.core.duplicates.sketch import HASHES, U8, U32, NoteWords, Sketcher, bands_of

EXHAUSTIVE = 1_500
"""Up to so many texts all pairs may be compared; of texts of many words only those that agree in some minimums."""

_LIKE = 0.1
"""A changed text is compared only with texts that agree in at least this share of its minimums."""

Fetch = Callable[[int], str]
"""Row to its compared text."""
Progress = Callable[[str, float], None]
"""Called with a phase and the share of it that is done, 0 to 1."""

_COLUMNS = {
    "minimums": np.uint8,
    "orders": np.uint64,
    "forms": np.int64,
    "values": np.int64,
    "prompts": np.int64,
    "systems": np.int64,
    "learnt": np.uint8,
    "alive": np.bool_,
}


class FingerprintTable:
    """One row per example, in order: about 100 bytes each, and as much again until the bands are dropped."""

    def __init__(self) -> None:
        self.sketcher = Sketcher()
        self.minimums: U8 = np.empty((0, HASHES), np.uint8)
        self._bands: list[U32] = []
        """Those of all rows in pieces, until they are dropped."""
        self.orders: NDArray[np.uint64] = np.empty(0, np.uint64)
        self.features: U32 = np.empty(0, np.uint32)
        """How many hashes each sketch is made of; 0 where that is not known, as in a table that was loaded."""
        self.forms = np.empty(0, np.int64)
        """As `orders`, but other for rows of the same words that do not say the same."""
        self.systems = np.empty(0, np.int64)
        self.learnt: NDArray[np.uint8] = np.empty(0, np.uint8)
        self.values = np.empty(0, np.int64)
        self.prompts = np.empty(0, np.int64)
        self.alive: Mask = np.empty(0, np.bool_)
        self.by_value = self.by_form = EqualRows(self.values, self.alive)

    @classmethod
    def read(
        cls,
        batches: Iterable[Sequence[Fingerprint]],
        near: bool,
        tell: Progress,
        note: NoteWords | None = None,
    ) -> FingerprintTable:
        """The table of all fingerprints; without sketches unless `near`. `note` gets the hashed words of their
        texts, in batches."""
        table = cls()
        minimums, orders, features = [table.minimums], [table.orders], [table.features]
        hashes, alive = [np.empty((0, 4), np.int64)], [table.alive]
        for prints in batches:
            if near:
                sketches = table.sketcher.sketch([p.text for p in prints], note)
                minimums.append(sketches.minimums)
                orders.append(sketches.orders)
                features.append(sketches.features)
                table._bands.append(sketches.bands)
            numbers = [(p.value or 0, p.prompt, p.system, p.learnt) for p in prints]
            hashes.append(np.array(numbers, np.int64).reshape(-1, 4))
            alive.append(np.array([p.value is not None for p in prints], dtype=np.bool_))
            tell("reading", 0.0)
        table.alive = np.concatenate(alive)
        table.values, table.prompts, table.systems, learnt = np.ascontiguousarray(np.concatenate(hashes).T)
        table.learnt = learnt.astype(np.uint8)
        table.minimums = np.concatenate(minimums)
        table.orders = np.concatenate(orders) if table._bands else np.zeros(table.count, np.uint64)
        table.features = np.concatenate(features) if table._bands else np.zeros(table.count, np.uint32)
        table.forms = table.orders.view(np.int64).copy()
        return table

    def group(self, same: Same | None = None, same_form: Same | None = None) -> None:
        """Compute the sets of equal values (`by_value`), and of equal normal forms among their first rows.

        Equal hashes are verified with `same` and `same_form`. Leave these out for a loaded table: it was verified
        before `dump`.
        """
        if same is not None:
            prove(self.values, self.alive, same)
        self.by_value = EqualRows(self.values, self.alive)
        if same_form is not None:
            prove(self.forms, self._has_form, same_form)
        self.by_form = EqualRows(self.forms, self._has_form)

    def forget_forms(self) -> None:
        """Let rows of equal words have equal form hashes again; `group` then verifies that the forms are equal."""
        self.forms = self.orders.view(np.int64).copy()

    @property
    def _has_form(self) -> Mask:
        """Marks the rows that `by_form` compares: those with a normal form (any words), one row of each value."""
        formed: Mask = self.by_value.first & (self.orders != 0)
        return formed

    @property
    def count(self) -> int:
        """Rows, broken and deleted ones included."""
        return len(self.values)

    def rows_by_prompt(self) -> list[list[int]]:
        """The sets of rows with an equal prompt."""
        return rows_by_key(self.prompts, self.alive & (self.prompts != 0))

    @property
    def representatives(self) -> Mask:
        """Marks the first row of each normal form: near copies are searched among these."""
        return self.by_form.first

    def candidate_pairs(self, among: Mask) -> Pairs:
        """The pairs of marked rows to compare: if there are at most `EXHAUSTIVE` rows, all that may be alike."""
        rows = np.flatnonzero(among)
        if len(rows) <= EXHAUSTIVE:
            return pairs_with_a_chance(rows, self.minimums, self.features)
        bands = self._bands or [bands_of(self.minimums)]

        def read_band(band: int) -> U32:
            return np.where(among, np.concatenate([part[band] for part in bands]), np.uint32(0))

        return candidates(self.minimums, read_band, len(bands[0]))

    def forget_bands(self) -> None:
        """Drop the bands, which only the first search needs; one byte of each minimum stays."""
        self._bands = []

    def pairs_with(self, row: int, among: Mask, most: int) -> Pairs:
        """The pairs of `row` with marked rows to compare, at most `most` of more than `EXHAUSTIVE` rows."""
        others = np.flatnonzero(among)
        if len(others) > EXHAUSTIVE:
            others = rank_alike(self.minimums, self.minimums[row], among & (self.orders != 0), _LIKE)[: most + 1]
        others = others[others != row]
        return np.stack([np.minimum(others, row), np.maximum(others, row)], axis=1)

    def dump(self) -> dict[str, NDArray[Any]]:
        """All columns and the sketcher's common words, as arrays."""
        return {**{name: getattr(self, name) for name in _COLUMNS}, "common": self.sketcher.common}

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]]) -> FingerprintTable:
        """The table that `dump` wrote. Raises KeyError or ValueError where the arrays do not fit together."""
        table = cls()
        table.sketcher.common = arrays["common"]
        for name, numbers in _COLUMNS.items():
            setattr(table, name, arrays[name].astype(numbers, casting="equiv"))
        table.features = np.zeros(table.count, np.uint32)
        if table.minimums.shape[1:] != (HASHES,) or any(len(getattr(table, c)) != table.count for c in _COLUMNS):
            raise ValueError("the columns differ in length")
        return table

    def holds(self, row: int, print_of_row: Fingerprint) -> bool:
        """Whether a row's stored hash of its value equals that of a new fingerprint, so that nothing need be
        updated."""
        stored = self.values[row] if row < self.count and self.alive[row] else None
        return bool(row < self.count and stored == print_of_row.value)

    def put(self, fresh: Mapping[int, Fingerprint], same: Same, same_form: Same) -> None:
        """Replace rows, or append those from `count` on; update the sets of equal rows."""
        rows = np.array(sorted(fresh), np.int64)
        prints = [fresh[row] for row in rows.tolist()]
        self._grow(int(rows[-1]) + 1)
        touched = self.values[rows].tolist()
        forms = self.forms[rows].copy()
        self._write(rows, prints)
        prove(self.values, self.alive, same, rows)
        changed_firsts = self.by_value.renew(self.values, self.alive, touched + self.values[rows].tolist())
        rows, touched = np.union1d(rows, changed_firsts), forms.tolist()
        touched += self.forms[rows].tolist()
        prove(self.forms, self._has_form, same_form, rows)
        self.by_form.renew(self.forms, self._has_form, touched + self.forms[rows].tolist())

    def _write(self, rows: NDArray[np.int64], prints: Sequence[Fingerprint]) -> None:
        """Write the columns of rows that are there."""
        sketches = self.sketcher.sketch([p.text for p in prints])
        self.minimums[rows], self.orders[rows] = sketches.minimums, sketches.orders
        self.features[rows] = sketches.features
        self.values[rows] = [p.value or 0 for p in prints]
        self.forms[rows] = sketches.orders.view(np.int64)
        self.prompts[rows] = [p.prompt for p in prints]
        self.systems[rows] = [p.system for p in prints]
        self.learnt[rows] = [p.learnt for p in prints]
        self.alive[rows] = [p.value is not None for p in prints]

    def _grow(self, count: int) -> None:
        """Append empty rows up to `count`."""
        more = count - self.count
        if more > 0:
            for name in _COLUMNS:
                column = getattr(self, name)
                blank = np.zeros((more, *column.shape[1:]), column.dtype)
                setattr(self, name, np.concatenate([column, blank]))
            self.features = np.concatenate([self.features, np.zeros(more, np.uint32)])

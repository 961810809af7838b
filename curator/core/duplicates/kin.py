"""What a split keeps together: the pairs of the index, whose relation is worked out only where it matters.

Copies, look-alikes and contradictions all stay on one side, so most pairs need not be told apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.candidates import Pairs
from curator.core.duplicates.disjoint_sets import DisjointSets
from curator.core.duplicates.equal_rows import Keys
from curator.core.duplicates.found_duplicates import FoundDuplicates, score, strictness
from curator.core.duplicates.groups import Pair
from curator.core.duplicates.index import Index
from curator.core.duplicates.meaning.relation import may_conflict
from curator.core.duplicates.sketch import U8
from curator.core.duplicates.table import Progress

_SCORED = np.dtype([("a", np.uint32), ("b", np.uint32), ("score", np.float64), ("words", np.int32)])


class Kin(Index):
    """An index whose pairs are scored, but not told apart."""

    _scored: NDArray[np.void] = np.empty(0, _SCORED)

    def _take(self, pairs: Pairs, tell: Progress) -> None:
        self._scored = np.fromiter(score(pairs, self._fetch, tell=tell), _SCORED)

    @property
    def one_system(self) -> bool:
        """Whether system prompts make no difference, since all say the same."""
        return self._one_system

    @property
    def minimums(self) -> U8:
        """The minimums of the rows' sketches."""
        return self._table.minimums

    @property
    def words_in_order(self) -> Keys:
        """A hash of each row's words in order; 0 for a row without words."""
        return self._table.orders.view(np.int64)

    def sets(self, threshold: float) -> list[list[int]]:
        """Sets of rows that are copies, look-alikes or contradictions of each other, also by way of others."""
        union = DisjointSets()
        groups = (self._table.by_value.sets(), self._table.by_form.sets(), self._contradicting_rows())
        for rows in (rows for sets in groups for rows in sets):
            for other in rows[1:]:
                union.join(rows[0], other)
        for pair in self._pairs_of(self._scored):
            if _is_near(pair, threshold) or (union.find(pair.a) != union.find(pair.b) and self._contradict(pair)):
                union.join(pair.a, pair.b)
        return union.sets()

    def _pairs_of(self, scored: NDArray[np.void]) -> Iterable[Pair]:
        return (Pair(a, b, points, words=words) for a, b, points, words in scored.tolist())

    def _contradict(self, pair: Pair) -> bool:
        if not may_conflict(self._spoken(pair.a), self._spoken(pair.b)):
            return False
        return self._relate(pair.a, pair.b) == "conflict"

    def copies_among(self, rows: Iterable[int], threshold: float) -> list[list[int]]:
        """The sets of copies among some rows, no row of which is alike to one outside (`Arrangement.chains`)."""
        inside = set(rows)
        scored = self._scored[np.isin(self._scored["a"], [*inside])]
        pairs = [
            Pair(pair.a, pair.b, pair.score, self._relate(pair.a, pair.b), pair.words)
            for pair in self._pairs_of(scored)
            if _is_near(pair, threshold)
        ]
        found = FoundDuplicates(
            count=self.count,
            equal=_of(self._table.by_value.sets(), inside),
            normalised=_of(self._table.by_form.sets(), inside),
            pairs=pairs,
            words=self._words_of,
            compare=self._compare,
            learnt=lambda row: int(self._table.learnt[row]),
        )
        return found.arrange(threshold).chains


def _is_near(pair: Pair, threshold: float) -> bool:
    return pair.score >= threshold + strictness(pair.words)


def _of(sets: Sequence[list[int]], inside: set[int]) -> list[list[int]]:
    return [rows for rows in sets if rows[0] in inside]

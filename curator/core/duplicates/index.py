"""Find all copies in a dataset, and keep them found: one edit re-checks one example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.found import Found, verify
from curator.core.duplicates.groups import Pair, Relation
from curator.core.duplicates.hashes import Print, text_hash
from curator.core.duplicates.table import Fetch, Progress, Table
from curator.core.duplicates.texts import normalise, parts

RELATIONS: tuple[Relation, ...] = get_args(Relation)
_COMPARED = 400
_SIMILAR_FLOOR = 35.0


class Index:
    """Copies among rows 0, 1, 2 …, found at once and kept up to date.

    `fetch(row)` must give a row's present compared text, so that no text needs to stay in memory.
    `progress` is told a phase and its share done; raising from it cancels.
    """

    def __init__(
        self,
        batches: Iterable[Sequence[Print]],
        fetch: Fetch,
        *,
        near: bool = True,
        progress: Progress | None = None,
    ) -> None:
        self._fetch = fetch
        tell = progress or (lambda phase, share: None)
        self._table = Table.read(batches, near, tell)
        self._equal = self._table.equal()[0]
        self._normalised: list[list[int]] = []
        self._pairs: list[Pair] = []
        self._words: dict[int, Sequence[str]] = {}
        self._answers: dict[int, int] = {}
        """Hashes of the answers to questions that are asked more than once, by row."""
        if near:
            self._group_copies()
            self._pairs = verify(self._table.near(self._lone), fetch, tell=tell)
            self._table.forget_bands()

    def _group_copies(self) -> None:
        self._equal, first = self._table.equal()
        self._normalised, first = self._table.same_form(first, self._fetch)
        self._lone = np.flatnonzero(first)

    def dump(self) -> dict[str, NDArray[Any]]:
        """Everything but the texts as plain arrays, for `load`."""
        pairs = [(p.a, p.b, round(p.score * 1000), RELATIONS.index(p.relation), p.words) for p in self._pairs]
        return {**self._table.dump(), "pairs": np.array(pairs, np.int64).reshape(-1, 5)}

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], fetch: Fetch) -> Index:
        """An index as it was dumped. Raises KeyError or ValueError where the arrays are no such thing."""
        index = cls((), fetch, near=False)
        index._table = Table.load(arrays)
        index._group_copies()
        index._pairs = [
            Pair(a, b, score / 1000, RELATIONS[relation], words)
            for a, b, score, relation, words in arrays["pairs"].tolist()
        ]
        return index

    @property
    def count(self) -> int:
        """Rows known."""
        return self._table.count

    @property
    def found(self) -> Found:
        """What is found at present."""
        return Found(self.count, self._equal, self._normalised, self._pairs, self._asked, self._words_of)

    def _asked(self) -> list[list[int]]:
        """Those sets of rows with one prompt that hold different answers."""
        return [rows for rows in self._table.asked() if len({self._answer(row) for row in rows}) > 1]

    def _answer(self, row: int) -> int:
        if row not in self._answers:
            self._answers[row] = text_hash(parts(self._fetch(row))[1].strip())
        return self._answers[row]

    def _words_of(self, row: int) -> Sequence[str]:
        if row not in self._words:
            self._words[row] = normalise(self._fetch(row)).split()
        return self._words[row]

    def put(self, row: int, fresh: Print) -> None:
        """Row `row` says something else now (`NOTHING`: it is gone); `row` may be the next new one."""
        before = self._lone
        self._table.put(row, fresh)
        self._group_copies()
        stale = {row, *np.setdiff1d(before, self._lone, assume_unique=True).tolist()}
        self._pairs = [pair for pair in self._pairs if pair.a not in stale and pair.b not in stale]
        self._words.pop(row, None)
        self._answers.pop(row, None)
        anew = {
            *np.setdiff1d(self._lone, before, assume_unique=True).tolist(),
            *self._lone[self._lone == row].tolist(),
        }
        for changed in sorted(anew):
            known = {(pair.a, pair.b) for pair in self._pairs if changed in (pair.a, pair.b)}
            pairs = verify(self._table.like(changed, self._lone, _COMPARED), self._fetch)
            self._pairs += [pair for pair in pairs if (pair.a, pair.b) not in known]

    def similar(self, row: int, most: int = 5) -> list[tuple[int, float]]:
        """The rows nearest to `row` with their scores, the nearest first; copies of it score 100."""
        alive = np.flatnonzero(self._table.alive)
        pairs = verify(self._table.like(row, alive, _COMPARED), self._fetch, _SIMILAR_FLOOR)
        ranked = sorted(pairs, key=lambda pair: (-pair.score, pair.a + pair.b))
        return [(other(pair, row), pair.score) for pair in ranked[:most]]


def other(pair: Pair, row: int) -> int:
    """The member of `pair` that is not `row`."""
    return pair.b if pair.a == row else pair.a

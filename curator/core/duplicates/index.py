"""Find all copies in a dataset, and keep them found: one edit re-checks one example."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.classes import Mask, Same, lengthened
from curator.core.duplicates.found import Found, verify
from curator.core.duplicates.groups import Pair, Relation
from curator.core.duplicates.hashes import Print, text_hash
from curator.core.duplicates.table import Fetch, Progress, Table
from curator.core.duplicates.texts import kind, normalise, parts

RELATIONS: tuple[Relation, ...] = get_args(Relation)
_COMPARED = 400
_MANY = 100
"""So many changed rows at once are looked for like a whole dataset."""
_SIMILAR_FLOOR = 35.0


class Index:
    """Copies among rows 0, 1, 2 …, found at once and kept up to date.

    `fetch(row)` must give a row's present compared text, so that no text needs to stay in memory, and `same` say
    whether two rows are equal by value: no hash decides that.
    `progress` is told a phase and its share done; raising from it cancels.
    """

    def __init__(
        self,
        batches: Iterable[Sequence[Print]],
        fetch: Fetch,
        same: Same,
        *,
        near: bool = True,
        progress: Progress | None = None,
    ) -> None:
        self._fetch, self._same = fetch, same
        tell = progress or (lambda phase, share: None)
        self._pairs: list[Pair] = []
        self._words: dict[int, Sequence[str]] = {}
        self._answers: dict[int, int] = {}
        """Hashes of the answers to questions that are asked more than once, by row."""
        self._table = Table.read(batches, near, tell)
        self._table.group(same, self._same_form)
        if near:
            self._pairs = verify(self._table.near(self._table.lone), fetch, tell=tell)
            self._table.forget_bands()

    def _same_form(self, a: int, b: int) -> bool:
        left, right = self._fetch(a), self._fetch(b)
        return kind(left) == kind(right) and normalise(left) == normalise(right)

    def dump(self) -> dict[str, NDArray[Any]]:
        """Everything but the texts as plain arrays, for `load`."""
        pairs = [(p.a, p.b, round(p.score * 1000), RELATIONS.index(p.relation), p.words) for p in self._pairs]
        return {**self._table.dump(), "pairs": np.array(pairs, np.int64).reshape(-1, 5)}

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], fetch: Fetch, same: Same) -> Index:
        """An index as it was dumped. Raises KeyError or ValueError where the arrays are no such thing."""
        index = cls((), fetch, same, near=False)
        index._table = Table.load(arrays)
        index._table.group()
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
        equal, normalised = self._table.by_value.sets(), self._table.by_form.sets()
        return Found(self.count, equal, normalised, self._pairs, self._asked, self._words_of)

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

    def put(self, fresh: Mapping[int, Print]) -> None:
        """Rows say something else now (`NOTHING`: they are gone); new ones go on from the count."""
        fresh = {row: said for row, said in fresh.items() if not self._table.holds(row, said)}
        if not fresh:
            return
        before = self._table.lone
        self._table.put(fresh, self._same, self._same_form)
        lone = self._table.lone
        before = lengthened(before, len(lone))
        stale = {*fresh, *np.flatnonzero(before & ~lone).tolist()}
        self._pairs = [pair for pair in self._pairs if pair.a not in stale and pair.b not in stale]
        for row in fresh:
            self._words.pop(row, None)
            self._answers.pop(row, None)
        before[list(fresh)] = False
        self._verify(np.flatnonzero(lone & ~before).tolist(), lone)

    def _verify(self, anew: list[int], lone: Mask) -> None:
        """Compare rows with all that are alone."""
        if len(anew) > _MANY:
            pairs = self._table.near(lone)
            pairs = pairs[np.isin(pairs, anew).any(axis=1)]
        else:
            likes = [self._table.like(row, lone, _COMPARED) for row in anew]
            pairs = np.unique(np.concatenate([*likes, np.empty((0, 2), np.int64)]), axis=0)
        self._pairs += verify(pairs, self._fetch)

    def similar(self, row: int, most: int = 5) -> list[tuple[int, float]]:
        """The rows nearest to `row` with their scores, the nearest first; copies of it score 100."""
        pairs = verify(self._table.like(row, self._table.alive, _COMPARED), self._fetch, _SIMILAR_FLOOR)
        ranked = sorted(pairs, key=lambda pair: (-pair.score, pair.a + pair.b))
        return [(other(pair, row), pair.score) for pair in ranked[:most]]


def other(pair: Pair, row: int) -> int:
    """The member of `pair` that is not `row`."""
    return pair.b if pair.a == row else pair.a

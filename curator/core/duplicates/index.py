"""The index of all duplicates in a dataset: built once, then updated row by row as examples are edited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.equal_rows import Mask, Same, lengthen
from curator.core.duplicates.found_duplicates import FoundDuplicates, verify
from curator.core.duplicates.groups import Pair, Relation
from curator.core.duplicates.hashes import Fingerprint, text_hash
from curator.core.duplicates.table import Fetch, FingerprintTable, Progress
from curator.core.duplicates.texts import format_mark, normalise, question_and_answer

RELATIONS: tuple[Relation, ...] = get_args(Relation)
"""A stored relation is its index here."""
_COMPARED = 400
"""Most rows that one changed row is compared with."""
_MANY = 100
"""Above so many changed rows their copies are searched with those of all rows."""
_SIMILAR_FLOOR = 35.0
"""Lowest score that `similar` lists."""


class Index:
    """The duplicates among rows 0, 1, 2 ….

    `batches` are the fingerprints of all rows in order. `fetch(row)` must give a row's current compared text (the
    index keeps no texts), and `same(a, b)` whether two rows are equal by value (hashes only make it likely).
    Without `near` no near copies are searched. `progress` gets a phase and the share of it that is done, 0 to 1;
    an exception from it cancels.
    """

    def __init__(
        self,
        batches: Iterable[Sequence[Fingerprint]],
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
        """Hashes of the answers, by row, as far as computed: only of rows whose prompt occurs more than once."""
        self._table = FingerprintTable.read(batches, near, tell)
        self._table.group(same, self._same_form)
        if near:
            self._pairs = verify(self._table.candidate_pairs(self._table.representatives), fetch, tell=tell)
            self._table.forget_bands()

    def _same_form(self, a: int, b: int) -> bool:
        text_a, text_b = self._fetch(a), self._fetch(b)
        return format_mark(text_a) == format_mark(text_b) and normalise(text_a) == normalise(text_b)

    def dump(self) -> dict[str, NDArray[Any]]:
        """The whole index as arrays, for `load`."""
        pairs = [(p.a, p.b, round(p.score * 1000), RELATIONS.index(p.relation), p.words) for p in self._pairs]
        return {**self._table.dump(), "pairs": np.array(pairs, np.int64).reshape(-1, 5)}

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], fetch: Fetch, same: Same) -> Index:
        """The index that `dump` wrote. Raises KeyError or ValueError where the arrays do not hold one."""
        index = cls((), fetch, same, near=False)
        index._table = FingerprintTable.load(arrays)
        index._table.group()
        index._pairs = [
            Pair(a, b, score / 1000, RELATIONS[relation], words)
            for a, b, score, relation, words in arrays["pairs"].tolist()
        ]
        return index

    @property
    def count(self) -> int:
        """Rows, deleted ones included."""
        return self._table.count

    @property
    def duplicates(self) -> FoundDuplicates:
        """The duplicates of the current rows."""
        return FoundDuplicates(
            count=self.count,
            equal=self._table.by_value.sets(),
            normalised=self._table.by_form.sets(),
            pairs=self._pairs,
            contradicting_rows=self._contradicting_rows,
            words=self._words_of,
        )

    def _contradicting_rows(self) -> list[list[int]]:
        """The sets of rows with an equal prompt and different answers."""
        return [rows for rows in self._table.rows_by_prompt() if len({self._answer(row) for row in rows}) > 1]

    def _answer(self, row: int) -> int:
        if row not in self._answers:
            self._answers[row] = text_hash(question_and_answer(self._fetch(row))[1].strip())
        return self._answers[row]

    def _words_of(self, row: int) -> Sequence[str]:
        if row not in self._words:
            self._words[row] = normalise(self._fetch(row)).split()
        return self._words[row]

    def put(self, fresh: Mapping[int, Fingerprint]) -> None:
        """Replace the fingerprints of rows (`NOTHING` for deleted ones); new rows continue from `count`."""
        fresh = {row: new for row, new in fresh.items() if not self._table.holds(row, new)}
        if not fresh:
            return
        before = self._table.representatives
        self._table.put(fresh, self._same, self._same_form)
        lone = self._table.representatives
        before = lengthen(before, len(lone))
        stale = {*fresh, *np.flatnonzero(before & ~lone).tolist()}
        self._pairs = [pair for pair in self._pairs if pair.a not in stale and pair.b not in stale]
        for row in fresh:
            self._words.pop(row, None)
            self._answers.pop(row, None)
        before[list(fresh)] = False
        self._verify(np.flatnonzero(lone & ~before).tolist(), lone)

    def _verify(self, changed: list[int], lone: Mask) -> None:
        """Add the verified pairs of the changed rows with all rows in the mask `lone`."""
        if len(changed) > _MANY:
            pairs = self._table.candidate_pairs(lone)
            pairs = pairs[np.isin(pairs, changed).any(axis=1)]
        else:
            pairs_of_rows = [self._table.pairs_with(row, lone, _COMPARED) for row in changed]
            pairs = np.unique(np.concatenate([*pairs_of_rows, np.empty((0, 2), np.int64)]), axis=0)
        self._pairs += verify(pairs, self._fetch)

    def similar(self, row: int, most: int = 5) -> list[tuple[int, float]]:
        """The rows most similar to `row` with their scores (0 to 100), the highest first."""
        pairs = verify(self._table.pairs_with(row, self._table.alive, _COMPARED), self._fetch, _SIMILAR_FLOOR)
        ranked = sorted(pairs, key=lambda pair: (-pair.score, pair.a + pair.b))
        return [(other_row(pair, row), pair.score) for pair in ranked[:most]]


def other_row(pair: Pair, row: int) -> int:
    """The member of `pair` that is not `row`."""
    return pair.b if pair.a == row else pair.a

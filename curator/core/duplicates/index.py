"""The index of all duplicates in a dataset: built once, then updated row by row as examples are edited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.candidates import Pairs
from curator.core.duplicates.equal_rows import Mask, Same, lengthen
from curator.core.duplicates.found_duplicates import FoundDuplicates, no_progress, verify
from curator.core.duplicates.groups import Pair
from curator.core.duplicates.hashes import Fingerprint, answer_hash
from curator.core.duplicates.meaning.relation import VARIANTS, Relation, have_one_system, relation_of
from curator.core.duplicates.meaning.spoken import Spoken, spoken_text
from curator.core.duplicates.sketch import NoteWords
from curator.core.duplicates.table import Fetch, FingerprintTable, Progress
from curator.core.duplicates.texts import normalise

Say = Callable[[int], Spoken]
"""A function from a row to its messages, as `meaning.spoken` has them."""

RELATIONS: tuple[Relation, ...] = get_args(Relation)
"""A relation is stored as its index in this tuple."""
_COMPARED = 400
"""Most rows that one changed row is compared with."""
_MANY = 100
"""If more rows changed, copies are searched among all rows at once instead of for each changed row."""
_REMEMBERED = 4_000
"""Most rows whose words are kept between comparisons."""
_SIMILAR_FLOOR = 35.0
"""Lowest score that `similar` lists."""


class Index:
    """The duplicates among rows 0, 1, 2 ….

    `batches` are the fingerprints of all rows in order. `fetch(row)` must give a row's current compared text (the
    index keeps no texts), `same(a, b)` whether two rows are equal by value (hashes only make it likely), and
    `say(row)` its messages; without `say` they are read from the compared text. Without `near` no near copies are
    searched. `progress` gets a phase and the share of it that is done, 0 to 1; an exception from it cancels.
    `note` gets the hashed words of the texts.
    """

    def __init__(
        self,
        batches: Iterable[Sequence[Fingerprint]],
        fetch: Fetch,
        same: Same,
        *,
        say: Say | None = None,
        near: bool = True,
        progress: Progress | None = None,
        note: NoteWords | None = None,
    ) -> None:
        self._fetch, self._same = fetch, same
        self._say = say or (lambda row: spoken_text(fetch(row)))
        self._said: dict[int, Spoken] = {}
        self._compared: dict[tuple[int, int], Pair | None] = {}
        """Pairs of rows compared since, which were no candidates."""
        tell = progress or (lambda phase, share: None)
        self._pairs: list[Pair] = []
        self._words: dict[int, Sequence[str]] = {}
        self._answers: dict[int, int] = {}
        """Hashes of the answers, by row, as far as computed: only of rows whose prompt occurs more than once."""
        self._table = FingerprintTable.read(batches, near, tell, note)
        self._one_system = self._has_one_system()
        self._table.group(same, self._same_form)
        if near:
            pairs = self._table.candidate_pairs(self._table.representatives)
            self._table.forget_bands()
            self._take(pairs, tell)

    def _take(self, pairs: Pairs, tell: Progress) -> None:
        """Compare the candidates."""
        self._pairs = self._verified(pairs, tell)

    def _same_form(self, a: int, b: int) -> bool:
        """Whether two rows whose words have one hash say the same."""
        return self._relate(a, b) == "copy"

    def _relate(self, a: int, b: int) -> Relation:
        return relation_of(self._spoken(a), self._spoken(b), ignore_system=self._one_system)

    def _spoken(self, row: int) -> Spoken:
        if row not in self._said:
            if len(self._said) >= _REMEMBERED:
                self._said.clear()
            self._said[row] = self._say(row)
        return self._said[row]

    def _has_one_system(self) -> bool:
        """Whether all rows with a system prompt have the same one or variants that say the same."""
        systems, firsts = np.unique(np.where(self._table.alive, self._table.systems, 0), return_index=True)
        rows = firsts[systems != 0].tolist()
        return len(rows) <= VARIANTS and have_one_system([self._spoken(row).system for row in rows])

    def _verified(self, pairs: Pairs, tell: Progress = no_progress) -> list[Pair]:
        return verify(pairs, self._fetch, self._relate, tell=tell)

    def _compare(self, a: int, b: int) -> Pair | None:
        """The verified pair of two rows that were no candidates; None where they are not alike."""
        if (a, b) not in self._compared:
            self._compared[a, b] = next(iter(self._verified(np.array([[a, b]], np.int64))), None)
        return self._compared[a, b]

    def dump(self) -> dict[str, NDArray[Any]]:
        """The whole index as arrays, for `load`."""
        pairs = [(p.a, p.b, round(p.score * 1000), RELATIONS.index(p.relation), p.words) for p in self._pairs]
        return {
            **self._table.dump(),
            "pairs": np.array(pairs, np.int64).reshape(-1, 5),
            "one_system": np.array(self._one_system),
        }

    @classmethod
    def load(cls, arrays: Mapping[str, NDArray[Any]], fetch: Fetch, same: Same, say: Say | None = None) -> Index:
        """The index that `dump` wrote. Raises KeyError or ValueError where the arrays do not hold one."""
        index = cls((), fetch, same, say=say, near=False)
        index._table = FingerprintTable.load(arrays)
        index._one_system = bool(arrays["one_system"])
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
    def uncompared(self) -> tuple[int, int]:
        """How many rows are copies of nothing (broken, deleted), and of how many only equal values are copies."""
        compared = self._table.alive
        return int((~compared).sum()), int((compared & (self._table.orders == 0)).sum())

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
            compare=self._compare,
            learnt=lambda row: int(self._table.learnt[row]),
        )

    def _contradicting_rows(self) -> list[list[int]]:
        """The sets of rows with an equal prompt and different answers."""
        return [rows for rows in self._table.rows_by_prompt() if self._answer_differently(rows)]

    def _answer_differently(self, rows: list[int]) -> bool:
        by_value = {int(self._table.values[row]): row for row in rows}
        return len(by_value) > 1 and len({self._answer(row) for row in by_value.values()}) > 1

    def _answer(self, row: int) -> int:
        if row not in self._answers:
            self._answers[row] = answer_hash(self._spoken(row))
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
        for row in fresh:
            self._words.pop(row, None)
            self._answers.pop(row, None)
        self._said.clear()
        self._compared.clear()
        self._table.put(fresh, self._same, self._same_form)
        if self._one_system != self._has_one_system():
            self._begin_again()
            return
        lone = self._table.representatives
        before = lengthen(before, len(lone))
        stale = {*fresh, *np.flatnonzero(before & ~lone).tolist()}
        self._pairs = [pair for pair in self._pairs if pair.a not in stale and pair.b not in stale]
        before[list(fresh)] = False
        self._verify(np.flatnonzero(lone & ~before).tolist(), lone)

    def _begin_again(self) -> None:
        """Compare all candidates anew: whether system prompts count has changed."""
        self._one_system = not self._one_system
        self._table.forget_forms()
        self._table.group(self._same, self._same_form)
        self._pairs = self._verified(self._table.candidate_pairs(self._table.representatives))

    def _verify(self, changed: list[int], lone: Mask) -> None:
        """Add the verified pairs of the changed rows with all rows in the mask `lone`."""
        if len(changed) > _MANY:
            pairs = self._table.candidate_pairs(lone)
            pairs = pairs[np.isin(pairs, changed).any(axis=1)]
        else:
            pairs_of_rows = [self._table.pairs_with(row, lone, _COMPARED) for row in changed]
            pairs = np.unique(np.concatenate([*pairs_of_rows, np.empty((0, 2), np.int64)]), axis=0)
        self._pairs += self._verified(pairs)

    def similar(self, row: int, most: int = 5) -> list[tuple[int, float]]:
        """The rows most similar to `row` with their scores (0 to 100), the highest first."""
        among = self._table.pairs_with(row, self._table.alive, _COMPARED)
        pairs = verify(among, self._fetch, lambda a, b: "copy", _SIMILAR_FLOOR)
        ranked = sorted(pairs, key=lambda pair: (-pair.score, pair.a + pair.b))
        return [(other_row(pair, row), pair.score) for pair in ranked[:most]]


def other_row(pair: Pair, row: int) -> int:
    """The member of `pair` that is not `row`."""
    return pair.b if pair.a == row else pair.a

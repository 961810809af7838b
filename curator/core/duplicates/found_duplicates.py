"""The duplicates of a dataset, and the verification that every near copy has to pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from curator.core.duplicates.alike import LONG, ratio
from curator.core.duplicates.candidates import Pairs
from curator.core.duplicates.disjoint_sets import DisjointSets
from curator.core.duplicates.groups import Arrangement, Group, Pair, RowQuestions, WordsOf, arrange
from curator.core.duplicates.known_copies import KnownCopies
from curator.core.duplicates.meaning.relation import Relation
from curator.core.duplicates.table import Fetch, Progress
from curator.core.duplicates.texts import format_mark, normalise

DEFAULT_THRESHOLD = 72.0
"""Score from which a pair counts as a copy; precision .99 and recall .97 on unseen data (docs/duplicates.md)."""

FLOOR = 60.0
"""Pairs below this score are dropped."""

_SHORT_WORDS = 12
"""Pairs with fewer words in the shorter text need a higher score (`strictness`)."""
_SHORT_BONUS = 2.0
"""Points more for each missing word."""
_WHOLE = 0.995
"""The longer text counts as the shorter one with additions if it has at least this share of its characters."""
_VERIFY = 20_000
"""Pairs compared at a time."""
_REMEMBERED = 10_000_000
"""Characters of compared texts that are cached between blocks of pairs; other texts are fetched again."""


Relate = Callable[[int, int], Relation]
"""A function from two similar rows to how they relate."""


def _no_words(row: int) -> Sequence[str]:
    return ()


def _not_compared(a: int, b: int) -> Pair | None:
    return None


def _all_learnt(row: int) -> int:
    return 1


@dataclass(frozen=True, slots=True)
class FoundDuplicates:
    """All duplicates of `count` examples; ids are positions in the input. `groups` applies a threshold."""

    count: int
    equal: list[list[int]] = field(default_factory=list)
    """Sets of rows that are equal by value."""
    normalised: list[list[int]] = field(default_factory=list)
    """Sets of rows with an equal normal form, one row of each value."""
    pairs: list[Pair] = field(default_factory=list)
    """Verified pairs of `FLOOR` and more between rows of different normal form."""
    contradicting_rows: Callable[[], list[list[int]]] = list
    """Computes the sets of rows with an equal prompt and different answers; it fetches their texts."""
    words: WordsOf = _no_words
    """The words of a row's normal form."""
    compare: Callable[[int, int], Pair | None] = _not_compared
    """The verified pair of two rows that were no candidates; None below `FLOOR`."""
    learnt: Callable[[int], int] = _all_learnt
    """How many messages of a row are trained."""

    def groups(self, threshold: float = DEFAULT_THRESHOLD, *, exact_only: bool = False) -> list[Group]:
        """The groups at `threshold` (0 to 100): groups of copies by first member, then template families.

        With `exact_only` only the groups of equal values.
        """
        return self.arrange(threshold, exact_only=exact_only).groups

    def arrange(self, threshold: float = DEFAULT_THRESHOLD, *, exact_only: bool = False) -> Arrangement:
        """The groups, and the chains of copies that a split must not tear."""
        if exact_only:
            return arrange(self.equal, (), (), self.words)

        def is_near(pair: Pair) -> bool:
            return pair.score >= threshold + strictness(pair.words)

        def compare(a: int, b: int) -> Pair | None:
            pair = self.compare(a, b)
            return pair if pair is not None and is_near(pair) else None

        questions = RowQuestions(compare, self.learnt)
        return arrange(self.equal, self.normalised, filter(is_near, self.pairs), self.words, questions)

    def are_copies(self, a: int, b: int, threshold: float = DEFAULT_THRESHOLD) -> bool:
        """Whether two rows are copies of each other, compared directly and not by way of others."""
        pair = self.compare(min(a, b), max(a, b))
        return pair is not None and pair.relation == "copy" and pair.score >= threshold + strictness(pair.words)

    def known_copies(self, threshold: float = DEFAULT_THRESHOLD) -> KnownCopies:
        """The copies that were found by comparing two rows directly; no further rows are compared."""
        near = (pair for pair in self.pairs if pair.score >= threshold + strictness(pair.words))
        return KnownCopies([*self.equal, *self.normalised], near)

    def conflicts(self) -> list[list[int]]:
        """Sets of rows with an equal or nearly equal prompt and different answers, by first member."""
        union = DisjointSets()
        for rows in self.contradicting_rows():
            for other in rows[1:]:
                union.join(rows[0], other)
        for pair in self.pairs:
            if pair.relation == "conflict":
                union.join(pair.a, pair.b)
        return union.sets()


def strictness(words: int) -> float:
    """Points that a pair needs above the threshold if its shorter text has few words: each word weighs more
    there."""
    return max(0, _SHORT_WORDS - words) * _SHORT_BONUS


def no_progress(phase: str, share: float) -> None:
    """Ignore the progress."""


def verify(
    pairs: Pairs, fetch: Fetch, relate: Relate, floor: float = FLOOR, tell: Progress = no_progress
) -> list[Pair]:
    """The pairs of rows with a score of `floor` or more, with their relation.

    `fetch(row)` gives a compared text, `relate(a, b)` how two similar rows relate.
    """
    scored = score(pairs, fetch, floor, tell)
    return [Pair(a, b, points, relate(a, b), words) for a, b, points, words in scored]


def score(
    pairs: Pairs, fetch: Fetch, floor: float = FLOOR, tell: Progress = no_progress
) -> Iterator[tuple[int, int, float, int]]:
    """The pairs of rows of one format with a score of `floor` or more: both rows, the score, and the words of the
    shorter text."""
    forms: dict[int, str] = {}
    marks: dict[int, str] = {}
    for at in range(0, len(pairs), _VERIFY):
        tell("comparing", at / len(pairs))
        block = pairs[at : at + _VERIFY].tolist()
        rows = {row for pair in block for row in pair}
        if sum(map(len, forms.values())) > _REMEMBERED:
            forms = {row: forms[row] for row in rows & forms.keys()}
        for row in sorted(rows - forms.keys()):
            text = fetch(row)
            forms[row], marks[row] = normalise(text), format_mark(text)
        forms_a, forms_b = [forms[a] for a, _ in block], [forms[b] for _, b in block]
        ratios = _scores(forms_a, forms_b, least_ratio(floor))
        for place in np.flatnonzero(ratios).tolist():
            a, b = block[place]
            points, words = _without_half_of_more(float(ratios[place]), forms_a[place], forms_b[place])
            if points >= floor and marks[a] == marks[b]:
                yield a, b, points, words
    tell("comparing", 1.0)


def least_ratio(score: float) -> float:
    """The least ratio (rapidfuzz) of two texts of such a score: where one is the other with additions, only
    half of these count."""
    return 100 * score / (200 - score)


def _without_half_of_more(score: float, a: str, b: str) -> tuple[float, int]:
    """The score of two texts, and the words of the shorter one. Where one is the other with additions, only half
    the length of these counts against it: the score is then at most 100 × `score` ÷ (50 + `score` ÷ 2)."""
    words = 1 + min(a.count(" "), b.count(" "))
    short, long = min(len(a), len(b)), max(len(a), len(b))
    shared = score * (short + long) / 200
    if words < _SHORT_WORDS or shared < _WHOLE * short:
        return score, words
    return 200 * short / (short + (short + long) / 2), words


def _scores(forms_a: list[str], forms_b: list[str], floor: float) -> NDArray[np.float32]:
    """The score of each pair of normal forms, 0 below `floor`."""
    costly = {row: None for row, (a, b) in enumerate(zip(forms_a, forms_b, strict=True)) if len(a) * len(b) > LONG}
    if not costly:
        return process.cpdist(forms_a, forms_b, scorer=fuzz.ratio, score_cutoff=floor)
    cheap = [text if row not in costly else "" for row, text in enumerate(forms_a)]
    scores = process.cpdist(cheap, forms_b, scorer=fuzz.ratio, score_cutoff=floor)
    scores[list(costly)] = [ratio(forms_a[row], forms_b[row], floor) for row in costly]
    return scores

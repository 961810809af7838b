"""What was found, and the verification that every near copy has passed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from curator.core.duplicates.alike import LONG, ratio
from curator.core.duplicates.candidates import Pairs
from curator.core.duplicates.groups import Group, Pair, WordsOf, group, relation
from curator.core.duplicates.table import Fetch, Progress
from curator.core.duplicates.texts import kind, normalise
from curator.core.duplicates.union import Union

DEFAULT_THRESHOLD = 72.0
"""Score from which a pair counts as a copy; precision .99 and recall .97 on unseen data (docs/duplicates.md)."""

FLOOR = 60.0
"""Pairs below this score are not kept at all."""

_SHORT_WORDS = 12
_SHORT_BONUS = 2.0
_VERIFY = 20_000
_REMEMBERED = 10_000_000
"""Letters of compared texts that are kept for pairs to come; more are read again."""


def _no_words(row: int) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Found:
    """What was found; ids are positions in the input. `groups(threshold)` draws the line."""

    count: int
    equal: list[list[int]] = field(default_factory=list)
    normalised: list[list[int]] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    asked: Callable[[], list[list[int]]] = list
    """Gives the sets of rows with one prompt and different answers; the texts are read only when it is called."""
    words: WordsOf = _no_words
    """The words of a row's normal form."""

    def groups(self, threshold: float = DEFAULT_THRESHOLD, *, exact_only: bool = False) -> list[Group]:
        """The partition at `threshold` (0 to 100): copy groups by first member, then look-alike families."""
        if exact_only:
            return group(self.equal, (), (), self.words)
        kept = [pair for pair in self.pairs if pair.score >= threshold + strictness(pair.words)]
        return group(self.equal, self.normalised, kept, self.words)

    def conflicts(self) -> list[list[int]]:
        """Sets of rows that answer the same, or nearly the same, prompt differently; by first member."""
        union = Union()
        for rows in self.asked():
            for other in rows[1:]:
                union.join(rows[0], other)
        for pair in self.pairs:
            if pair.relation == "conflict":
                union.join(pair.a, pair.b)
        return union.sets()


def strictness(words: int) -> float:
    """Points more that a short pair needs, by words: one of eight is a quarter of what is said."""
    return max(0, _SHORT_WORDS - words) * _SHORT_BONUS


def _silent(phase: str, share: float) -> None:
    """No progress wanted."""


def verify(pairs: Pairs, fetch: Fetch, floor: float = FLOOR, tell: Progress = _silent) -> list[Pair]:
    """Those pairs that score `floor` or more."""
    kept: list[Pair] = []
    texts: dict[int, str] = {}
    forms: dict[int, str] = {}
    for at in range(0, len(pairs), _VERIFY):
        tell("comparing", at / len(pairs))
        block = pairs[at : at + _VERIFY].tolist()
        wanted = {row for pair in block for row in pair}
        if sum(map(len, texts.values())) > _REMEMBERED:
            texts = {row: texts[row] for row in wanted & texts.keys()}
            forms = {row: forms[row] for row in texts}
        fresh = {row: fetch(row) for row in wanted - texts.keys()}
        texts |= fresh
        forms |= {row: normalise(text) for row, text in fresh.items()}
        left, right = [forms[a] for a, _ in block], [forms[b] for _, b in block]
        scores = _scores(left, right, floor)
        for row in np.flatnonzero(scores >= floor).tolist():
            a, b = block[row]
            if kind(texts[a]) != kind(texts[b]):
                continue
            words = 1 + min(left[row].count(" "), right[row].count(" "))
            kept.append(Pair(a, b, float(scores[row]), relation(texts[a], texts[b], left[row], right[row]), words))
    tell("comparing", 1.0)
    return kept


def _scores(left: list[str], right: list[str], floor: float) -> NDArray[np.float32]:
    """The score of each pair of normal forms, 0 below `floor`."""
    costly = {row: None for row, (a, b) in enumerate(zip(left, right, strict=True)) if len(a) * len(b) > LONG}
    if not costly:
        return process.cpdist(left, right, scorer=fuzz.ratio, score_cutoff=floor)
    cheap = [text if row not in costly else "" for row, text in enumerate(left)]
    scores = process.cpdist(cheap, right, scorer=fuzz.ratio, score_cutoff=floor)
    scores[list(costly)] = [ratio(left[row], right[row], floor) for row in costly]
    return scores

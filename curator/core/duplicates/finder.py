"""Find all copies in a dataset: equal values, equal normal forms, and near copies verified one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from curator.core.duplicates.candidates import Pairs, candidates
from curator.core.duplicates.groups import Group, Pair, group, numbers_differ
from curator.core.duplicates.sketch import HASHES, U32, U64, Sketcher
from curator.core.duplicates.texts import normalise

DEFAULT_THRESHOLD = 75.0
"""Score from which a pair counts as a copy; precision .99 and recall .97 on unseen data (docs/duplicates.md)."""

FLOOR = 60.0
"""Pairs below this score are not kept at all."""

EXHAUSTIVE = 1_500
"""Up to so many texts every pair is compared: exact, and faster than sketching."""

_SHORT_WORDS = 12
_SHORT_BONUS = 2.0
_VERIFY = 20_000

Fetch = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found; ids are positions in the input. `groups(threshold)` draws the line."""

    count: int
    equal: list[list[int]] = field(default_factory=list)
    normalised: list[list[int]] = field(default_factory=list)
    pairs: list[Pair] = field(default_factory=list)
    words: dict[int, Sequence[str]] = field(default_factory=dict)

    def groups(self, threshold: float = DEFAULT_THRESHOLD, *, exact_only: bool = False) -> list[Group]:
        """The partition at `threshold` (0 to 100): copy groups by first member, then look-alike families."""
        if exact_only:
            return group(self.equal, (), (), {})
        kept = [pair for pair in self.pairs if pair.score >= threshold + self._strictness(pair)]
        return group(self.equal, self.normalised, kept, self.words)

    def _strictness(self, pair: Pair) -> float:
        """Points more that a short pair needs: one word of eight is a quarter of what is said."""
        shorter = min(len(self.words[pair.a]), len(self.words[pair.b]))
        return max(0, _SHORT_WORDS - shorter) * _SHORT_BONUS


def find(
    batches: Iterable[tuple[Sequence[str], Sequence[int | None]]],
    fetch: Fetch,
    *,
    floor: float = FLOOR,
    near: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> Found:
    """Find copies in batches of (compared texts, value hashes; None where the line is broken).

    `fetch(position)` gives a compared text again, so that no text needs to stay in memory. `progress` is
    called with a phase and its share done; raising from it cancels.
    """
    tell = progress or (lambda phase, share: None)
    sketcher = Sketcher()
    sketches, orders, values, broken = [], [], [], []
    count = 0
    for texts, hashes in batches:
        if near:
            made, order = sketcher.sketch(texts)
            sketches.append(made)
            orders.append(order)
        values.append(np.array([h or 0 for h in hashes], dtype=np.int64))
        broken += [count + at for at, h in enumerate(hashes) if h is None]
        count += len(texts)
        tell("reading", 0.0)
    if not count:
        return Found(0)
    dead = np.zeros(count, np.bool_)
    dead[broken] = True
    equal, first = _alike_by(np.concatenate(values), ~dead)
    if not near:
        return Found(count, equal)
    order = np.concatenate(orders)
    normalised, first = _same_form(order, first & (order != 0), fetch)
    lone = np.flatnonzero(first)
    pairs = _pairs(sketches, count, lone)
    kept, words = _verify(pairs, fetch, floor, tell)
    return Found(count, equal, normalised, kept, words)


def _alike_by(
    keys: NDArray[np.int64] | U64, alive: NDArray[np.bool_]
) -> tuple[list[list[int]], NDArray[np.bool_]]:
    """Sets of rows with equal keys among the living, and a mask of the first of each key."""
    rows = np.flatnonzero(alive)
    order = rows[np.argsort(keys[rows], kind="stable")]
    fresh = np.ones(len(order), np.bool_)
    fresh[1:] = keys[order[1:]] != keys[order[:-1]]
    first = np.zeros(len(keys), np.bool_)
    first[order[fresh]] = True
    starts = np.flatnonzero(fresh)
    lengths = np.diff(np.append(starts, len(order)))
    many = np.flatnonzero(lengths > 1)
    sets = [order[starts[i] : starts[i] + lengths[i]].tolist() for i in many]
    return sorted(sets), first


def _same_form(order: U64, first: NDArray[np.bool_], fetch: Fetch) -> tuple[list[list[int]], NDArray[np.bool_]]:
    """As `_alike_by` on the order-keeping hashes, with every set's texts compared for certain."""
    sets, mask = _alike_by(order, first)
    certain: list[list[int]] = []
    for ids in sets:
        forms: dict[str, list[int]] = {}
        for row in ids:
            forms.setdefault(normalise(fetch(row)), []).append(row)
        certain += [same for same in forms.values() if len(same) > 1]
        mask[[same[0] for same in forms.values()]] = True
    return certain, mask


def _pairs(sketches: list[U32], count: int, lone: NDArray[np.int64]) -> Pairs:
    if len(lone) <= EXHAUSTIVE:
        upper = np.triu_indices(len(lone), 1)
        return np.stack([lone[upper[0]], lone[upper[1]]], axis=1)
    packed = np.empty((len(lone), HASHES), np.uint32)
    filled = at = 0
    while sketches:
        block = sketches.pop(0)
        inside = lone[filled : np.searchsorted(lone, at + len(block))] - at
        packed[filled : filled + len(inside)] = block[inside]
        filled, at = filled + len(inside), at + len(block)
    return lone[candidates(packed)]


def _verify(
    pairs: Pairs, fetch: Fetch, floor: float, tell: Callable[[str, float], None]
) -> tuple[list[Pair], dict[int, Sequence[str]]]:
    kept: list[Pair] = []
    words: dict[int, Sequence[str]] = {}
    forms: dict[int, str] = {}
    for at in range(0, len(pairs), _VERIFY):
        tell("comparing", at / len(pairs))
        block = pairs[at : at + _VERIFY].tolist()
        wanted = {row for pair in block for row in pair}
        forms = {row: forms[row] if row in forms else normalise(fetch(row)) for row in wanted}
        left, right = [forms[a] for a, _ in block], [forms[b] for _, b in block]
        scores = process.cpdist(left, right, scorer=fuzz.ratio, score_cutoff=floor)
        for row in np.flatnonzero(scores >= floor).tolist():
            a, b = block[row]
            for item in (a, b):
                if item not in words:
                    words[item] = forms[item].split()
            kept.append(Pair(a, b, float(scores[row]), numbers_differ(forms[a], forms[b])))
    tell("comparing", 1.0)
    return kept, words

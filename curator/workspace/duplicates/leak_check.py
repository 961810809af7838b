"""The last look at a split: which held-out examples have a copy among those that are trained."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice

import numpy as np
from rapidfuzz import fuzz, process

from curator.core.duplicates.across import Phrases
from curator.core.duplicates.alike import LONG, ratio
from curator.core.duplicates.found_duplicates import strictness, verify
from curator.core.duplicates.groups import Pair
from curator.core.duplicates.hashes import text_hash
from curator.core.duplicates.texts import compared_text, normalise
from curator.core.example import parse
from curator.workspace.meter import Meter

_EVERY_PAIR = 2_000_000
"""Up to so many pairs across the sides every one is compared; beyond, those that share phrases."""
_BATCH = 2_000


class Leaks:
    """Looks at every text once; `leaking` may then be asked for any division of them.

    Nothing here rests on the groups that the division was made from, nor on the index that found them.
    """

    def __init__(self, raws: Mapping[int, bytes], threshold: float, meter: Meter | None = None) -> None:
        self._raws = raws
        self._meter = meter or Meter()
        self._threshold = threshold
        self._ids = list(raws)
        self._forms: dict[int, int] = {}
        self._known: dict[tuple[int, int], Pair | None] = {}
        self._phrases = Phrases(self._texts())

    def _texts(self) -> Iterator[list[str]]:
        examples = iter(self._meter.over("Checking", self._raws.items(), len(self._ids)))
        while batch := list(islice(examples, _BATCH)):
            texts = [compared_text(parse(raw).value) for _, raw in batch]
            pairs = zip(batch, texts, strict=True)
            self._forms |= {example: text_hash(normalise(text)) for (example, _), text in pairs if text}
            yield texts

    def _text(self, example: int) -> str:
        return compared_text(parse(self._raws[example]).value)

    def leaking(self, held: Collection[int]) -> set[int]:
        """The held-out examples with an exact or near copy on the other side."""
        inside = set(held)
        there = {form for example, form in self._forms.items() if example not in inside}
        found = {example for example in inside if self._forms.get(example) in there}
        for pair in self._verified(self._pairs(inside)):
            a, b = self._ids[pair.a], self._ids[pair.b]
            found.add(a if a in inside else b)
        return found

    def _pairs(self, held: set[int]) -> list[tuple[int, int]]:
        """Rows worth comparing, one of each side."""
        inside = [row for row, i in enumerate(self._ids) if i in held and i in self._forms]
        others = [row for row, i in enumerate(self._ids) if i not in held and i in self._forms]
        if len(inside) * len(others) <= _EVERY_PAIR:
            return list(self._every_pair(inside, others))
        mask = np.fromiter((example in held for example in self._ids), np.bool_, len(self._ids))
        return [(a, b) for a, b in self._phrases.pairs_across(mask).tolist()]

    def _verified(self, pairs: list[tuple[int, int]]) -> list[Pair]:
        """Those that are copies at the threshold, by their texts alone; what was compared is remembered."""
        fresh = sorted(set(pairs) - self._known.keys())
        self._known |= dict.fromkeys(fresh)
        rows = np.array(fresh, np.int64).reshape(-1, 2)
        tell = self._meter.share(len(fresh))

        def told(_: str, share: float) -> None:
            if fresh:
                tell("verifying", share)

        for pair in verify(rows, lambda row: self._text(self._ids[row]), self._threshold, tell=told):
            if pair.relation == "copy" and pair.score >= self._threshold + strictness(pair.words):
                self._known[pair.a, pair.b] = pair
        return [copy for rows in pairs if (copy := self._known[rows]) is not None]

    def _every_pair(self, held: list[int], others: list[int]) -> Iterator[tuple[int, int]]:
        left, right = [self._form(row) for row in held], [self._form(row) for row in others]
        long = max(map(len, left), default=0) * max(map(len, right), default=0) > LONG
        if long:
            near = [[ratio(a, b, self._threshold) for b in right] for a in left]
        else:
            near = process.cdist(left, right, scorer=fuzz.ratio, score_cutoff=self._threshold).tolist()
        for row, scores in zip(held, near, strict=True):
            yield from ((row, other) for other, score in zip(others, scores, strict=True) if score)

    def _form(self, row: int) -> str:
        return normalise(self._text(self._ids[row]))

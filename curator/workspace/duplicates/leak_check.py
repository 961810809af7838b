"""The last check of a split: which held-out examples have a copy among the training examples?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice

import numpy as np
from rapidfuzz import fuzz, process

from curator.core.duplicates.across import Phrases
from curator.core.duplicates.alike import LONG, ratio
from curator.core.duplicates.found_duplicates import FLOOR, strictness, verify
from curator.core.duplicates.groups import Pair
from curator.core.duplicates.hashes import text_hash
from curator.core.duplicates.meaning.relation import VARIANTS, Relation, have_one_system, relation_of
from curator.core.duplicates.meaning.spoken import spoken, system_text
from curator.core.duplicates.texts import compared_text, normalise
from curator.core.example import parse
from curator.workspace.meter import Meter

_EVERY_PAIR = 2_000_000
"""Up to so many pairs of examples across the sides all are compared; beyond, only pairs that share phrases."""
_BATCH = 2_000
"""Texts handed over together."""
_SAME_WORDS = 50
"""Most training examples of the same words with which a held-out one is compared."""


class LeakCheck:
    """Reads every text once; `leaking` then checks any split of them.

    It uses neither the groups that the split was made from nor the index that found them, so that an error there
    is found here; what makes a pair of examples copies is the same (`relation_of`).
    """

    def __init__(self, raws: Mapping[int, bytes], threshold: float, meter: Meter | None = None) -> None:
        self._raws = raws
        self._meter = meter or Meter()
        self._threshold = threshold
        self._ids = list(raws)
        self._row = {example: row for row, example in enumerate(self._ids)}
        self._hashes: dict[int, int] = {}
        """The hash of each example's normalised text; examples without a text are absent."""
        self._systems: dict[str, None] = {}
        """The first few different system prompts."""
        self._compared: dict[tuple[int, int], Pair | None] = {}
        """Pairs of rows compared so far; None for those that are no copies."""
        self._phrases = Phrases(self._texts())
        self._one_system = have_one_system([*self._systems])

    def _texts(self) -> Iterator[list[str]]:
        """The texts in batches; their hashes and system prompts are noted meanwhile."""
        examples = iter(self._meter.over("Checking", self._raws.items(), len(self._ids)))
        while batch := list(islice(examples, _BATCH)):
            values = [parse(raw).value for _, raw in batch]
            texts = [compared_text(value) for value in values]
            for value in values if len(self._systems) <= VARIANTS else ():
                if system := system_text(value):
                    self._systems.setdefault(system)
            pairs = zip(batch, texts, strict=True)
            self._hashes |= {example: text_hash(normalise(text)) for (example, _), text in pairs if text}
            yield texts

    def _text(self, row: int) -> str:
        return compared_text(parse(self._raws[self._ids[row]]).value)

    def _relate(self, a: int, b: int) -> Relation:
        first, second = (spoken(parse(self._raws[self._ids[row]]).value) for row in (a, b))
        return relation_of(first, second, ignore_system=self._one_system)

    def leaking(self, held_out: Collection[int]) -> set[int]:
        """The held-out examples with an exact or near copy among all others."""
        return {example for example, _ in self.pairs(held_out)}

    def pairs(self, held_out: Collection[int]) -> list[tuple[int, int]]:
        """Each held-out example with a copy of it among all others, as (held-out, other)."""
        validation = set(held_out)
        candidates = {*self._candidates(validation), *self._same_words(validation)}
        ids = [(self._ids[pair.a], self._ids[pair.b]) for pair in self._copies(sorted(candidates))]
        return [(a, b) if a in validation else (b, a) for a, b in ids]

    def _same_words(self, validation: set[int]) -> Iterator[tuple[int, int]]:
        """Pairs of rows of the same words, one of each side."""
        validation_hashes = {self._hashes[example] for example in validation if example in self._hashes}
        trained: dict[int, list[int]] = {}
        for example, value in self._hashes.items():
            if example not in validation and value in validation_hashes:
                trained.setdefault(value, []).append(self._row[example])
        for example in validation:
            row = self._row.get(example, -1)
            for other in trained.get(self._hashes.get(example, 0), ())[:_SAME_WORDS]:
                yield min(row, other), max(row, other)

    def _candidates(self, validation: set[int]) -> list[tuple[int, int]]:
        """Pairs of rows that may be copies, one of each side."""
        inside = [row for row, i in enumerate(self._ids) if i in validation and i in self._hashes]
        outside = [row for row, i in enumerate(self._ids) if i not in validation and i in self._hashes]
        if len(inside) * len(outside) <= _EVERY_PAIR:
            pairs = self._similar_pairs(inside, outside)
        else:
            mask = np.fromiter((example in validation for example in self._ids), np.bool_, len(self._ids))
            pairs = iter([(a, b) for a, b in self._phrases.pairs_across(mask).tolist()])
        return [(min(pair), max(pair)) for pair in pairs]

    def _copies(self, pairs: list[tuple[int, int]]) -> list[Pair]:
        """The pairs whose texts are copies at the threshold; each pair is compared only once."""
        fresh = sorted(set(pairs) - self._compared.keys())
        self._compared |= dict.fromkeys(fresh)
        rows = np.array(fresh, np.int64).reshape(-1, 2)
        report = self._meter.share(len(fresh))

        def report_verifying(_: str, share: float) -> None:
            if fresh:
                report("verifying", share)

        for pair in verify(rows, self._text, self._relate, FLOOR, tell=report_verifying):
            if pair.relation == "copy" and pair.score >= self._threshold + strictness(pair.words):
                self._compared[pair.a, pair.b] = pair
        return [copy for rows in pairs if (copy := self._compared[rows]) is not None]

    def _similar_pairs(self, inside: list[int], outside: list[int]) -> Iterator[tuple[int, int]]:
        """Of all pairs of rows those whose normalised texts are alike."""
        texts, other_texts = [self._normal(row) for row in inside], [self._normal(row) for row in outside]
        if max(map(len, texts), default=0) * max(map(len, other_texts), default=0) > LONG:
            scores = [[ratio(a, b, FLOOR) for b in other_texts] for a in texts]
        else:
            scores = process.cdist(texts, other_texts, scorer=fuzz.ratio, score_cutoff=FLOOR).tolist()
        for row, row_scores in zip(inside, scores, strict=True):
            yield from ((row, other) for other, score in zip(outside, row_scores, strict=True) if score)

    def _normal(self, row: int) -> str:
        return normalise(self._text(row))

"""The last check of a split: which held-out examples have a copy among the training examples?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from curator.core.duplicates.across import Phrases
from curator.core.duplicates.alike import LONG, ratio
from curator.core.duplicates.equal_rows import Mask
from curator.core.duplicates.found_duplicates import least_ratio, strictness, verify
from curator.core.duplicates.groups import Pair
from curator.core.duplicates.hashes import text_hash
from curator.core.duplicates.meaning.relation import VARIANTS, Relation, have_one_system, relation_of
from curator.core.duplicates.plain_lines import spoken_of_line, text_and_messages_of_line, text_of_line
from curator.core.duplicates.texts import normalise
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
        self._systems: dict[str, None] = {}
        """The first few different system prompts."""
        self._compared: dict[tuple[int, int], Pair | None] = {}
        """Pairs of rows compared so far; None for those that are no copies."""
        self._phrases = Phrases(self._texts())
        self._one_system = have_one_system([*self._systems])
        self._words = self._hash_words()
        """A hash of each row's words in order; 0 for a row without a text."""

    def _texts(self) -> Iterator[list[str]]:
        """The texts in batches; the first system prompts are noted meanwhile."""
        examples = iter(self._meter.over("Checking", self._raws.items(), len(self._ids)))
        while batch := list(islice(examples, _BATCH)):
            yield [self._read(raw) for _, raw in batch]

    def _hash_words(self) -> NDArray[np.int64]:
        words = self._phrases.orders.view(np.int64).copy()
        for row in np.flatnonzero(words == 0).tolist():
            text = self._text(row).strip()  # of nothing but punctuation, or empty
            words[row] = text_hash(text) if text else 0
        return words

    def _read(self, raw: bytes) -> str:
        """The compared text of a line; its system prompt is noted while there are few."""
        if len(self._systems) > VARIANTS:
            return text_of_line(raw)
        text, chat = text_and_messages_of_line(raw)
        if chat.system:
            self._systems.setdefault(chat.system)
        return text

    def _text(self, row: int) -> str:
        return text_of_line(self._raws[self._ids[row]])

    def _relate(self, a: int, b: int) -> Relation:
        first, second = (spoken_of_line(self._raws[self._ids[row]]) for row in (a, b))
        return relation_of(first, second, ignore_system=self._one_system)

    def leaking(self, held_out: Collection[int]) -> set[int]:
        """The held-out examples with an exact or near copy among all others."""
        return {example for example, _ in self.pairs(held_out)}

    def pairs(self, held_out: Collection[int]) -> list[tuple[int, int]]:
        """Each held-out example with a copy of it among all others, as (held-out, other)."""
        mask = np.zeros(len(self._ids), np.bool_)
        mask[[self._row[example] for example in held_out if example in self._row]] = True
        copies = self._copies(sorted({*self._candidates(mask), *self._same_words(mask)}))
        sides = [(pair.a, pair.b) if mask[pair.a] else (pair.b, pair.a) for pair in copies]
        return [(self._ids[held], self._ids[other]) for held, other in sides]

    def _same_words(self, held_out: Mask) -> Iterator[tuple[int, int]]:
        """Pairs of rows of the same words, one of each side."""
        spoken = self._words != 0
        on_both = np.intersect1d(self._words[held_out & spoken], self._words[~held_out & spoken])
        trained: dict[int, list[int]] = {}
        held: list[int] = []
        for row in np.flatnonzero(np.isin(self._words, on_both)).tolist():
            if held_out[row]:
                held.append(row)
            else:
                trained.setdefault(int(self._words[row]), []).append(row)
        for row in held:
            for other in trained[int(self._words[row])][:_SAME_WORDS]:
                yield min(row, other), max(row, other)

    def _candidates(self, held_out: Mask) -> list[tuple[int, int]]:
        """Pairs of rows that may be copies, one of each side."""
        spoken = self._words != 0
        inside, outside = np.flatnonzero(held_out & spoken), np.flatnonzero(~held_out & spoken)
        if len(inside) * len(outside) <= _EVERY_PAIR:
            pairs = self._similar_pairs(inside.tolist(), outside.tolist())
        else:
            pairs = iter([(a, b) for a, b in self._phrases.pairs_across(held_out).tolist()])
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

        for pair in verify(rows, self._text, self._relate, self._threshold, tell=report_verifying):
            if pair.relation == "copy" and pair.score >= self._threshold + strictness(pair.words):
                self._compared[pair.a, pair.b] = pair
        return [copy for rows in pairs if (copy := self._compared[rows]) is not None]

    def _similar_pairs(self, inside: list[int], outside: list[int]) -> Iterator[tuple[int, int]]:
        """Of all pairs of rows those whose normalised texts are alike."""
        texts, other_texts = [self._normal(row) for row in inside], [self._normal(row) for row in outside]
        floor = least_ratio(self._threshold)
        if max(map(len, texts), default=0) * max(map(len, other_texts), default=0) > LONG:
            scores = [[ratio(a, b, floor) for b in other_texts] for a in texts]
        else:
            scores = process.cdist(texts, other_texts, scorer=fuzz.ratio, score_cutoff=floor).tolist()
        for row, row_scores in zip(inside, scores, strict=True):
            yield from ((row, other) for other, score in zip(outside, row_scores, strict=True) if score)

    def _normal(self, row: int) -> str:
        return normalise(self._text(row))

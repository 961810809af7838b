"""The last check of a split: which held-out examples have a copy among the training examples?"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import islice
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz, process

from curator.core.duplicates.across import Phrases
from curator.core.duplicates.alike import LONG, ratio
from curator.core.duplicates.equal_rows import Keys, Mask
from curator.core.duplicates.found_duplicates import least_ratio, strictness, verify
from curator.core.duplicates.groups import Pair
from curator.core.duplicates.hashes import text_hash
from curator.core.duplicates.id_rows import IdRows
from curator.core.duplicates.meaning.relation import VARIANTS, Relation, have_one_system, relation_of
from curator.core.duplicates.plain_lines import spoken_of_line, text_and_messages_of_line, text_of_line
from curator.core.duplicates.sketch import U8, Sketcher, empty_sketches
from curator.core.duplicates.texts import normalise
from curator.workspace.meter import Meter

_EVERY_PAIR = 20_000
"""Up to so many pairs of examples across the sides all are compared; beyond, only pairs that share phrases."""
_BATCH = 2_000
"""Texts handed over together."""
_FEW_CHANGED = 0.05
"""Share of all examples that changed sides since the last look, up to which only these are looked at."""
_SAME_WORDS = 50
"""Most training examples of the same words with which a held-out one is compared."""


class Read(NamedTuple):
    """What is known of all texts, by row."""

    rows: IdRows
    phrases: Phrases
    minimums: U8
    """Of their sketches."""
    words: Keys
    """A hash of each text's words in order; 0 without words."""
    one_system: bool
    """Whether system prompts make no difference."""


class LeakCheck:
    """Knows every text by its phrases; `leaking` then checks any split of them.

    It uses neither the groups that the split was made from nor the pairs that the index found, so that an error
    there is found here; what makes a pair of examples copies is the same (`relation_of`). `read` is what is known
    of the texts where they were read before, of these examples and maybe of more; else they are read here.
    """

    def __init__(
        self,
        raws: Mapping[int, bytes],
        threshold: float,
        meter: Meter | None = None,
        read: Read | None = None,
    ) -> None:
        self._raws = raws
        self._meter = meter or Meter()
        self._threshold = threshold
        self._systems: dict[str, None] = {}
        """The first few different system prompts."""
        self._compared: dict[tuple[int, int], Pair | None] = {}
        """Pairs of rows compared so far; None for those that are no copies."""
        self._looked_at: Mask | None = None
        """The held-out rows of the last look."""
        self._read_before = read or self._read_all()
        self._rows = self._read_before.rows
        self._among = None if len(raws) == len(self._rows) else self._rows.mask(raws.keys())
        self._words = self._hash_words()
        """A hash of each row's words in order; 0 for a row without a text."""

    def _read_all(self) -> Read:
        """Read the texts, and note the first system prompts meanwhile."""
        phrases, sketcher = Phrases(), Sketcher()
        ids: list[int] = []
        sketches = [empty_sketches(0)]
        examples = iter(self._meter.over("Checking", self._raws.items(), len(self._raws)))
        while batch := list(islice(examples, _BATCH)):
            ids += [example for example, _ in batch]
            sketches.append(sketcher.sketch([self._read(raw) for _, raw in batch], phrases.note))
        minimums = np.concatenate([each.minimums for each in sketches])
        orders = np.concatenate([each.orders for each in sketches]).view(np.int64)
        return Read(IdRows(np.array(ids, np.int64)), phrases, minimums, orders, have_one_system([*self._systems]))

    def _hash_words(self) -> Keys:
        words = self._read_before.words.copy()
        wordless = words == 0
        if self._among is not None:
            words[~self._among] = 0
            wordless &= self._among
        for row in np.flatnonzero(wordless).tolist():
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

    def _raw(self, row: int) -> bytes:
        return self._raws[int(self._rows.ids[row])]

    def _text(self, row: int) -> str:
        return text_of_line(self._raw(row))

    def _relate(self, a: int, b: int) -> Relation:
        first, second = (spoken_of_line(self._raw(row)) for row in (a, b))
        return relation_of(first, second, ignore_system=self._read_before.one_system)

    def leaking(self, held_out: Collection[int]) -> set[int]:
        """The held-out examples with an exact or near copy among all others."""
        return {example for example, _ in self.pairs(held_out)}

    def pairs(self, held_out: Collection[int]) -> list[tuple[int, int]]:
        """Each held-out example with a copy of it among all others, as (held-out, other).

        Of a second division only the pairs of examples that changed sides are looked at, and the copies known
        before.
        """
        held = self._rows.mask(held_out)
        changed = self._changed(held)
        candidates = {*self._candidates(held, changed), *self._same_words(held, changed)}
        candidates |= {rows for rows, pair in self._compared.items() if pair and held[rows[0]] != held[rows[1]]}
        copies = self._copies(sorted(candidates))
        self._looked_at = held
        sides = [(pair.a, pair.b) if held[pair.a] else (pair.b, pair.a) for pair in copies]
        ids = self._rows.ids
        return [(int(ids[row]), int(ids[other])) for row, other in sides]

    def _changed(self, held: Mask) -> Mask | None:
        """Marks the rows whose side is another one than at the last look; None where all are to be looked at."""
        if self._looked_at is None:
            return None
        changed: Mask = held != self._looked_at
        return changed if int(changed.sum()) < _FEW_CHANGED * len(changed) else None

    def _same_words(self, held: Mask, changed: Mask | None) -> Iterator[tuple[int, int]]:
        """Pairs of rows of the same words, one of each side."""
        spoken = self._words != 0
        if changed is not None:
            spoken &= np.isin(self._words, self._words[changed & spoken])
        on_both = np.intersect1d(self._words[held & spoken], self._words[~held & spoken])
        trained: dict[int, list[int]] = {}
        asking: list[int] = []
        for row in np.flatnonzero(spoken & np.isin(self._words, on_both)).tolist():
            if held[row]:
                asking.append(row)
            else:
                trained.setdefault(int(self._words[row]), []).append(row)
        for row in asking:
            for other in trained[int(self._words[row])][:_SAME_WORDS]:
                yield min(row, other), max(row, other)

    def _candidates(self, held: Mask, changed: Mask | None) -> list[tuple[int, int]]:
        """Pairs of rows that may be copies, one of each side."""
        spoken = self._words != 0
        inside, outside = np.flatnonzero(held & spoken), np.flatnonzero(~held & spoken)
        if len(inside) * len(outside) <= _EVERY_PAIR:
            pairs = self._similar_pairs(inside.tolist(), outside.tolist())
        else:
            known = self._read_before
            asking = held & spoken if changed is None else changed & spoken
            others = spoken & ~held if changed is None else spoken
            across = known.phrases.pairs_across(asking, known.minimums, others)
            pairs = iter([(a, b) for a, b in across[held[across[:, 0]] != held[across[:, 1]]].tolist()])
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

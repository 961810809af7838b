"""Texts that nothing new may repeat: is an example that somebody writes a copy of one that is there?"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from rapidfuzz import fuzz, process

from curator.core.duplicates.found_duplicates import FLOOR
from curator.core.duplicates.texts import compared_text, normalise
from curator.core.example import parse
from curator.workspace.duplicates.twins import find_twins, text_keys

_FEW = 20
"""Known examples that a new one is compared with in full, the most alike ones."""
_COMPARED = 4_000
"""Characters of a text that are looked at to find the known examples that may be alike."""


class KnownTexts:
    """Examples by id, with what tells quickly which of them a new one may repeat."""

    def __init__(self, raws: Iterable[tuple[int, bytes]]) -> None:
        self._raws: dict[int, bytes] = {}
        self._forms: dict[int, str] = {}
        self._by_hash: dict[int, int] = {}
        for example, raw in raws:
            self.add(example, raw)

    def add(self, example: int, raw: bytes) -> None:
        """Know one more example; its id is above 0 and new."""
        text = compared_text(parse(raw).value)
        if text:
            self._raws[example] = raw
            self._forms[example] = normalise(text)[:_COMPARED]
            for key in text_keys(text):
                self._by_hash.setdefault(key, example)

    def twin(self, raw: bytes) -> int | None:
        """A known example that this one copies or nearly copies, or that asks the same; None: there is none."""
        text = compared_text(parse(raw).value)
        for key in text_keys(text):
            if key in self._by_hash:
                return self._by_hash[key]
        form = normalise(text)[:_COMPARED]
        if not form or not self._forms:
            return None
        scores = process.cdist([form], list(self._forms.values()), scorer=fuzz.ratio, score_cutoff=FLOOR)[0]
        ids = np.fromiter(self._forms, np.int64, len(self._forms))
        near = [int(ids[at]) for at in np.argsort(-scores, kind="stable")[:_FEW] if scores[at]]
        fresh_id = max(self._raws) + 1
        return find_twins({fresh_id: raw}, {example: self._raws[example] for example in near}).get(fresh_id)

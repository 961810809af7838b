"""Which examples are copies of a held-out one? Held-out examples are those on the validation and the test side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

import numpy as np
from rapidfuzz import fuzz, process

from curator.core.duplicates.found_duplicates import FLOOR
from curator.core.duplicates.hashes import text_hash
from curator.core.duplicates.meaning.echo import is_echo
from curator.core.duplicates.meaning.spoken import spoken
from curator.core.duplicates.texts import compared_text, normalise, question_and_answer
from curator.core.example import parse
from curator.workspace.duplicates.split import copies_by_example
from curator.workspace.storage.examples import StoredExamples

HELD_OUT = ("validation", "test")
"""The sides that no training sees."""
_NEAR = 2_000
"""Up to this many changed examples are compared for near copies; more (an import) only for the same words."""
_FEW = 20
"""Held-out examples that one example is compared with in full, the most alike ones."""
_READ_ANEW = 20_000
"""From so many changed fields on the held-out examples are listed anew."""
_COMPARED = 4_000
"""Characters of a text that are looked at to find the held-out examples that may be alike."""
_COUNTED = 2_000
"""Held-out examples whose words are counted to know what all of them have in common."""
_LISTED = "SELECT id, version FROM example WHERE split IN ('validation', 'test') AND deleted = 0"
_CHANGED = (
    "SELECT DISTINCT example FROM part WHERE change > ? AND example > 0 "
    "AND field IN ('split', 'deleted', 'version') LIMIT ?"
)


class HeldOutTexts:
    """The normal forms of all held-out examples, kept up to date by the changes since they were last asked for."""

    def __init__(self, stored: StoredExamples) -> None:
        self._stored = stored
        self._revision: int | None = None
        self._forms: dict[int, str] = {}
        """The normal form of each held-out example, cut."""
        self._by_hash: dict[int, dict[int, None]] = {}
        """Held-out examples by the hash of their normal form, and by that of their prompt."""

    def twins(self, fresh: Iterable[tuple[int, bytes]], count: int) -> dict[int, int]:
        """The held-out twin of each of `count` examples, given as (id, bytes), that has one.

        A twin is a copy, a near copy, has the same prompt, or says the same in other words and gives the same
        answer (`is_echo`). Examples that are held out themselves have none here.
        """
        self._update()
        if not self._forms:
            return {}
        near = count <= _NEAR
        twins: dict[int, int] = {}
        rewritten: dict[int, bytes] = {}
        others: dict[int, bytes] = {}
        for example, raw in fresh:
            if example in self._forms:
                rewritten[example] = raw
            elif (twin := self._twin(example, raw, near)) is not None:
                twins[example] = twin
            if near and example not in self._forms:
                others[example] = raw
        return _with_rewritten(twins, others, rewritten)

    def twin_of_held_out(self, example: int, rewritten: Mapping[int, bytes]) -> int | None:
        """Another held-out example that a held-out one copies, as `twins` finds it; `rewritten` are the new bytes
        of held-out examples, of this one too, that are changed together."""
        self._update()
        raw, others = rewritten[example], {i: text for i, text in rewritten.items() if i != example}
        twin = self._twin(example, raw, near=True, but=rewritten.keys())
        if twin is None:
            twin = find_twins({example: raw}, others).get(example)
        return self._echoed(raw, others) if twin is None else twin

    def _twin(self, example: int, raw: bytes, near: bool, but: Collection[int] = ()) -> int | None:
        """Another held-out example, none of those in `but`, that an example copies."""
        passed_over = {example, *but}
        text = compared_text(parse(raw).value)
        for key in text_keys(text):
            if others := self._by_hash.get(key, {}).keys() - passed_over:
                return min(others)
        form = normalise(text)[:_COMPARED]
        if not near or not form:
            return None
        scores = process.cdist([form], self._forms.values(), scorer=fuzz.ratio, score_cutoff=FLOOR)[0]
        ids = np.fromiter(self._forms, np.int64, len(self._forms))
        likeliest = np.argsort(-scores, kind="stable")[: _FEW + len(passed_over)]
        candidates = sorted(int(ids[at]) for at in likeliest if scores[at] and int(ids[at]) not in passed_over)
        held_out = dict(self._stored.raws(candidates))
        copied = find_twins({example: raw}, held_out).get(example)
        return copied if copied is not None else self._echoed(raw, held_out)

    def _echoed(self, raw: bytes, held_out: Mapping[int, bytes]) -> int | None:
        """The first of some held-out examples to which an example gives the answer away in other words."""
        if not held_out:
            return None
        fresh, common = spoken(parse(raw).value), _common_words(self._forms.values())
        return next(
            (twin for twin, other in held_out.items() if is_echo(fresh, spoken(parse(other).value), common)), None
        )

    def _update(self) -> None:
        """Bring the texts up to the present revision."""
        revision, db = self._stored.revision(), self._stored.db
        if revision == self._revision:
            return
        changed: list[int] | None = None
        if self._revision is not None and revision > self._revision:
            changed = [row[0] for row in db.execute(_CHANGED, (self._revision, _READ_ANEW))]
        if changed is not None and len(changed) < _READ_ANEW:
            self._forget(changed)
            rows = self._stored.example_rows(changed)
            changed = [i for i in changed if i in rows and rows[i].split in HELD_OUT and not rows[i].deleted]
        else:
            self._forms, self._by_hash = {}, {}
            changed = [row[0] for row in db.execute(_LISTED)]
        for example, raw in self._stored.raws(changed):
            if text := compared_text(parse(raw).value):
                self._forms[example] = normalise(text)[:_COMPARED]
                for key in text_keys(text):
                    self._by_hash.setdefault(key, {})[example] = None
        self._revision = revision

    def _forget(self, changed: list[int]) -> None:
        """Drop what is known of examples that changed."""
        removed_ids = {example for example in changed if self._forms.pop(example, None) is not None}
        if removed_ids:
            for key, ids in list(self._by_hash.items()):
                for example in removed_ids & ids.keys():
                    del ids[example]
                if not ids:
                    del self._by_hash[key]


def _with_rewritten(
    twins: dict[int, int], others: Mapping[int, bytes], rewritten: Mapping[int, bytes]
) -> dict[int, int]:
    """The twins where held-out examples get new bytes in the same change as the others."""
    if not (rewritten and others):
        return twins
    untouched = {example: twin for example, twin in twins.items() if twin not in rewritten}
    return untouched | find_twins(others, rewritten)


def _common_words(forms: Collection[str]) -> set[str]:
    """The words that stand in so many texts that they tell none from another: those of an instruction."""
    step = 1 + len(forms) // _COUNTED
    counts = Counter(word for at, form in enumerate(forms) if at % step == 0 for word in {*form.split()})
    total = -(-len(forms) // step)
    return {
        word
        for word, count in counts.items()
        if (count >= 20 and count >= total / 5) or count >= max(5, total / 2)
    }


def text_keys(text: str) -> list[int]:
    """The keys by which a text is looked up: the whole and its prompt alone; none without words."""
    form, prompt = normalise(text), normalise(question_and_answer(text)[0])
    keys = [text_hash(form)] if form else []
    return [*keys, text_hash("\0" + prompt)] if prompt else keys


def find_twins(fresh: Mapping[int, bytes], held_out: Mapping[int, bytes]) -> dict[int, int]:
    """The first held-out example that each of some others copies or nearly copies; all ids are above 0."""
    if not fresh or not held_out:
        return {}
    return copies_by_example(held_out.items(), fresh)

"""The copies and contradictions of a dataset by example id: built, stored beside a workspace, kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from curator.atomic import replacing
from curator.core.duplicates.conflicts import Conflict, make_conflict
from curator.core.duplicates.exact import find_equal
from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD
from curator.core.duplicates.groups import Group
from curator.core.duplicates.hashes import NOTHING, Fingerprint, canonical, fingerprint
from curator.core.duplicates.index import Index
from curator.core.duplicates.table import Progress
from curator.core.duplicates.texts import Scope, compared_text
from curator.core.example import parse

FILE = "duplicates.npz"
VERSION = 3
_BATCH = 2_000

RawOf = Callable[[int], bytes]
"""The present bytes of an example by id."""


class Duplicates:
    """Ids in dataset order; ids of examples that are gone stay known and belong to nothing."""

    def __init__(
        self, ids: Sequence[int], raw_of: RawOf, index: Index | None = None, scope: Scope = "conversation"
    ) -> None:
        self._scope = scope
        self._ids = list(ids)
        self._row = {example: row for row, example in enumerate(self._ids)}
        self._raw_of = raw_of
        self._index = index or Index((), self._text, self._same)

    @classmethod
    def build(
        cls,
        raws: Iterable[tuple[int, bytes]],
        raw_of: RawOf,
        *,
        near: bool = True,
        progress: Progress | None = None,
        scope: Scope = "conversation",
    ) -> Duplicates:
        """Look at every (id, bytes) once. `progress` is told a phase and its share; raising from it cancels.

        With the scope `prompt` or `answer` that part alone is compared; without `near` no near copies are found.
        """
        made = cls((), raw_of, scope=scope)
        made._index = Index(made._prints(raws), made._text, made._same, near=near, progress=progress)
        made._row = {example: row for row, example in enumerate(made._ids)}
        return made

    def _prints(self, raws: Iterable[tuple[int, bytes]]) -> Iterator[list[Fingerprint]]:
        stream = iter(raws)
        while batch := list(islice(stream, _BATCH)):
            self._ids += [example for example, _ in batch]
            yield [fingerprint(parse(raw), self._scope) for _, raw in batch]

    def _text(self, row: int) -> str:
        return compared_text(parse(self._raw_of(self._ids[row])).value, self._scope)

    def _same(self, a: int, b: int) -> bool:
        left, right = self._raw_of(self._ids[a]), self._raw_of(self._ids[b])
        if left == right or self._scope != "conversation":
            return left == right or self._text(a) == self._text(b)
        return canonical(parse(left).value) == canonical(parse(right).value)

    @property
    def ids(self) -> list[int]:
        """Every id known, in order."""
        return self._ids

    def groups(self, threshold: float = DEFAULT_THRESHOLD, *, exact_only: bool = False) -> list[Group]:
        """Copy groups by first member, then look-alike families; `threshold` is 0 to 100."""
        found = self._index.duplicates.groups(threshold, exact_only=exact_only)
        return [replace(group, ids=self._named(group.ids)) for group in found]

    def removed(self, threshold: float) -> int:
        """How many examples copies of others are at a threshold."""
        return sum(len(group.ids) - 1 for group in self.groups(threshold) if group.kind != "family")

    def conflicts(self) -> list[Conflict]:
        """Every prompt with different answers."""
        return [make_conflict(ids, [self._text(self._row[i]) for i in ids]) for ids in self.contradicting()]

    def contradicting(self) -> list[tuple[int, ...]]:
        """The examples of each such prompt; their texts are not read again."""
        return [self._named(rows) for rows in self._index.duplicates.conflicts()]

    def similar(self, example: int, most: int = 5) -> list[tuple[int, float]]:
        """The nearest examples with their scores, 0 to 100, the nearest first."""
        row = self._row.get(example)
        found = [] if row is None else self._index.similar(row, most)
        return [(self._ids[other], score) for other, score in found]

    def put(self, changed: Mapping[int, bytes | None]) -> None:
        """Examples say something else now, are new, or are gone (None)."""
        fresh: dict[int, Fingerprint] = {}
        for example, raw in changed.items():
            row = self._row.get(example)
            if row is None and raw is not None:
                row = self._row[example] = len(self._ids)
                self._ids.append(example)
            if row is not None:
                fresh[row] = NOTHING if raw is None else fingerprint(parse(raw), self._scope)
        self._index.put(fresh)

    def _named(self, rows: Iterable[int]) -> tuple[int, ...]:
        return tuple(self._ids[row] for row in rows)

    def save(self, folder: Path, revision: int) -> None:
        """Store everything but the texts in a workspace folder. Raises OSError."""
        about = np.array([VERSION, revision], np.int64)
        with replacing(folder / _file(self._scope)) as file:
            np.savez(file, about=about, ids=np.array(self._ids, np.int64), **self._index.dump())  # type: ignore[arg-type]

    @classmethod
    def load(cls, folder: Path, raw_of: RawOf, scope: Scope = "conversation") -> tuple[Duplicates, int] | None:
        """What `save` stored and its revision; None where there is nothing that can be used."""
        try:
            with np.load(folder / _file(scope), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            version, revision = arrays.pop("about").tolist()
            if version != VERSION:
                return None
            made = cls(arrays.pop("ids").tolist(), raw_of, scope=scope)
            made._index = Index.load(arrays, made._text, made._same)
        except (OSError, ValueError, KeyError, EOFError):
            return None
        return made, int(revision)


def equal_values(
    raws: Iterable[tuple[int, bytes]], raw_of: RawOf, scope: Scope = "conversation"
) -> tuple[list[Group], list[Conflict]]:
    """Groups of equal values alone, and contradictions to one prompt, at little more than the cost of parsing."""
    if scope != "conversation":
        found = Duplicates.build(raws, raw_of, near=False, scope=scope)
        return found.groups(exact_only=True), found.conflicts()
    same, differing = find_equal(raws, raw_of)
    return [Group("exact", tuple(ids), 100.0) for ids in same], differing


def _file(scope: Scope) -> str:
    return FILE if scope == "conversation" else f"duplicates-{scope}.npz"

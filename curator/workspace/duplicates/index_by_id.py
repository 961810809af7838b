"""The index of duplicates and contradictions by example id; it can be stored in a workspace folder and updated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from curator.atomic import replacing
from curator.core.duplicates.conflicts import Conflict, make_conflict
from curator.core.duplicates.exact import find_equal
from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD
from curator.core.duplicates.groups import Arrangement, Group
from curator.core.duplicates.hashes import NOTHING, Fingerprint
from curator.core.duplicates.index import Index
from curator.core.duplicates.plain_lines import fingerprint_of_line
from curator.core.duplicates.table import Progress
from curator.core.duplicates.texts import Scope
from curator.workspace.duplicates.row_reader import RawOf, RowReader
from curator.workspace.meter import without_collecting

FILE = "duplicates.npz"
VERSION = 9
"""Of the stored file; a file of another version is not used."""
_BATCH = 2_000
"""Examples whose fingerprints are handed over together."""


class Duplicates:
    """Example ids in dataset order; ids of deleted examples stay in the list, but are in no group."""

    def __init__(
        self, ids: Sequence[int], raw_of: RawOf, index: Index | None = None, scope: Scope = "conversation"
    ) -> None:
        self._scope = scope
        self._ids = list(ids)
        self._row = {example: row for row, example in enumerate(self._ids)}
        self._reader = RowReader(self._ids, raw_of, scope)
        self._index = index or Index((), self._reader.text, self._reader.same, say=self._reader.say)

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
        """Compare some examples, given as (id, bytes) in order; `raw_of` gives the bytes of an id again.

        `progress` is called with a phase and its share done, 0 to 1; an exception raised in it cancels. With the
        scope `prompt` or `answer` only that part is compared; without `near` only equal examples are found.
        """
        duplicates = cls((), raw_of, scope=scope)
        fingerprints, reader = duplicates._fingerprints(raws), duplicates._reader
        with without_collecting(), reader.noting_messages():
            duplicates._index = Index(
                fingerprints, reader.text, reader.same, say=reader.say, near=near, progress=progress
            )
        duplicates._row = {example: row for row, example in enumerate(duplicates._ids)}
        return duplicates

    def _fingerprints(self, raws: Iterable[tuple[int, bytes]]) -> Iterator[list[Fingerprint]]:
        """The fingerprints in batches; the ids are noted meanwhile."""
        stream = iter(raws)
        while batch := list(islice(stream, _BATCH)):
            self._ids += [example for example, _ in batch]
            yield [fingerprint_of_line(raw, self._scope) for _, raw in batch]

    @property
    def ids(self) -> list[int]:
        """All ids, those of deleted examples included, in order."""
        return self._ids

    @property
    def uncompared(self) -> tuple[int, int]:
        """How many examples are copies of nothing, since they are broken, and of how many only equal values are
        copies, since they have no words."""
        return self._index.uncompared

    def groups(self, threshold: float = DEFAULT_THRESHOLD, *, exact_only: bool = False) -> list[Group]:
        """Groups of copies in order of their first member, then families of look-alikes.

        `threshold`: the least score of near copies, 0 to 100.
        """
        groups = self._index.duplicates.groups(threshold, exact_only=exact_only)
        return [self._with_ids(group) for group in groups]

    def arrange(self, threshold: float = DEFAULT_THRESHOLD) -> Arrangement:
        """The groups, and the chains of copies that a split must not tear, by ids."""
        by_row = self._index.duplicates.arrange(threshold)
        chains = [list(self._ids_of(rows)) for rows in by_row.chains]
        return Arrangement([self._with_ids(group) for group in by_row.groups], chains)

    def are_copies(self, a: int, b: int, threshold: float = DEFAULT_THRESHOLD) -> bool:
        """Whether two examples are copies of each other, compared directly and not by way of others."""
        return self._index.duplicates.are_copies(self._row[a], self._row[b], threshold)

    def copies_across(
        self, ids: Iterable[int], others: Iterable[int], threshold: float = DEFAULT_THRESHOLD
    ) -> Iterator[tuple[list[int], list[int]]]:
        """The examples that say the same, each set with its copies among some others, as the search found them."""
        known_copies = self._index.duplicates.known_copies(threshold)
        rows, other_rows = ([self._row[example] for example in side] for side in (ids, others))
        for same_rows, copies in known_copies.across(rows, other_rows):
            yield list(self._ids_of(same_rows)), list(self._ids_of(copies))

    def _with_ids(self, group: Group) -> Group:
        stays = self._ids[group.kept] if group.kind != "family" else -1
        return replace(group, ids=self._ids_of(group.ids), kept=stays)

    def conflicts(self) -> list[Conflict]:
        """Every prompt that has different answers, with the answers."""
        return [make_conflict(ids, [self._reader.text(self._row[i]) for i in ids]) for ids in self.contradicting()]

    def contradicting(self) -> list[tuple[int, ...]]:
        """The ids of each such prompt, without reading texts."""
        return [self._ids_of(rows) for rows in self._index.duplicates.conflicts()]

    def similar(self, example: int, most: int = 5) -> list[tuple[int, float]]:
        """Up to `most` examples that are most like this one, with their scores, 0 to 100, in falling order."""
        row = self._row.get(example)
        neighbours = [] if row is None else self._index.similar(row, most)
        return [(self._ids[other], score) for other, score in neighbours]

    def put(self, changed: Mapping[int, bytes | None]) -> None:
        """Update the index: the new bytes of changed and added examples, None for deleted ones."""
        fresh: dict[int, Fingerprint] = {}
        for example, raw in changed.items():
            row = self._row.get(example)
            if row is None and raw is not None:
                row = self._row[example] = len(self._ids)
                self._ids.append(example)
            if row is not None:
                fresh[row] = NOTHING if raw is None else fingerprint_of_line(raw, self._scope)
        with self._reader.noting_messages():
            self._index.put(fresh)

    def _ids_of(self, rows: Iterable[int]) -> tuple[int, ...]:
        return tuple(self._ids[row] for row in rows)

    def save(self, folder: Path, revision: int) -> None:
        """Store the index, without texts, in a workspace folder. Raises OSError."""
        version_and_revision = np.array([VERSION, revision], np.int64)
        with replacing(folder / _file(self._scope)) as file:
            np.savez(file, about=version_and_revision, ids=np.array(self._ids, np.int64), **self._index.dump())  # type: ignore[arg-type]

    @classmethod
    def load(cls, folder: Path, raw_of: RawOf, scope: Scope = "conversation") -> tuple[Duplicates, int] | None:
        """The stored index and its revision; None where there is none, or none that can be used."""
        try:
            with np.load(folder / _file(scope), allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            version, revision = arrays.pop("about").tolist()
            if version != VERSION:
                return None
            duplicates = cls(arrays.pop("ids").tolist(), raw_of, scope=scope)
            reader = duplicates._reader
            duplicates._index = Index.load(arrays, reader.text, reader.same, reader.say)
        except (OSError, ValueError, KeyError, EOFError):
            return None
        return duplicates, int(revision)


def equal_values(
    raws: Iterable[tuple[int, bytes]], raw_of: RawOf, scope: Scope = "conversation"
) -> tuple[list[Group], list[Conflict]]:
    """Groups of equal examples, and contradictions, without near copies: hardly slower than parsing."""
    if scope != "conversation":
        duplicates = Duplicates.build(raws, raw_of, near=False, scope=scope)
        return duplicates.groups(exact_only=True), duplicates.conflicts()
    same, differing = find_equal(raws, raw_of)
    return [Group("exact", tuple(ids), 100.0, ids[0]) for ids in same], differing


def _file(scope: Scope) -> str:
    return FILE if scope == "conversation" else f"duplicates-{scope}.npz"

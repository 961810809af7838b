"""How many examples have which mark: deleted, edited, reviewed, on a side, labelled.

A pass over the rows of a million touched examples takes a fifth of a second, too long for each key: what was
counted is kept and corrected by what changed since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from curator.workspace.storage.examples import ExampleRow, StoredExamples

MOST = 20_000
"""Parts of changes from which on a pass over everything is cheaper."""
_SIDES = ("train", "validation", "none")
_NAMES = ("deleted", "edited", "new", "reviewed", *_SIDES)
_ALL = """SELECT count(*) FILTER (WHERE deleted = 1),
    count(*) FILTER (WHERE version > 0 AND place IS NULL AND deleted = 0),
    count(*) FILTER (WHERE place IS NOT NULL AND deleted = 0),
    count(*) FILTER (WHERE review IS NOT NULL AND reviewed = version AND deleted = 0),
    count(*) FILTER (WHERE split = 'train' AND deleted = 0),
    count(*) FILTER (WHERE split = 'validation' AND deleted = 0),
    count(*) FILTER (WHERE split = 'none' AND deleted = 0) FROM example"""
_LABELS = """SELECT label, count(*) FROM label LEFT JOIN example ON example.id = label.example
    WHERE coalesce(example.deleted, 0) = 0 GROUP BY label"""
_CHANGED = """SELECT example, field, before FROM part WHERE change > ? AND example > 0
    AND (field IN ('deleted', 'version', 'review', 'reviewed', 'split') OR field LIKE 'label:%')
    ORDER BY change LIMIT ?"""
_LABEL = "label:"


class Marks:
    """The counts of one workspace."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(_NAMES, 0)
        self.labels: Counter[str] = Counter()
        """Live examples by label."""
        self._at: int | None = None
        """The change up to which they hold."""

    def settle(self, stored: StoredExamples) -> None:
        """Bring them up to date."""
        revision = stored.revision()
        if self._at is not None and self._at != revision:
            parts = stored.db.execute(_CHANGED, (self._at, MOST)).fetchall()
            if len(parts) < MOST:
                self._correct(stored, parts)
                self._at = revision
        if self._at != revision:
            self.counts = dict(zip(_NAMES, stored.db.execute(_ALL).fetchone(), strict=True))
            self.labels = Counter(dict(stored.db.execute(_LABELS).fetchall()))
            self._at = revision

    def _correct(self, stored: StoredExamples, parts: Iterable[tuple[int, str, Any]]) -> None:
        """Count what changed as it is, and no longer as it was before the first of its changes."""
        before: dict[int, dict[str, Any]] = {}
        for example, field, value in parts:
            before.setdefault(example, {}).setdefault(field, value)
        ids = list(before)
        rows, labels = stored.example_rows(ids), stored.labels(ids)
        for example, was in before.items():
            row, mine = rows.get(example), set(labels.get(example, ()))
            self._count(row, {}, mine, 1)
            then = mine.union(field[len(_LABEL) :] for field, on in was.items() if field.startswith(_LABEL) and on)
            then.difference_update(f[len(_LABEL) :] for f, on in was.items() if f.startswith(_LABEL) and not on)
            self._count(row, was, then, -1)
        self.labels = +self.labels

    def _count(self, row: ExampleRow | None, was: dict[str, Any], labels: set[str], sign: int) -> None:
        """Count one example with fields that are, or were, otherwise than its row says."""

        def field(name: str) -> Any:
            return was[name] if name in was else getattr(row, name, None)

        deleted, version, place = field("deleted") or 0, field("version") or 0, field("place")
        if deleted:
            self.counts["deleted"] += sign * (deleted == 1)
            return
        self.counts["edited"] += sign * (version > 0 and place is None)
        self.counts["new"] += sign * (place is not None)
        self.counts["reviewed"] += sign * (field("review") is not None and field("reviewed") == version)
        if field("split") in _SIDES:
            self.counts[field("split")] += sign
        for label in labels:
            self.labels[label] += sign

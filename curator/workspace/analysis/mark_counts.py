"""How many examples are deleted, edited, new, reviewed, on each side of the split, and have which label.

A pass over a million touched examples takes a fifth of a second, too long for each key press. So the counts are
kept, and corrected by the changes made since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from curator.workspace.storage.examples import ExampleRow, StoredExamples

MOST = 20_000
"""From so many changed fields on a pass over all examples is cheaper than correcting the counts."""
_SIDES = ("train", "validation", "test", "none")
_NAMES = ("deleted", "edited", "new", "reviewed", *_SIDES)
_ALL = """SELECT count(*) FILTER (WHERE deleted = 1),
    count(*) FILTER (WHERE version > 0 AND place IS NULL AND deleted = 0),
    count(*) FILTER (WHERE place IS NOT NULL AND deleted = 0),
    count(*) FILTER (WHERE review IS NOT NULL AND reviewed = version AND deleted = 0),
    count(*) FILTER (WHERE split = 'train' AND deleted = 0),
    count(*) FILTER (WHERE split = 'validation' AND deleted = 0),
    count(*) FILTER (WHERE split = 'test' AND deleted = 0),
    count(*) FILTER (WHERE split = 'none' AND deleted = 0) FROM example"""
_LABELS = """SELECT label, count(*) FROM label LEFT JOIN example ON example.id = label.example
    WHERE coalesce(example.deleted, 0) = 0 GROUP BY label"""
_CHANGED = """SELECT example, field, before FROM part WHERE change > ? AND example > 0
    AND (field IN ('deleted', 'version', 'review', 'reviewed', 'split') OR field LIKE 'label:%')
    ORDER BY change LIMIT ?"""
_LABEL = "label:"


class MarkCounts:
    """The counts of one workspace; call `update` before reading them."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys(_NAMES, 0)
        """Examples by mark. Deleted examples count only as that; the sides as stored, without the default."""
        self.labels: Counter[str] = Counter()
        """Examples that are not deleted, by label."""
        self._revision: int | None = None
        """The revision of the workspace that the counts are of."""

    def update(self, stored: StoredExamples) -> None:
        """Bring the counts up to the workspace's present revision."""
        revision = stored.revision()
        if self._revision is not None and self._revision != revision:
            parts = stored.db.execute(_CHANGED, (self._revision, MOST)).fetchall()
            if len(parts) < MOST:
                self._correct(stored, parts)
                self._revision = revision
        if self._revision != revision:
            self.counts = dict(zip(_NAMES, stored.db.execute(_ALL).fetchone(), strict=True))
            self.labels = Counter(dict(stored.db.execute(_LABELS).fetchall()))
            self._revision = revision

    def _correct(self, stored: StoredExamples, parts: Iterable[tuple[int, str, Any]]) -> None:
        """Correct the counts by changed fields: (example, field, value before the change), in order of the
        changes.

        Each example is counted as it is now, and subtracted as it was before the first of its changes.
        """
        before: dict[int, dict[str, Any]] = {}
        for example, field, value in parts:
            before.setdefault(example, {}).setdefault(field, value)
        ids = list(before)
        rows, labels = stored.example_rows(ids), stored.labels(ids)
        for example, old_values in before.items():
            row, new_labels = rows.get(example), set(labels.get(example, ()))
            self._count(row, {}, new_labels, 1)
            old_labels = set(new_labels)
            for field, labelled in old_values.items():
                if field.startswith(_LABEL):
                    (old_labels.add if labelled else old_labels.discard)(field[len(_LABEL) :])
            self._count(row, old_values, old_labels, -1)
        self.labels = +self.labels

    def _count(self, row: ExampleRow | None, old_values: dict[str, Any], labels: set[str], sign: int) -> None:
        """Add one example to the counts, or take it away (sign -1); `old_values` stand in for fields of its
        row."""

        def field(name: str) -> Any:
            return old_values[name] if name in old_values else getattr(row, name, None)

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

"""Which examples are on a side of the split that is not trained: read once, then corrected by the changes since.

A pass over a million examples takes a tenth of a second, too long for each query and each look of the screen.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable

from curator.sqlite_file import placeholders

_CODES = {"validation": 1, "test": 2, "none": 3}
"""The byte of each side; 0 stands for training and for no side."""
_MOST = 20_000
"""From so many changed examples on all are read again."""
_TOGETHER = 500
_ALL = "SELECT id, split FROM example WHERE split IS NOT NULL AND split <> 'train'"
_CHANGED = "SELECT DISTINCT example FROM part WHERE change > ? AND example > 0 AND field = 'split' LIMIT ?"


class HeldOutSides:
    """One byte for each id: the side that it is on. Call `update` before reading it."""

    def __init__(self) -> None:
        self._column = bytearray()
        self._revision: int | None = None
        """The revision of the workspace that the bytes are of."""

    def update(self, db: sqlite3.Connection, revision: int, size: int) -> None:
        """Bring it up to the present revision of a workspace whose ids are below `size`."""
        if self._revision == revision and len(self._column) >= size:
            return
        changed: list[int] | None = None
        if self._revision is not None and self._revision <= revision:
            changed = [row[0] for row in db.execute(_CHANGED, (self._revision, _MOST))]
        if changed is None or len(changed) >= _MOST:
            self._column = bytearray(size)
            self._set(db.execute(_ALL))
        else:
            self._column.extend(bytes(max(0, size - len(self._column))))
            for start in range(0, len(changed), _TOGETHER):
                part = changed[start : start + _TOGETHER]
                marks = placeholders(len(part))
                self._set((example, None) for example in part)
                self._set(db.execute(f"SELECT id, split FROM example WHERE id IN ({marks})", part))
        self._revision = revision

    def _set(self, rows: Iterable[tuple[int, str | None]]) -> None:
        column, last = self._column, len(self._column)
        for example, side in rows:
            if 0 < example < last:
                column[example] = _CODES.get(side or "", 0)

    def mask(self, size: int, *sides: str) -> bytearray:
        """A byte for each id below `size`, 1 where the example is on one of these sides."""
        mask = self._column[:size].translate(bytes(int(code in map(_CODES.get, sides)) for code in range(256)))
        mask.extend(bytes(size - len(mask)))
        return mask

    def ids(self) -> set[int]:
        """The ids of all examples on these sides."""
        return {match.start() for match in re.finditer(rb"[\1-\3]", self._column)}

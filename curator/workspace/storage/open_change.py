"""A change while it is written: its parts and the values they set go to the disk as they come, in one transaction.

Nothing of it is held in memory but what the caller holds.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from curator.errors import NotSaved
from curator.workspace.meter import EVERY, Meter
from curator.workspace.records import Change
from curator.workspace.storage import tables

SHOWN_IDS = 1000
"""A Change lists the ids of its examples up to this many."""
_INSERT_PART = "INSERT INTO part VALUES(?,?,?,?,?)"


class FieldChange(NamedTuple):
    """One field of one example, before and after a change. `example` 0 is the workspace, -N the source N."""

    example: int
    field: str
    before: object
    after: object


class Addition(NamedTuple):
    """The row of a new example, which stands behind `anchor`; written together with the change that adds it."""

    id: int
    raw: bytes
    anchor: int


class NewBytes(NamedTuple):
    """The new bytes of an example, with what its row held before: None and 0 where it had none."""

    example: int
    before: bytes | None
    version_before: int
    after: bytes


class Revision:
    """The type of `REVISION`."""


REVISION = Revision()
"""Stands for the id of the change that is being written."""


class OpenChange:
    """One change within a transaction of the caller; `close` writes the row of the change itself."""

    def __init__(self, db: sqlite3.Connection, revision: int, meter: Meter) -> None:
        self._db = db
        self.revision = revision
        self._meter = meter

    def add(self, additions: Iterable[Addition]) -> None:
        """Write the rows of new examples, which are not there until a part sets their field `deleted` to 0."""
        self._db.executemany(
            "INSERT INTO example(id, raw, version, place, deleted) VALUES(?,?,?,?,2)",
            ((new.id, new.raw, self.revision, new.anchor) for new in additions),
        )

    def rewrite(self, examples: Sequence[NewBytes]) -> None:
        """Give examples new bytes."""
        revision = self.revision

        def parts() -> Iterator[tuple[object, ...]]:
            for example, before, version_before, after in examples:
                yield revision, example, "raw", before, after
                yield revision, example, "version", version_before, revision

        self._db.executemany(_INSERT_PART, parts())
        self._db.executemany(
            "INSERT INTO example(id, raw, version) VALUES(?,?,?) "
            "ON CONFLICT(id) DO UPDATE SET raw = excluded.raw, version = excluded.version",
            ((example, after, revision) for example, _, _, after in examples),
        )

    def write(self, parts: Sequence[FieldChange]) -> None:
        """Write parts and the values that they set, and report it. Raises NotSaved for an unknown field."""
        revision = self.revision
        parts = [p._replace(after=revision) if p.after is REVISION else p for p in parts]
        counted_parts = self._meter.over("Saving", parts, 2 * len(parts))  # half of the work; `apply` is the other
        self._db.executemany(
            _INSERT_PART, ((revision, p.example, p.field, p.before, p.after) for p in counted_parts)
        )
        self.apply(parts)

    def apply(self, parts: Sequence[FieldChange]) -> None:
        """Write the values that parts set, field by field. Raises NotSaved for an unknown field."""
        by_field: dict[str, list[FieldChange]] = {}
        for part in parts:
            by_field.setdefault(part.field, []).append(part)
        done = len(parts)
        for field, of_field in by_field.items():
            group: Iterable[FieldChange] = self._meter.over("Saving", of_field, 2 * len(parts), done)
            done += len(of_field)
            if field in tables.FIELDS:
                self._db.executemany(
                    f"INSERT INTO example(id, {field}) VALUES(?,?) "
                    f"ON CONFLICT(id) DO UPDATE SET {field} = excluded.{field}",
                    ((p.example, p.after) for p in group),
                )
            elif field.startswith("label:"):
                name = field[6:]
                on = ((p.example, name) for p in group if p.after)
                off = ((p.example, name) for p in of_field if not p.after)
                self._db.executemany("INSERT OR IGNORE INTO label(example, label) VALUES(?,?)", on)
                self._db.executemany("DELETE FROM label WHERE example = ? AND label = ?", off)
            elif field == "hidden":
                self._db.executemany(
                    "UPDATE source SET hidden = ? WHERE id = ?", ((p.after, -p.example) for p in group)
                )
            elif field.startswith("meta:"):
                self._db.execute("INSERT OR REPLACE INTO meta VALUES(?,?)", (field[5:], of_field[0].after))
            else:
                raise NotSaved(f"the workspace holds an unknown field '{field}'")

    def repeat(self, change: int, *, backwards: bool, examples: int) -> None:
        """Do the parts of an earlier change of about `examples` examples again, or take them back."""
        columns = "after, before" if backwards else "before, after"
        last, done = -(2**63), 0
        while (first := self._next_example(change, last)) is not None:
            last = self._next_example(change, first, EVERY) or 2**63 - 1
            self._meter.step("Saving", min(done, examples), examples)
            done += EVERY
            self._db.execute(
                f"INSERT INTO part SELECT ?, example, field, {columns} FROM part "
                "WHERE change = ? AND example BETWEEN ? AND ?",
                (self.revision, change, first, last),
            )
            self._apply_written(first, last)

    def _next_example(self, change: int, after: int, passed_over: int = 0) -> int | None:
        """The lowest example of the parts of a change above another one, or one some parts further on."""
        row = self._db.execute(
            "SELECT example FROM part WHERE change = ? AND example > ? ORDER BY example LIMIT 1 OFFSET ?",
            (change, after, passed_over),
        ).fetchone()
        return None if row is None else int(row[0])

    def _apply_written(self, first: int, last: int) -> None:
        """As `apply`, for the parts of some examples that are in the table already; their values stay there."""
        here = "FROM part WHERE change = ? AND example BETWEEN ? AND ?"
        place = (self.revision, first, last)
        for (field,) in self._db.execute(f"SELECT DISTINCT field {here}", place).fetchall():
            if field in tables.FIELDS:
                self._db.execute(
                    f"INSERT INTO example(id, {field}) SELECT example, after {here} AND field = ? "
                    f"ON CONFLICT(id) DO UPDATE SET {field} = excluded.{field}",
                    (*place, field),
                )
            else:
                rows = self._db.execute(
                    f"SELECT example, field, before, after {here} AND field = ?", (*place, field)
                )
                self.apply([FieldChange(*row) for row in rows.fetchall()])

    def end_redo(self) -> None:
        """What was undone before this change can no longer be redone."""
        self._db.execute("UPDATE change SET undone = 2 WHERE undone = 1")

    def close(
        self, kind: str, label: str, examples: int, reverts: int | None = None, ids: Sequence[int] | None = None
    ) -> Change:
        """Write the row of the change; `ids` are those of its examples, where the caller has them."""
        now = time.time()
        self._db.execute(
            "INSERT INTO change(id, kind, label, examples, created_at, reverts) VALUES(?,?,?,?,?,?)",
            (self.revision, kind, label, examples, now, reverts),
        )
        self._meter.last("Finishing")
        if ids is None:
            ids = ids_of(self._db, self.revision, SHOWN_IDS + 1)
        return Change(
            id=self.revision,
            kind=kind,
            label=label,
            ids=tuple(ids) if len(ids) <= SHOWN_IDS else (),
            examples=examples,
            created_at=now,
            reverts=reverts,
        )


def ids_of(db: sqlite3.Connection, change: int, most: int) -> list[int]:
    """The examples of a change, ascending, at most so many."""
    rows = db.execute(
        "SELECT DISTINCT example FROM part WHERE change = ? AND example > 0 ORDER BY example LIMIT ?",
        (change, most),
    )
    return [example for (example,) in rows]

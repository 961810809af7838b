"""Writes `workspace.db`: changes with their inverse, undo and redo, each on the disk before the call returns."""

from __future__ import annotations

import sqlite3
import sys
import time
from array import array
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from curator.errors import InputError, NotSaved
from curator.workspace.meter import Meter
from curator.workspace.records import Change
from curator.workspace.storage import database, tables

SHOWN_IDS = 1000
"""A Change lists the ids of its examples up to this many."""
_LAST = "undone = 0 AND kind NOT IN ('undo','redo') ORDER BY id DESC"
_NEXT = "undone = 1 ORDER BY id"
"""Which change undo takes back and redo brings back. `undone` is 0, 1 (can be redone) or 2 (can no longer be)."""


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


class Journal:
    """Writes changes, undoes and redoes them; every public method that writes is one transaction."""

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self._path = path
        self.meter = Meter()
        self.on_reconnect: Callable[[sqlite3.Connection], None] = lambda _: None
        """Called with the new connection after `reconnect`."""

    @property
    def db(self) -> sqlite3.Connection:
        """The connection, for reading."""
        return self._db

    def commit(
        self,
        kind: str,
        label: str,
        parts: Sequence[FieldChange],
        *,
        additions: Iterable[Addition] = (),
        statements: Iterable[tuple[str, Sequence[object]]] = (),
        examples: int | None = None,
    ) -> Change:
        """Write one change and apply its parts; it is on the disk when this returns. Raises NotSaved.

        `statements` belong to the same transaction (the row of a new source); `after` of a part may be `REVISION`,
        which stands for the id of this change. Where no part changes a value, nothing is written, redo stays
        possible, and the returned change has the present revision and no examples.
        """
        additions, statements = list(additions), list(statements)
        parts = [p for p in parts if p.after is REVISION or p.before != p.after]
        if not (parts or additions or statements):
            return Change(id=self.revision(), kind=kind, label=label, ids=(), examples=0, created_at=time.time())
        with _Transaction(self):
            revision = self._next()
            for statement, values in statements:
                self._db.execute(statement, tuple(values))
            self._db.executemany(
                "INSERT INTO example(id, raw, version, place, deleted) VALUES(?,?,?,?,2)",
                ((a.id, a.raw, revision, a.anchor) for a in additions),
            )
            parts = [p._replace(after=revision) if p.after is REVISION else p for p in parts]
            self._db.execute("UPDATE change SET undone = 2 WHERE undone = 1")
            return self._record(revision, kind, label, parts, None, examples)

    def next_undo(self) -> int | None:
        """The change that `undo` would take back."""
        row = self._first_change(_LAST)
        return None if row is None else row[0]

    def next_redo(self) -> int | None:
        """The change that `redo` would bring back."""
        row = self._first_change(_NEXT)
        return None if row is None else row[0]

    def size(self, change: int | None) -> int:
        """How many examples a change touched; 0 for None."""
        row = self._db.execute("SELECT examples FROM change WHERE id = ?", (change,)).fetchone()
        return 0 if row is None else int(row[0])

    def size_up_to(self, revision: int) -> int:
        """Examples, once a change, of all changes to undo or redo to come to the state after a revision."""
        ahead = "kind NOT IN ('undo','redo') AND ((undone = 0 AND id > ?1) OR (undone = 1 AND id <= ?1))"
        row = self._db.execute(f"SELECT coalesce(sum(examples), 0) FROM change WHERE {ahead}", (revision,))
        return int(row.fetchone()[0])

    def undo(self) -> Change | None:
        """Undo the latest change that is not undone; None where there is none. Raises NotSaved."""
        row = self._first_change(_LAST)
        return None if row is None else self._revert(row, "undo")

    def redo(self) -> Change | None:
        """Redo the change that was undone last; None where there is none. Raises NotSaved."""
        row = self._first_change(_NEXT)
        return None if row is None else self._revert(row, "redo")

    def history(self, limit: int = 100, before: int | None = None, *, undos: bool = False) -> list[Change]:
        """The latest changes first, below the id `before`; with `undos` also the undoing and redoing itself."""
        kinds = "" if undos else "AND kind NOT IN ('undo','redo')"
        rows = self._db.execute(
            "SELECT id, kind, label, examples, created_at, undone, reverts FROM change "
            f"WHERE id < ? {kinds} ORDER BY id DESC LIMIT ?",
            (2**62 if before is None else before, limit),
        ).fetchall()
        return [self._change(row) for row in rows]

    def count_since(self, moment: float, most: int) -> int:
        """How many of the latest `most` changes that were not undone were made after a moment (Unix time)."""
        rows = self._db.execute(
            "SELECT created_at > ? AND undone = 0 FROM change "
            "WHERE kind NOT IN ('undo','redo') ORDER BY id DESC LIMIT ?",
            (moment, most),
        )
        return sum(counts for (counts,) in rows)

    def revision(self) -> int:
        """The id of the last change, 0 before the first."""
        return int(self._db.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()[0])

    def set_meta(self, key: str, value: str) -> None:
        """Store a value that is no change of the dataset (a cursor, a width). Raises NotSaved."""
        with _Transaction(self):
            self._db.execute("INSERT OR REPLACE INTO meta VALUES(?,?)", (key, value))

    def run(self, statements: Iterable[tuple[str, Sequence[object]]]) -> None:
        """Run statements that are no change of the dataset (a source was copied). Raises NotSaved."""
        with _Transaction(self):
            for statement, values in statements:
                self._db.execute(statement, tuple(values))

    def _next(self) -> int:
        return self.revision() + 1

    def _first_change(self, condition: str) -> tuple[int, str, str, int] | None:
        """(id, kind, label, examples) of the first undoable change under a condition with ORDER BY."""
        undoable = "AND EXISTS (SELECT 1 FROM part WHERE part.change = change.id)"
        where, order = condition.split(" ORDER BY ")
        row: tuple[int, str, str, int] | None = self._db.execute(
            f"SELECT id, kind, label, examples FROM change WHERE {where} {undoable} ORDER BY {order} LIMIT 1"
        ).fetchone()
        return row

    def _revert(self, row: tuple[int, str, str, int], kind: str) -> Change:
        """Swap before and after of a change, as a new change of the kind `undo` or `redo`."""
        target, _, label, examples = row
        columns = "example, field, after, before" if kind == "undo" else "example, field, before, after"
        cursor = self._db.execute(f"SELECT {columns} FROM part WHERE change = ?", (target,))
        rows = self.meter.over("Reading", cursor, examples)
        parts = [FieldChange(example, sys.intern(field), *values) for example, field, *values in rows]
        words = ("Undid: " if kind == "undo" else "Redid: ") + label
        with _Transaction(self):
            self._db.execute("UPDATE change SET undone = ? WHERE id = ?", (int(kind == "undo"), target))
            return self._record(self._next(), kind, words, parts, target, examples)

    def _record(
        self,
        revision: int,
        kind: str,
        label: str,
        parts: Sequence[FieldChange],
        reverts: int | None,
        examples: int | None,
    ) -> Change:
        """Insert the rows of a change and apply its parts, within the transaction of the caller."""
        ids = _distinct(p.example for p in parts if p.example > 0)
        count = len(ids) if examples is None else examples
        now = time.time()
        self._db.execute(
            "INSERT INTO change(id, kind, label, examples, created_at, reverts) VALUES(?,?,?,?,?,?)",
            (revision, kind, label, count, now, reverts),
        )
        counted_parts = self.meter.over("Saving", parts, 2 * len(parts))  # half of the work; `_apply` is the other
        self._db.executemany(
            "INSERT INTO part VALUES(?,?,?,?,?)",
            ((revision, p.example, p.field, p.before, p.after) for p in counted_parts),
        )
        self._apply(parts)
        self.meter.last("Finishing")
        listed = tuple(ids) if len(ids) <= SHOWN_IDS else ()
        return Change(
            id=revision,
            kind=kind,
            label=label,
            ids=listed,
            examples=count,
            created_at=now,
            reverts=reverts,
        )

    def _apply(self, parts: Sequence[FieldChange]) -> None:
        """Write the new values of all parts, field by field. Raises NotSaved for an unknown field."""
        by_field: dict[str, list[FieldChange]] = {}
        for part in parts:
            by_field.setdefault(part.field, []).append(part)
        done = len(parts)
        for field, of_field in by_field.items():
            group: Iterable[FieldChange] = self.meter.over("Saving", of_field, 2 * len(parts), done)
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

    def _change(self, row: tuple[int, str, str, int, float, int, int | None]) -> Change:
        """A row of table `change` as a Change, with the ids of its examples if they are few."""
        ids: tuple[int, ...] = ()
        if row[3] <= SHOWN_IDS:
            rows = self._db.execute(
                "SELECT DISTINCT example FROM part WHERE change = ? AND example > 0 ORDER BY example", (row[0],)
            )
            ids = tuple(example for (example,) in rows)
        change, kind, label, examples, created_at, undone, reverts = row
        return Change(
            id=change,
            kind=kind,
            label=label,
            ids=ids,
            examples=examples,
            created_at=created_at,
            undone=undone > 0,
            reverts=reverts,
        )

    def reconnect(self) -> None:
        """Open the file again: after an I/O error the state of the old connection is unknown."""
        db = database.open_writer(self._path)
        self._db.close()
        self._db = db
        self.on_reconnect(db)


def _distinct(ids: Iterable[int]) -> Sequence[int]:
    """Ids once each, ascending; an array where they ascend already, as in a bulk action (less memory)."""
    numbers = array("q", ids)
    return numbers if all(map(int.__lt__, numbers, islice(numbers, 1, None))) else sorted(set(numbers))


class Revision:
    """The type of `REVISION`."""


REVISION = Revision()
"""Stands for the id of the change that is being written."""


class _Transaction:
    """BEGIN IMMEDIATE … COMMIT. An error undoes all of it; errors of SQLite and the system become NotSaved."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def __enter__(self) -> None:
        try:
            self._journal.db.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            self._recover()
            raise NotSaved(f"not saved: {error}") from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if error is None:
            try:
                self._journal.db.execute("COMMIT")
            except (sqlite3.Error, OSError) as failure:
                self._recover()
                raise NotSaved(f"not saved: {failure}") from failure
            return
        self._recover()
        if isinstance(error, (sqlite3.Error, OSError)):
            raise NotSaved(f"not saved: {error}") from error

    def _recover(self) -> None:
        """Roll back and open the file again, so that memory agrees with what is on the disk."""
        try:
            if self._journal.db.in_transaction:
                self._journal.db.execute("ROLLBACK")
            self._journal.reconnect()
        except (sqlite3.Error, OSError, InputError, NotSaved):
            return

"""Writes `workspace.db`: changes with their inverse, undo and redo, each on the disk before the call returns."""

from __future__ import annotations

import sqlite3
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from curator.errors import InputError, NotSaved
from curator.workspace.meter import Meter
from curator.workspace.records import Change
from curator.workspace.storage import database
from curator.workspace.storage.open_change import (
    REVISION,
    SHOWN_IDS,
    Addition,
    FieldChange,
    OpenChange,
    ids_of,
)

_LAST = "undone = 0 AND kind NOT IN ('undo','redo') ORDER BY id DESC"
_NEXT = "undone = 1 ORDER BY id"
"""Which change undo takes back and redo brings back. `undone` is 0, 1 (can be redone) or 2 (can no longer be)."""


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
        with self.open_change() as change:
            for statement, values in statements:
                self._db.execute(statement, tuple(values))
            change.add(additions)
            change.write(parts)
            change.end_redo()
            ids = _distinct(p.example for p in parts if p.example > 0)
            return change.close(kind, label, len(ids) if examples is None else examples, ids=ids)

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
        words = ("Undid: " if kind == "undo" else "Redid: ") + label
        with self.open_change() as change:
            change.repeat(target, backwards=kind == "undo", examples=examples)
            self._db.execute("UPDATE change SET undone = ? WHERE id = ?", (int(kind == "undo"), target))
            return change.close(kind, words, examples, reverts=target)

    @contextmanager
    def open_change(self) -> Iterator[OpenChange]:
        """A change whose parts are written as they come, in one transaction, which ends with the block.

        An exception inside of the block takes all of it back. Raises NotSaved.
        """
        with _Transaction(self):
            yield OpenChange(self._db, self._next(), self.meter)

    def _change(self, row: tuple[int, str, str, int, float, int, int | None]) -> Change:
        """A row of table `change` as a Change, with the ids of its examples if they are few."""
        ids: tuple[int, ...] = ()
        if row[3] <= SHOWN_IDS:
            ids = tuple(ids_of(self._db, row[0], -1))
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

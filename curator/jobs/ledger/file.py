"""The SQLite file of a ledger: opened with care, written in whole transactions."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from curator import atomic
from curator.errors import CuratorError, InputError
from curator.jobs.ledger.tables import SCHEMA, VERSION
from curator.sqlite_file import connect


class LedgerFile:
    """A database that several processes and threads may write; each `_write` block is durable at its end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        try:
            if atomic.is_dry():
                self._db = _open_copy(path)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._db = _open(path)
        except (sqlite3.Error, OSError) as error:
            raise InputError(
                f"{path}: the list of trainings cannot be opened: {error}. Move it away to begin a new one."
            ) from None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """One transaction; an exception inside rolls it back. Raises CuratorError where it cannot be saved."""
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise CuratorError(f"{self.path}: not saved: {error}.", title="Not saved") from None

    def _all(self, sql: str, values: tuple[Any, ...] = ()) -> list[sqlite3.Row]:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.Error as error:
                raise CuratorError(f"{self.path}: cannot be read: {error}.") from None

    def _one(self, sql: str, values: tuple[Any, ...] = ()) -> sqlite3.Row | None:
        rows = self._all(sql, values)
        return rows[0] if rows else None


def _open(path: Path) -> sqlite3.Connection:
    """Open or create the database. Raises InputError for a link, a newer version, or a trigger or view in it."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError(f"{path} is refused: it is a link or no regular file.")
    return _prepare(path, connect(path, "rwc", wait=30))


def _open_copy(path: Path) -> sqlite3.Connection:
    """A copy in memory for a dry run, empty where there is no file. Raises InputError as `_open`."""
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    if path.is_file() and not path.is_symlink():
        with contextlib.closing(connect(path, "ro", wait=30)) as db:
            db.backup(copy)
    return _prepare(path, copy)


def _prepare(path: Path, db: sqlite3.Connection) -> sqlite3.Connection:
    """Set up an open database and bring it to this version."""
    db.row_factory = sqlite3.Row
    for pragma in ("journal_mode=DELETE", "synchronous=FULL", "foreign_keys=ON"):
        db.execute(f"PRAGMA {pragma}").fetchall()
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        db.close()
        raise InputError(f"{path}: made by a newer Curator (ledger version {version}); update Curator.")
    if db.execute("SELECT 1 FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchone():
        db.close()
        raise InputError(f"{path} is refused: its database holds a trigger or a view.")
    if version < VERSION:
        db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
    return db

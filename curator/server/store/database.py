"""`server.db`: one SQLite file, one connection, one writing process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from curator.errors import CuratorError
from curator.sqlite_file import connect

VERSION = 1

_SCHEMA = """
CREATE TABLE files (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL, expires_at INTEGER, filename TEXT NOT NULL, purpose TEXT NOT NULL,
  status TEXT NOT NULL, status_details TEXT);
CREATE TABLE uploads (
  id TEXT PRIMARY KEY, bytes INTEGER NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  filename TEXT NOT NULL, purpose TEXT NOT NULL, mime_type TEXT NOT NULL, keep_seconds INTEGER,
  status TEXT NOT NULL, file_id TEXT);
CREATE TABLE parts (
  id TEXT PRIMARY KEY, upload_id TEXT NOT NULL REFERENCES uploads(id), bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL);
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, intent TEXT UNIQUE, status TEXT NOT NULL,
  created_at INTEGER NOT NULL, finished_at INTEGER, model TEXT NOT NULL, name TEXT NOT NULL UNIQUE, suffix TEXT,
  seed INTEGER NOT NULL, engine TEXT, method TEXT NOT NULL, hyperparameters TEXT NOT NULL, metadata TEXT NOT NULL,
  training_file TEXT NOT NULL, validation_file TEXT, result_file TEXT, trained_tokens INTEGER, error TEXT,
  estimated_finish INTEGER, total_steps INTEGER, step_seconds REAL,
  pid INTEGER, outcome TEXT, stopping INTEGER NOT NULL DEFAULT 0,
  crashes INTEGER NOT NULL DEFAULT 0, offset INTEGER NOT NULL DEFAULT 0);
CREATE INDEX jobs_by_status ON jobs(status);
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, job_id TEXT NOT NULL REFERENCES jobs(id),
  key TEXT NOT NULL, created_at INTEGER NOT NULL, level TEXT NOT NULL, type TEXT NOT NULL, message TEXT NOT NULL,
  data TEXT NOT NULL, UNIQUE(job_id, key));
CREATE TABLE checkpoints (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, job_id TEXT NOT NULL REFERENCES jobs(id),
  step INTEGER NOT NULL, created_at INTEGER NOT NULL, name TEXT NOT NULL,
  metrics TEXT NOT NULL, path TEXT NOT NULL,
  UNIQUE(job_id, step));
CREATE TABLE models (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, base TEXT NOT NULL, path TEXT NOT NULL,
  created_at INTEGER NOT NULL, job_id TEXT NOT NULL);
CREATE TABLE completions (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, model TEXT NOT NULL, metadata TEXT NOT NULL,
  body TEXT NOT NULL);
"""

_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")


class Database:
    """The server's database. All methods block: the event loop calls them in a thread.

    A transaction is on disk when it ends (WAL, synchronous=FULL), so a client is told only what survives a crash.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open the file, made if it is missing; with `read_only` it must exist, and a server may be using it.

        Raises CuratorError if it is no database of a server, or of a newer Curator.
        """
        self._lock = threading.RLock()
        try:
            self._connection = connect(path, "ro" if read_only else "rwc")
            self._connection.row_factory = sqlite3.Row
            for pragma in _PRAGMAS[1:] if read_only else _PRAGMAS:
                self._connection.execute(f"PRAGMA {pragma}")
            if not read_only:
                self._migrate(path)
        except sqlite3.Error as error:
            raise CuratorError(f"{path} cannot be opened: {error}; is it the server's own file?") from None

    def _migrate(self, path: Path) -> None:
        with self.transaction():
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise CuratorError(f"{path} was written by a newer Curator (version {version}): use that one")
            if version == 0:
                for statement in _SCHEMA.split(";"):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version={VERSION}")

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One transaction, on disk when the block ends; an exception inside rolls it back."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:  # a failed COMMIT may have ended the transaction
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, sql: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> sqlite3.Row | None:
        """The first row of a query; None if there is none."""
        with self._lock:
            first: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
            return first

    def close(self) -> None:
        """Close the database; SQLite then moves the write-ahead log into the file."""
        with self._lock:
            self._connection.close()

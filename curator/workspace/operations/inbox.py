"""`proposals.db`: what was proposed, kept as given; rows are added and never changed.

It is a file of its own because programs propose while a window holds the workspace: any process may add to it.
What became of a proposal stands in `workspace.db`, written with the change that it became (`proposed`).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import msgspec
import orjson

from curator.errors import InputError, NotSaved
from curator.sqlite_file import connect
from curator.workspace.operations.perform import Operation

FILE = "proposals.db"
APPLICATION_ID = 0x43555050
"""SQLite's `application_id`: the letters CUPP."""
VERSION = 1
"""The format that this program writes; SQLite's `user_version`."""
_TABLE = """CREATE TABLE proposal(
    id INTEGER PRIMARY KEY,
    operation TEXT NOT NULL,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    targets TEXT NOT NULL,
    created_at REAL NOT NULL)"""
_WAIT = 30.0
"""Seconds to wait while another process adds."""


class Target(NamedTuple):
    """An example that a proposal is about, as it was then."""

    example: int
    version: int
    deleted: bool


class KeptProposal(NamedTuple):
    """A proposal as it was made."""

    id: int
    operation: Operation
    """As `apply` takes it; a `filter` stands as it was given, and `targets` are what it chose."""
    author: str
    """A model's or a program's name; untrusted text."""
    reason: str
    """Why, in the author's words; may be empty; untrusted text."""
    targets: tuple[Target, ...]
    created_at: float


def add(folder: Path, rows: Sequence[KeptProposal], least_id: int) -> list[int]:
    """Keep proposals, whose ids are given here, from `least_id` on; they are on the disk when this returns.

    Raises NotSaved, or InputError where the file is not ours.
    """
    try:
        with closing(_open_for_writing(folder / FILE)) as db:
            db.execute("BEGIN IMMEDIATE")
            last = int(db.execute("SELECT coalesce(max(id), 0) FROM proposal").fetchone()[0])
            first = max(last + 1, least_id)
            values = [(first + at, *_as_values(row)) for at, row in enumerate(rows)]
            db.executemany("INSERT INTO proposal VALUES(?,?,?,?,?,?)", values)
            db.execute("COMMIT")
            return [value[0] for value in values]
    except (sqlite3.Error, OSError) as error:
        raise NotSaved(f"not kept: {folder / FILE} cannot be written: {error}") from error


def read(folder: Path) -> list[KeptProposal]:
    """All proposals, oldest first. Raises InputError where the file is damaged, or is not ours."""
    path = folder / FILE
    if not path.exists():
        return []
    try:
        with closing(_open_for_reading(path)) as db:
            if _is_empty(db):
                return []
            columns = "id, operation, author, reason, targets, created_at"
            return [_from_values(path, row) for row in db.execute(f"SELECT {columns} FROM proposal ORDER BY id")]
    except sqlite3.Error as error:
        raise InputError(f"{path} cannot be read: {error}; move it away to go on without proposals") from error


def stamp(folder: Path) -> tuple[int, int]:
    """A value that changes whenever a proposal is added: size and time of the file."""
    try:
        stat = (folder / FILE).stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def _open_for_writing(path: Path) -> sqlite3.Connection:
    _require_regular(path)
    db = connect(path, "rwc", wait=_WAIT)
    try:
        for pragma in ("journal_mode=DELETE", "synchronous=FULL"):
            db.execute(f"PRAGMA {pragma}").fetchall()
        db.execute("BEGIN IMMEDIATE")
        if _is_empty(db):
            db.execute(_TABLE)
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={VERSION}")
        else:
            _require_ours(path, db)
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _open_for_reading(path: Path) -> sqlite3.Connection:
    """Open for reading; with leave to write where possible, as SQLite may have to roll back what a kill left."""
    _require_regular(path)
    db = connect(path, "rw" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro", wait=_WAIT)
    try:
        db.execute("PRAGMA query_only=ON")
        if not _is_empty(db):
            _require_ours(path, db)
    except BaseException:
        db.close()
        raise
    return db


def _is_empty(db: sqlite3.Connection) -> bool:
    """Whether nothing is in it: the process that made the file was killed before its first proposal was kept."""
    return not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def _require_regular(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise InputError(f"{path} is refused: it is a link or no regular file")


def _require_ours(path: Path, db: sqlite3.Connection) -> None:
    """Raise InputError for a file of another program or of a newer Curator, and for any schema but ours."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise InputError(f"{path} does not hold Curator's proposals; move it away")
    if version > VERSION:
        raise InputError(f"{path} was made by a newer Curator (format {version}); update Curator to read it")
    schema = [(kind, str(sql).split()) for kind, sql in db.execute("SELECT type, sql FROM sqlite_master")]
    if schema != [("table", _TABLE.split())]:
        raise InputError(f"{path} is refused: it holds more than Curator's table of proposals")


def _as_values(row: KeptProposal) -> tuple[str, str, str, str, float]:
    operation = orjson.dumps(row.operation).decode()
    targets = orjson.dumps([[t.example, t.version, int(t.deleted)] for t in row.targets]).decode()
    return operation, row.author, row.reason, targets, row.created_at or time.time()


def _from_values(path: Path, values: tuple[object, ...]) -> KeptProposal:
    """A row of the table. Raises InputError where it holds what no Curator writes."""
    number, operation, author, reason, targets, created_at = values
    try:
        decoded = orjson.loads(str(operation))
        triples = msgspec.json.decode(str(targets), type=list[tuple[int, int, int]])
        if not (isinstance(number, int) and isinstance(author, str) and isinstance(reason, str)):
            raise TypeError("a value of another type")
        if not isinstance(decoded, dict) or not isinstance(created_at, float):
            raise TypeError("a value of another type")
    except (ValueError, TypeError, msgspec.DecodeError) as error:
        raise InputError(
            f"{path} is refused: proposal {number} holds what no Curator writes ({error}); move the file away"
        ) from error
    all_targets = tuple(Target(example, version, bool(deleted)) for example, version, deleted in triples)
    return KeptProposal(number, decoded, author, reason, all_targets, created_at)

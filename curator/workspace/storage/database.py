"""`workspace.db`: what people did, and how it is opened safely.

One row of `example` a touched example; every action is a row of `change`, and its inverse is in `part`:
one row for each (example, field) with the value before and after. Base examples that nobody touched have no row.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from curator import atomic
from curator.errors import InputError, NotSaved
from curator.locks import is_held
from curator.sqlite_file import connect, harden
from curator.workspace.storage.folder import require_own_files

APPLICATION_ID = 0x43555241
VERSION = 1

TABLES: dict[str, str] = {
    "meta": """CREATE TABLE meta(
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL) WITHOUT ROWID""",
    "source": """CREATE TABLE source(
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        file TEXT NOT NULL,
        origin TEXT,
        origin_size INTEGER,
        origin_mtime_ns INTEGER,
        format TEXT NOT NULL,
        first_id INTEGER NOT NULL,
        lines INTEGER,
        sha256 TEXT,
        hidden INTEGER NOT NULL DEFAULT 0,
        added_at REAL NOT NULL)""",
    "example": """CREATE TABLE example(
        id INTEGER PRIMARY KEY,
        raw BLOB,
        version INTEGER NOT NULL DEFAULT 0,
        place INTEGER,
        deleted INTEGER NOT NULL DEFAULT 0,
        rating INTEGER,
        review TEXT,
        reviewed INTEGER,
        note TEXT,
        split TEXT)""",
    "label": """CREATE TABLE label(
        label TEXT NOT NULL,
        example INTEGER NOT NULL,
        PRIMARY KEY(label, example)) WITHOUT ROWID""",
    "change": """CREATE TABLE change(
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        label TEXT NOT NULL,
        examples INTEGER NOT NULL,
        created_at REAL NOT NULL,
        undone INTEGER NOT NULL DEFAULT 0,
        reverts INTEGER)""",
    "part": """CREATE TABLE part(
        change INTEGER NOT NULL,
        example INTEGER NOT NULL,
        field TEXT NOT NULL,
        before,
        after,
        PRIMARY KEY(change, example, field)) WITHOUT ROWID""",
}
INDEXES: dict[str, str] = {
    "label_example": "CREATE INDEX label_example ON label(example)",
    "example_deleted": "CREATE INDEX example_deleted ON example(deleted) WHERE deleted > 0",
    "example_place": "CREATE INDEX example_place ON example(place) WHERE place IS NOT NULL",
    "example_edited": "CREATE INDEX example_edited ON example(version) WHERE version > 0",
    "change_undone": "CREATE INDEX change_undone ON change(undone, kind)",
}
MIGRATIONS: dict[int, tuple[str, ...]] = {}
"""Statements that bring a workspace of version N to N + 1."""
FIELDS = frozenset({"raw", "version", "deleted", "rating", "review", "reviewed", "note", "split"})
"""Columns of `example` that a part may change; beside them there are `label:NAME`, `hidden` and `meta:KEY`."""


SNAPSHOT = 256 * 1024 * 1024
"""A database up to this size is read from a copy in memory where nobody writes to it."""


def create(path: Path) -> None:
    """Make `workspace.db`, whole or not at all. Raises NotSaved."""
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)  # of a start that was cut off
        with closing(connect(part, "rwc")) as db:
            db.execute("PRAGMA journal_mode=MEMORY")  # a half-made one is thrown away as a whole
            db.execute("PRAGMA synchronous=FULL")
            db.execute("BEGIN IMMEDIATE")
            for statement in (*TABLES.values(), *INDEXES.values()):
                db.execute(statement)
            db.execute(f"PRAGMA application_id={APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={VERSION}")
            db.execute("COMMIT")
        part.replace(path)
        atomic.sync_folder(path.parent)
    except (sqlite3.Error, OSError) as error:
        raise NotSaved(f"cannot make the workspace {path.parent}: {error}") from error


def in_memory() -> sqlite3.Connection:
    """The same tables, for a file that is only looked at."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for statement in (*TABLES.values(), *INDEXES.values()):
        db.execute(statement)
    return db


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes (and alone checkpoints).

    Raises InputError where the file is not ours and NotSaved where it cannot be written.
    """
    guard(path)
    db = connect(path, "rw")
    try:
        _durable(db)
    except sqlite3.Error as error:
        db.close()
        raise NotSaved(f"{path.parent} cannot be opened for writing: {error}") from error
    return db


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads; it also works where the folder cannot be written."""
    guard(path)
    return reader(path)


def reader(path: Path) -> sqlite3.Connection:
    """As `open_reader`, for a file that need not be ours.

    SQLite makes files of its own beside a database that it shares with a writer. Where nobody writes there shall
    be none, yet one who begins to write while we read must not change what we see: so we read a copy in memory.
    """
    if _quiet(path):
        found = _snapshot(path)
        if found is not None:
            return found
        if not os.access(path.parent, os.W_OK):
            return connect(path, "ro", immutable=True)
    return connect(path, "ro")


def _snapshot(path: Path) -> sqlite3.Connection | None:
    """The database in memory; None where it is too large, or somebody began to write meanwhile."""
    before = path.stat()
    if before.st_size > SNAPSHOT:
        return None
    data = bytearray(path.read_bytes())
    after = path.stat()
    if not _quiet(path) or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return None
    data[18:20] = b"\1\1"  # no write-ahead log: memory has no files beside it
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    harden(db)
    db.deserialize(bytes(data))
    db.execute("PRAGMA query_only=ON")
    return db


def _quiet(path: Path) -> bool:
    """True where nobody writes and no log lies beside the database: it is whole, reading needs no extra file."""
    log = path.with_name(path.name + "-wal")
    return not is_held(path.with_name("lock")) and (not log.exists() or log.stat().st_size == 0)


def _durable(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA wal_autocheckpoint=1000")


def guard(path: Path) -> int:
    """Refuse what is not a sound workspace of this version or an older one, which is told; it is left as it was.

    Raises InputError: not ours, damaged, an unknown table, trigger or view, links among its files, or made by a
    newer Curator.
    """
    require_own_files(path.parent)
    if not path.is_file():
        raise InputError(f"{path.parent} is no workspace: it holds no {path.name}")
    db = connect(path, "ro", immutable=_quiet(path))
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise InputError(f"{path} is not a Curator workspace")
        if version > VERSION:
            raise InputError(
                f"{path.parent} was made by a newer Curator (format {version}, this one knows {VERSION}): "
                "update Curator to open it; nothing was changed"
            )
        strange = unknown_schema(db) if version == VERSION else ""
        if strange:
            raise InputError(f"{path.parent} is refused: its database holds {strange}")
        return int(version)
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in (
            sqlite3.SQLITE_IOERR,
            sqlite3.SQLITE_FULL,
            sqlite3.SQLITE_CANTOPEN,
        ):
            raise NotSaved(
                f"{path.parent} cannot be opened for writing: {error}"
            ) from error  # no room for its log
        raise InputError(f"{path} is damaged and cannot be opened: {error}") from error
    finally:
        db.close()


def unknown_schema(db: sqlite3.Connection) -> str:
    """What the database holds beside the known tables and indexes, in words; empty where nothing."""
    for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master"):
        if str(name).startswith("sqlite_") and sql is None:
            continue
        expected = TABLES.get(name) if kind == "table" else INDEXES.get(name) if kind == "index" else None
        if expected is None or str(sql).split() != expected.split():
            return f"an unknown {kind} '{name}'"
    missing = set(TABLES) - {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return f"no table '{sorted(missing)[0]}'" if missing else ""


def migrate(path: Path) -> None:
    """Bring an older workspace to this version, in one transaction, after a backup beside it. Raises NotSaved.

    `path` has passed `guard`. The backup is `workspace.db.vN`, made by SQLite itself.
    """
    version = VERSION
    db = connect(path, "rw")
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version >= VERSION:
            return
        _durable(db)
        backup = path.with_name(f"{path.name}.v{version}")
        if not backup.exists():
            part = backup.with_name(backup.name + ".part")
            part.unlink(missing_ok=True)
            db.execute("VACUUM INTO ?", (str(part),))
            part.replace(backup)
            atomic.sync_folder(path.parent)
        db.execute("BEGIN IMMEDIATE")
        for step in range(version, VERSION):
            for statement in MIGRATIONS[step]:
                db.execute(statement)
        db.execute(f"PRAGMA user_version={VERSION}")
        db.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        if version >= VERSION:
            raise NotSaved(f"{path.parent} cannot be opened for writing: {error}") from error
        raise NotSaved(
            f"{path.parent} could not be brought to the new format: {error}; it was left as it was"
        ) from error
    finally:
        db.close()


def quick_check(db: sqlite3.Connection, folder: Path) -> None:
    """Raise InputError where the structure of the database is damaged."""
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise InputError(f"{folder} is damaged ({found}); see `curator check {folder}`")

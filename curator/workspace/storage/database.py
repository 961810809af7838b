"""Opens `workspace.db` for writing or reading, after checks: the file may come from an untrusted person."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from curator import atomic
from curator.errors import InputError, NotSaved
from curator.locks import is_held
from curator.sqlite_file import connect, harden
from curator.workspace.storage import tables
from curator.workspace.storage.folder import require_own_files

SNAPSHOT = 256 * 1024 * 1024
"""Bytes. A database up to this size that no process writes to is read from a copy in memory."""


def create(path: Path) -> None:
    """Create `workspace.db` with its tables, completely or not at all. Raises NotSaved."""
    part = path.with_name(path.name + ".part")
    try:
        part.unlink(missing_ok=True)  # left by a process that was killed
        with closing(connect(part, "rwc")) as db:
            db.execute("PRAGMA journal_mode=MEMORY")  # after a crash the whole .part file is deleted
            db.execute("PRAGMA synchronous=FULL")
            db.execute("BEGIN IMMEDIATE")
            for statement in (*tables.TABLES.values(), *tables.INDEXES.values()):
                db.execute(statement)
            db.execute(f"PRAGMA application_id={tables.APPLICATION_ID}")
            db.execute(f"PRAGMA user_version={tables.VERSION}")
            db.execute("COMMIT")
        part.replace(path)
        atomic.sync_folder(path.parent)
    except (sqlite3.Error, OSError) as error:
        raise NotSaved(f"cannot make the workspace {path.parent}: {error}") from error


def create_in_memory() -> sqlite3.Connection:
    """An empty database with the same tables, in memory."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    for statement in (*tables.TABLES.values(), *tables.INDEXES.values()):
        db.execute(statement)
    return db


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes (and alone checkpoints the log).

    Raises InputError where the file is no workspace and NotSaved where it cannot be written.
    """
    check_format(path)
    db = connect(path, "rw")
    try:
        _sync_each_commit(db)
    except sqlite3.Error as error:
        db.close()
        raise NotSaved(f"{path.parent} cannot be opened for writing: {error}") from error
    return db


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only reads; it also works where the folder cannot be written. Raises InputError."""
    check_format(path)
    return open_unchecked(path)


def open_unchecked(path: Path) -> sqlite3.Connection:
    """As `open_reader`, without checking that the file is a workspace.

    To share a database with a writer, SQLite creates files beside it (-wal, -shm). A reader must create none while
    there is no writer, and must not see changes of a writer that starts later: so it reads a copy in memory.
    """
    if _has_no_writer(path):
        copy = _copy_to_memory(path)
        if copy is not None:
            return copy
        if not os.access(path.parent, os.W_OK):
            return connect(path, "ro", immutable=True)
    return connect(path, "ro")


def _copy_to_memory(path: Path) -> sqlite3.Connection | None:
    """The database in memory; None where it is larger than `SNAPSHOT`, or a process began to write meanwhile."""
    before = path.stat()
    if before.st_size > SNAPSHOT:
        return None
    data = bytearray(path.read_bytes())
    after = path.stat()
    if not _has_no_writer(path) or (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return None
    data[18:20] = b"\1\1"  # header: rollback journal instead of write-ahead log, which memory cannot have
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    harden(db)
    db.deserialize(bytes(data))
    db.execute("PRAGMA query_only=ON")
    return db


def _has_no_writer(path: Path) -> bool:
    """True where no process writes and the write-ahead log is empty: the file alone is the database."""
    log = path.with_name(path.name + "-wal")
    return not is_held(path.with_name("lock")) and (not log.exists() or log.stat().st_size == 0)


def _sync_each_commit(db: sqlite3.Connection) -> None:
    """A write-ahead log that is on the disk when a commit returns."""
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA wal_autocheckpoint=1000")


def check_format(path: Path) -> int:
    """The format number of a workspace of this version or an older one; nothing is written.

    Raises InputError: no workspace, damaged, an unknown table, trigger or view, links among its files, or made by
    a newer Curator. Raises NotSaved where the disk is full or failing.
    """
    require_own_files(path.parent)
    if not path.is_file():
        raise InputError(f"{path.parent} is no workspace: it holds no {path.name}")
    db = connect(path, "ro", immutable=_has_no_writer(path))
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if db.execute("PRAGMA application_id").fetchone()[0] != tables.APPLICATION_ID:
            raise InputError(f"{path} is not a Curator workspace")
        if version > tables.VERSION:
            raise InputError(
                f"{path.parent} was made by a newer Curator (format {version}, this one knows {tables.VERSION}): "
                "update Curator to open it; nothing was changed"
            )
        unknown = unknown_schema(db) if version == tables.VERSION else ""
        if unknown:
            raise InputError(f"{path.parent} is refused: its database holds {unknown}")
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
    """The first table, index, trigger or view that is not one of ours, in words; empty where there is none."""
    for kind, name, sql in db.execute("SELECT type, name, sql FROM sqlite_master"):
        if str(name).startswith("sqlite_") and sql is None:
            continue
        expected = {"table": tables.TABLES, "index": tables.INDEXES}.get(kind, {}).get(name)
        if expected is None or str(sql).split() != expected.split():
            return f"an unknown {kind} '{name}'"
    missing = set(tables.TABLES) - {
        row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    }
    return f"no table '{sorted(missing)[0]}'" if missing else ""


def migrate(path: Path) -> None:
    """Bring an older workspace to this version, in one transaction, after a backup beside it. Raises NotSaved.

    `path` has passed `check_format`. The backup is `workspace.db.vN`, made by SQLite itself.
    """
    version = tables.VERSION
    db = connect(path, "rw")
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version >= tables.VERSION:
            return
        _sync_each_commit(db)
        backup = path.with_name(f"{path.name}.v{version}")
        if not backup.exists():
            part = backup.with_name(backup.name + ".part")
            part.unlink(missing_ok=True)
            db.execute("VACUUM INTO ?", (str(part),))
            part.replace(backup)
            atomic.sync_folder(path.parent)
        db.execute("BEGIN IMMEDIATE")
        for step in range(version, tables.VERSION):
            for statement in tables.MIGRATIONS[step]:
                db.execute(statement)
        db.execute(f"PRAGMA user_version={tables.VERSION}")
        db.execute("COMMIT")
    except (sqlite3.Error, OSError) as error:
        if version >= tables.VERSION:
            raise NotSaved(f"{path.parent} cannot be opened for writing: {error}") from error
        raise NotSaved(
            f"{path.parent} could not be brought to the new format: {error}; it was left as it was"
        ) from error
    finally:
        db.close()


def require_intact(db: sqlite3.Connection, folder: Path) -> None:
    """Raise InputError where SQLite finds the structure of the database damaged."""
    damage = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if damage != "ok":
        raise InputError(f"{folder} is damaged ({damage}); see `curator check {folder}`")

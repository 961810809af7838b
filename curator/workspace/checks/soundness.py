"""Checks a workspace folder for damage; never changes a byte of it. Part of `check WORKSPACE`."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from curator.core.text import count_of
from curator.errors import CuratorError, InputError
from curator.locks import is_held
from curator.sqlite_file import connect
from curator.workspace.storage import database, line_file, tables, untrusted_values
from curator.workspace.storage.folder import require_own_files

MAX_DAMAGE = 100
"""Most findings that are listed."""


def soundness(folder: Path | str) -> list[str]:
    """Everything that is wrong with a workspace, a sentence each; an empty list means that it is sound.

    Checks the structure of the database, the references between its tables, the bytes and line offsets of the
    sources, and that the values of the examples are those that the history ends with.
    """
    folder = Path(folder)
    damage: list[str] = []
    try:
        with _database(folder / "workspace.db") as db:
            for words in _findings(folder, db):
                damage.append(words)
                if len(damage) >= MAX_DAMAGE:
                    break
    except (sqlite3.Error, CuratorError, OSError) as error:
        damage.append(error.message if isinstance(error, CuratorError) else f"workspace.db: {error}")
    return damage


def is_newer(folder: Path) -> bool:
    """Whether a workspace was made by a newer Curator."""
    try:
        with _database(folder / "workspace.db") as db:
            return bool(db.execute("PRAGMA user_version").fetchone()[0] > tables.VERSION)
    except (sqlite3.Error, CuratorError, OSError):
        return False


@contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database for reading, in one transaction.

    Where a write-ahead log is left beside it and nobody writes, a copy of both is opened: SQLite would otherwise
    merge the log into the database, which changes it.
    """
    if not path.is_file():
        raise InputError(f"{path.parent} is no workspace: it holds no {path.name}")
    require_own_files(path.parent)
    log, lock = path.with_name(path.name + "-wal"), path.with_name("lock")
    with ExitStack() as stack:
        db = None
        if log.exists() and log.stat().st_size and not is_held(lock):
            copies = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="curator-check-")))
            for file in (path, log):
                shutil.copyfile(file, copies / file.name)
            if not is_held(lock):  # else a writer has begun meanwhile, and the copies may not match
                db = connect(copies / path.name, "rw")
        if db is None:
            db = database.open_unchecked(path)
        stack.callback(db.close)
        db.execute("BEGIN")  # a snapshot: a writer may change it meanwhile
        yield db


def _findings(folder: Path, db: sqlite3.Connection) -> Iterator[str]:
    """The findings; after one on the database itself nothing else is checked."""
    if db.execute("PRAGMA application_id").fetchone()[0] != tables.APPLICATION_ID:
        yield "workspace.db: not a Curator workspace"
        return
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != tables.VERSION:
        yield f"workspace.db: format {version}, this Curator knows {tables.VERSION}"
        return
    broken = [row[0] for row in db.execute("PRAGMA integrity_check(10)") if row[0] != "ok"]
    yield from (f"workspace.db: {words}" for words in broken)
    strange = database.unknown_schema(db) or (untrusted_values.first_untrusted_value(db) if not broken else "")
    if strange:
        yield f"workspace.db: {strange}"
    if broken or strange:
        return
    spans: list[tuple[int, int]] = []
    for row in db.execute("SELECT id, name, file, first_id, lines, sha256 FROM source ORDER BY id").fetchall():
        yield from _source(folder, row, spans)
    yield from _examples(db, spans)
    yield from _changes(db)


SourceRow = tuple[int, str, str, int, int | None, str | None]
"""id, name, file, first_id, lines (None: not copied yet) and sha256 of a source."""


def _source(folder: Path, row: SourceRow, spans: list[tuple[int, int]]) -> Iterator[str]:
    """Check one source; its range of ids (first, last) is added to `spans`."""
    number, name, file, first, count, digest = row
    copy = folder / "sources" / file
    if Path(file).name != file or copy.is_symlink():
        yield f"source {number}: its file '{file}' is outside the workspace"
        return
    if not copy.is_file():
        if count is not None:
            yield f"source {number} ({name}): sources/{file} is missing"
        return
    indexer = line_file.build_index(copy)
    lines = len(indexer.offsets) - 1
    if count is not None and lines != count:
        yield f"source {number} ({name}): {count_of(lines, 'line')} instead of {count}"
    if digest and _digest(copy) != digest:
        yield f"source {number} ({name}): its bytes are not those that were imported"
    stored = line_file.load_index(copy)
    if stored is not None and (
        list(stored[0]) != list(indexer.offsets) or list(stored[1]) != list(indexer.blanks)
    ):
        yield f"source {number} ({name}): the stored offsets are wrong; delete sources/{file}.idx"
    if any(first <= end and first + lines - 1 >= start for start, end in spans):
        yield f"source {number} ({name}): its ids overlap with another source's"
    spans.append((first, first + lines - 1))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _examples(db: sqlite3.Connection, spans: list[tuple[int, int]]) -> Iterator[str]:
    """Check that changed examples exist, that added ones have bytes, and that positions and labels refer to
    examples."""

    def inside(example: int) -> bool:
        return any(start <= example <= end for start, end in spans)

    additions = {row[0] for row in db.execute("SELECT id FROM example WHERE place IS NOT NULL")}
    for example, place, empty, version in db.execute("SELECT id, place, raw IS NULL, version FROM example"):
        if place is None and not inside(example):
            yield f"example {example}: there is no such line"
        if place is not None and inside(example):
            yield f"example {example}: it is both a line and an addition"
        if place is not None and empty:
            yield f"example {example}: an addition without bytes"
        if place not in (None, 0) and place not in additions and not inside(place):
            yield f"example {example}: it stands behind example {place}, which does not exist"
        if place is None and not empty and version == 0:
            yield f"example {example}: other bytes than its source's, but no change that made them"
    for example, label in db.execute("SELECT example, label FROM label"):
        if example not in additions and not inside(example):
            yield f"label '{label}': on example {example}, which does not exist"


def _changes(db: sqlite3.Connection) -> Iterator[str]:
    """Check that the last value of each field in the history is the value that the example has."""
    lost = db.execute("SELECT count(*) FROM part WHERE change NOT IN (SELECT id FROM change)").fetchone()[0]
    if lost:
        yield f"history: {count_of(lost, 'value belongs', 'values belong')} to no change"
    for field in sorted(tables.FIELDS):
        query = f"""SELECT last.example FROM (SELECT example, after, max(change) FROM part WHERE field = ?
            AND example > 0 GROUP BY example) AS last LEFT JOIN example ON example.id = last.example
            WHERE example.{field} IS NOT last.after LIMIT 3"""
        for (example,) in db.execute(query, (field,)):
            yield f"example {example}: its {field} is not what the history says"
    for example, field, after in db.execute(
        "SELECT example, field, after FROM (SELECT example, field, after, max(change) FROM part "
        "WHERE field LIKE 'label:%' GROUP BY example, field)"
    ).fetchall():
        query = "SELECT count(*) FROM label WHERE example = ? AND label = ?"
        if bool(db.execute(query, (example, field[6:])).fetchone()[0]) != bool(after):
            yield f"example {example}: the label '{field[6:]}' is not what the history says"

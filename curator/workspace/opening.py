"""How a path becomes a Workspace: a folder is opened, a dataset file gets a folder or is shown without one."""

from __future__ import annotations

import contextlib
import sqlite3
import tempfile
import time
from array import array
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from curator.errors import InputError, NotSaved
from curator.locks import Lock
from curator.workspace.storage import database, line_file, tables, untrusted_values
from curator.workspace.storage.examples import StoredExamples
from curator.workspace.storage.folder import folder_for, is_workspace, make_folder, require_regular_file, slug
from curator.workspace.storage.journal import Journal
from curator.workspace.storage.line_file import LineFile
from curator.workspace.storage.write_access import WriteAccess
from curator.workspace.workspace import Workspace

COPY_AT_ONCE = 4 * 1024 * 1024
"""Bytes. A larger dataset file is shown from its own place first and copied by the analysis child (or at the first
edit)."""
CHECK_AT_ONCE = 32 * 1024 * 1024
"""Bytes. A workspace.db up to this size is checked as a whole when it is opened."""


def open_workspace(path: Path | str, *, read_only: bool = False, wait: float = 0.0) -> Workspace:
    """Open a workspace folder, or a dataset file: then the workspace beside it is opened, or made.

    Raises InputError (unreadable, not a workspace, newer format, damaged); nothing is left behind then. If another
    process writes to it, the workspace is opened for reading: see `Workspace.read_only` and `holder`; `wait` is
    the number of seconds to wait for that process to leave.
    """
    path = Path(path)
    if is_workspace(path):
        if not path.is_dir():
            raise InputError(f"there is no workspace {path}")
        return _open_folder(path, read_only=read_only, wait=wait)
    require_regular_file(path)
    folder = folder_for(path)
    if not (folder / "workspace.db").exists():
        return _create_for_file(path, folder)
    workspace = _open_folder(folder, read_only=read_only, wait=wait)
    if not workspace.read_only and not workspace.stored.sources and not workspace.revision():
        _add_first_file(workspace, path)  # an earlier start was killed before it added the file
    return workspace


def create_workspace(folder: Path | str) -> Workspace:
    """Make an empty workspace, or open the one that is there. Raises InputError or NotSaved."""
    folder = Path(folder)
    make_folder(folder)
    if not (folder / "workspace.db").exists():
        database.create(folder / "workspace.db")
    return _open_folder(folder)


def remove_unused(folder: Path) -> None:
    """Delete the folder of a workspace that never held an example."""
    for inner in sorted(folder.rglob("*"), reverse=True):
        inner.rmdir() if inner.is_dir() else inner.unlink(missing_ok=True)
    folder.rmdir()


@contextmanager
def open_for_reading(path: str | Path) -> Iterator[Workspace]:
    """A workspace folder opened for reading, or a dataset file (any kind, "-" too) shown as a workspace.

    Writes nothing but a temporary copy of what is not plain JSON Lines. Raises InputError.
    """
    from curator.workspace.files.dataset_file import STDIN, open_dataset  # heavy: csv, gzip

    if str(path) != STDIN and is_workspace(Path(path)):
        with open_workspace(path, read_only=True) as workspace:
            workspace.current_results.alone = not workspace.current_results.finished
            yield workspace
        return
    with ExitStack() as stack:
        source = stack.enter_context(open_dataset(path))
        line_numbers: array[int] = array("Q")
        if source.plain and source.path is not None:
            file = source.path
        else:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="curator-"))
            file = Path(folder) / "lines"
            with file.open("wb") as copy:
                for number, raw in source.records():
                    copy.write(raw + b"\n")
                    line_numbers.append(number)
        indexer = line_file.build_index(file)
        lines = LineFile(file, indexer.offsets, indexer.blanks)
        with _show_file(source.name, lines, line_numbers) as workspace:
            yield workspace


def _show_file(name: str, source: LineFile, line_numbers: Sequence[int]) -> Workspace:
    """A file as a read-only workspace with its database in memory; `line_numbers` of the records, if converted."""
    db = database.create_in_memory()
    db.execute(
        "INSERT INTO source(id, name, file, format, first_id, lines, added_at) VALUES(1,?,?,?,1,?,0)",
        (name, name, "jsonl", source.lines),
    )
    path = Path(source.path)
    stored = StoredExamples(path, db, (source, line_numbers))
    access = WriteAccess(path.name, Lock(path), holder="nobody: it is only looked at")
    workspace = Workspace(path, Journal(db, path), stored, access)
    workspace.current_results.alone = True
    return workspace


def _open_folder(folder: Path, *, read_only: bool = False, wait: float = 0.0) -> Workspace:
    """Open a workspace folder whose database exists; see `open_workspace`."""
    file = folder / "workspace.db"
    database.check_format(file)  # before anything is written: a newer format is left as it is
    access = WriteAccess(folder.name, Lock(folder / "lock"))
    try:
        db = None
        if not read_only and access.acquire(wait):
            db = _connect_for_writing(file, access)
        db = db or database.open_reader(file)
        workspace = Workspace(folder, Journal(db, file), _load_checked(folder, db), access)
        _remove_leftovers(workspace)
        workspace.changes.writing.adopt_copies()
    except BaseException:
        access.release()
        raise
    return workspace


def _connect_for_writing(file: Path, access: WriteAccess) -> sqlite3.Connection | None:
    """None where it can only be read, as on a full disk; `access.holder` then says why. Raises NotSaved."""
    try:
        database.migrate(file)
        return database.open_writer(file)
    except NotSaved as error:
        access.release(f"nobody, but {error.message}")
        if database.check_format(file) < tables.VERSION:
            raise
        return None


def _load_checked(folder: Path, db: sqlite3.Connection) -> StoredExamples:
    """The examples of a folder, once its database passed the checks. Raises InputError where it is damaged."""
    try:
        if (folder / "workspace.db").stat().st_size <= CHECK_AT_ONCE:
            database.require_intact(db, folder)
            if untrusted := untrusted_values.first_untrusted_value(db):
                raise InputError(f"{folder} is refused: its database holds {untrusted}")
        return StoredExamples(folder, db)
    except sqlite3.Error as error:
        raise InputError(f"{folder} is damaged: {error}; see `curator check {folder}`") from error


def _remove_leftovers(workspace: Workspace) -> None:
    """Delete what killed imports left in `sources/`, unless a child may be copying there now."""
    if workspace.read_only or workspace.changes.writing.child_at_work():
        return
    with contextlib.suppress(OSError):  # leftovers do no harm
        last_source = max((source.id for source in workspace.stored.sources), default=0)
        line_file.remove_leftovers(workspace.path, last_source)


def _create_for_file(path: Path, folder: Path) -> Workspace:
    """Make the workspace of a dataset file. A large JSON Lines file is shown at once and copied later.

    Raises InputError; then no workspace is left behind.
    """
    fresh = not folder.exists()
    workspace = None
    try:
        workspace = create_workspace(folder)
        _add_first_file(workspace, path)
    except BaseException:
        if workspace is not None:
            workspace.close()
        if fresh and folder.exists():
            remove_unused(folder)
        raise
    return workspace


def _add_first_file(workspace: Workspace, path: Path) -> None:
    """Import a dataset file into an empty workspace; a large one of plain JSON Lines is not copied yet."""
    from curator.core.convert.maps import KEEP  # heavy: to open an existing workspace needs none of these
    from curator.workspace.exchange.import_files import SOURCE_ROW, add_previewed, source_row
    from curator.workspace.exchange.marks_file import marks_path
    from curator.workspace.files.preview import preview

    first_look = preview(path)
    legacy = first_look.shape == "completion" and not (first_look.map.verdict or first_look.map.inside)
    if first_look.container == "jsonl" and (legacy or first_look.shape == "unknown"):
        first_look = first_look.by(KEEP)
    large = path.stat().st_size > COPY_AT_ONCE and not marks_path(path).is_file()
    if not large or not first_look.plain or first_look.map != KEEP:
        add_previewed(workspace, [first_look])
        return
    row = source_row(1, path, f"1-{slug(path.name)}", "jsonl", 1, None, path.stat())
    statement = (SOURCE_ROW, (*row, None, 0, time.time()))
    workspace.journal.commit("import", f"Opened {path.name}", [], statements=[statement], examples=0)
    workspace.changes.writing.reload()

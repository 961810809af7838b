"""Where the workspace of a dataset file is, and how its folder is made."""

from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

from curator import paths
from curator.errors import InputError

SUFFIX = ".curator"
DATA_SUFFIXES = (".gz", ".zst", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet")


def is_workspace(path: Path) -> bool:
    """Whether `path` is a workspace folder, or is named like one."""
    return path.suffix == SUFFIX or (path / "workspace.db").is_file()


def folder_for(file: Path) -> Path:
    """The workspace of a dataset file: `NAME.curator` beside it, or in the data folder where that is read-only.

    If one of the two exists, that one; beside the file first. Where that one is of another file with another
    ending, which is still there (`a.csv` and `a.json`), it is `NAME.ENDING.curator`.
    """
    name = file.name
    while name.lower().endswith(DATA_SUFFIXES) and Path(name).stem:
        name = Path(name).stem
    beside = file.with_name(name + SUFFIX)
    if _is_of_a_neighbour(beside, file):
        beside, name = file.with_name(file.name + SUFFIX), file.name
    from hashlib import sha256  # heavy: OpenSSL, some MB of memory

    digest = sha256(str(file.resolve()).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    away = paths.data_dir() / "workspaces" / f"{slug(name)}-{digest}{SUFFIX}"
    if (beside / "workspace.db").exists() or (not away.exists() and os.access(file.parent, os.W_OK)):
        return beside
    return away


def _is_of_a_neighbour(folder: Path, file: Path) -> bool:
    """Whether a workspace was made of other files than this one, and one of them still lies beside it."""
    from curator import sqlite_file  # heavy, and needed only where there is a workspace

    database = folder / "workspace.db"
    if not database.exists():
        return False
    try:
        # Immutable: nothing is created beside the file; what a writer has not yet put into it matters not here.
        with closing(sqlite_file.connect(database, "ro", immutable=True)) as db:
            names = [str(name) for (name,) in db.execute("SELECT name FROM source")]
    except (sqlite3.Error, OSError):
        return False  # opening it tells what is wrong
    return file.name not in names and any(
        file.with_name(name).is_file() for name in names if Path(name).name == name
    )


def slug(name: str, limit: int = 60) -> str:
    """A safe file name made of an untrusted one: letters, digits, dot, dash and underscore."""
    clean = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.")[:limit]
    return clean or "data"


def make_folder(folder: Path) -> None:
    """Make the folder and its `sources/`. Raises InputError with the reason where that is impossible."""
    try:
        (folder / "sources").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the workspace {folder}: {error.strerror or error}") from error


def require_own_files(folder: Path) -> None:
    """Raise InputError where a workspace holds links or special files, which could lead outside of it."""
    for inside in (folder, folder / "sources"):
        if not inside.is_dir():
            continue
        with os.scandir(inside) as entries:
            for entry in entries:
                if not (entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)):
                    raise InputError(f"{folder} is refused: {entry.name} in it is a link or no regular file")


def require_regular_file(path: Path) -> None:
    """Raise InputError for what is no readable regular file, before anything is read from it."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder, not a dataset")
        if not path.exists():
            raise InputError(f"{path} does not exist")
        if not path.is_file():
            raise InputError(f"{path} is not a regular file")
        with path.open("rb"):
            pass
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error

"""Opening SQLite files that may come from a stranger: no code in the schema is trusted, every cell is checked."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Literal

Mode = Literal["ro", "rw", "rwc"]
"""SQLite's own: read only; read and write; the same, and create the file where it is missing."""


def connect(path: Path, mode: Mode, *, wait: float = 5.0, immutable: bool = False) -> sqlite3.Connection:
    """Open a database. Statements run in autocommit, transactions are explicit; any thread may use it.

    `wait` is for how many seconds a statement waits while another connection writes. `immutable` promises that
    nobody writes: then SQLite makes no files of its own beside the database. Raises sqlite3.Error.
    """
    uri = f"{path.absolute().as_uri()}?mode={mode}" + ("&immutable=1" if immutable else "")
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=wait)
    try:
        harden(db)
    except sqlite3.Error:
        db.close()
        raise
    return db


def harden(db: sqlite3.Connection) -> None:
    """Trust no function in the schema, check cells as they are read, and map no file into memory."""
    db.execute("PRAGMA trusted_schema=OFF")
    db.execute("PRAGMA cell_size_check=ON")
    db.execute("PRAGMA mmap_size=0")


def placeholders(count: int) -> str:
    """`?,?,?` for `count` values of a statement."""
    return ",".join("?" * count)

"""A copy of a workspace in memory, in which operations are tried: the same checks, and nothing on the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from curator.locks import Lock
from curator.workspace.storage.examples import StoredExamples
from curator.workspace.storage.journal import Journal
from curator.workspace.storage.write_access import WriteAccess
from curator.workspace.workspace import Workspace


class _JournalInMemory(Journal):
    """A journal that never opens a file."""

    def reconnect(self) -> None:
        """Keep the connection: a database in memory has no other."""


@contextmanager
def trial_of(workspace: Workspace) -> Iterator[Workspace]:
    """A writable copy of what is in `workspace.db`; ids and revisions go on as in the workspace itself.

    The caller holds the workspace's guard: held-out examples are compared in the workspace's own texts.
    """
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    workspace.db.backup(db)
    access = WriteAccess(workspace.path.name, Lock(workspace.path / "lock"))
    access.read_only = False  # nobody else knows of this copy
    stored = StoredExamples(workspace.path, db)
    trial = Workspace(workspace.path, _JournalInMemory(db, workspace.path), stored, access)
    trial.changes.writing.use_held_out_of(workspace.changes.writing)
    try:
        yield trial
    finally:
        trial.close()

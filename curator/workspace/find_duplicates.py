"""Finds the duplicates among the examples of a workspace: in this process, or as a child that stores them.

`python -m curator.workspace.find_duplicates FOLDER [SCOPE]` is the child.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from curator.core.duplicates.texts import Scope
from curator.workspace.duplicates.index_by_id import Duplicates
from curator.workspace.opening import open_workspace
from curator.workspace.workspace import Workspace

_REPORT_EVERY = 0.2
"""Seconds between two reports of progress."""


def load_stored(workspace: Workspace, scope: Scope = "conversation") -> Duplicates | None:
    """The index that a child stored, if it covers exactly the present examples and revision."""
    stored = Duplicates.load(workspace.path, workspace.raw, scope)
    if stored is None or stored[1] != workspace.revision() or list(workspace.ids()) != stored[0].ids:
        return None
    return stored[0]


def find_now(workspace: Workspace, scope: Scope = "conversation") -> Duplicates:
    """Compare all examples that are not deleted, in this process."""
    pairs = ((record.id, record.raw) for record in workspace.records(workspace.ids()))
    return Duplicates.build(pairs, workspace.raw, scope=scope)


def main(folder: str, scope: Scope = "conversation") -> int:
    """The child process: compare all examples, print the progress as JSON lines, store the index in the folder."""
    last_report = 0.0

    def report(phase: str, share: float) -> None:
        nonlocal last_report
        now = time.monotonic()
        if now - last_report > _REPORT_EVERY:
            last_report = now
            print(json.dumps({"phase": phase, "share": round(share, 4)}), flush=True)  # noqa: T201 - its protocol

    with open_workspace(folder, read_only=True) as workspace:
        revision = workspace.revision()
        pairs = ((record.id, record.raw) for record in workspace.records(workspace.ids()))
        Duplicates.build(pairs, workspace.raw, progress=report, scope=scope).save(Path(folder), revision)
    return 0


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(10)
    sys.exit(main(*sys.argv[1:]))  # type: ignore[arg-type]

"""Brings files into a workspace: byte copies of JSON Lines, converted copies of everything else."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from curator.workspace import place, schema
from curator.workspace import source as sources

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

SOURCE_ROW = (
    "INSERT INTO source(id, name, file, origin, origin_size, origin_mtime_ns, format, first_id, lines, hidden, "
    "added_at) VALUES(?,?,?,?,?,?,?,?,?,?,?)"
)


def create_from(kind: type[Workspace], path: Path, folder: Path) -> Workspace:
    """Make the workspace of a dataset file. A large JSONL file is shown at once and copied later."""
    from curator.workspace.workspace import COPY_AT_ONCE

    place.make(folder)
    schema.create(folder / "workspace.db").close()
    workspace = kind(folder)
    stat = path.stat()
    file = f"1-{place.slug(path.name)}"
    lines = None
    if stat.st_size <= COPY_AT_ONCE:
        copy = folder / "sources" / file
        sources.copy_file(path, copy)
        lines = sources.open_copy(copy).lines
    values = (
        1, path.name, file, str(path.resolve()), stat.st_size, stat.st_mtime_ns, "jsonl", 1, lines, 0, time.time(),
    )  # fmt: skip
    workspace.journal.run([(SOURCE_ROW, values)])
    workspace._reload()
    return workspace

"""The command that lists what the Data stage shows."""

from __future__ import annotations

import shlex
from pathlib import Path

from curator.workspace.search.view import View

LISTED = 100
"""Examples that `curator list` prints unless it is told another number."""


def command_of_view(workspace: Path, view: View) -> str:
    """A line for a shell that prints the same examples in the same order."""
    words = ["curator", "list", str(workspace)]
    if view.query:
        words += ["--filter", view.query]
    if view.sort:
        words += ["--sort", f"-{view.sort}" if view.descending else view.sort]
    if view.total > LISTED:
        words += ["--limit", str(view.total)]
    return shlex.join(words)

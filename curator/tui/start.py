"""Starting the UI: open the workspace, write its first screen, and only then import Textual and run the app."""

from __future__ import annotations

import os
import sqlite3
import sys
from typing import TYPE_CHECKING

from curator import settings
from curator.errors import CuratorError, UsageError
from curator.tui.session.last_session import LastSession
from curator.tui.session.which_workspace import open_workspace
from curator.tui.terminal import first_screen, kept_screen, leaving

if TYPE_CHECKING:
    from curator.tui.terminal.early_screen import FirstScreen
    from curator.workspace.workspace import Workspace


def open_ui(path: str | None, first: FirstScreen | None = None) -> int:
    """Run the UI on a dataset or workspace, without a path on the one that was open last. Returns the exit status.

    `first`: the kept screen, where it stands on the terminal already. Raises UsageError without a terminal that
    can place a cursor or with a faulty configuration, InputError where the path is no dataset.
    """
    in_browser = leaving.in_browser()
    if not in_browser and not leaving.is_terminal():
        raise UsageError("The UI needs a terminal; 'curator --help' lists the commands that work without one.")
    if not in_browser and os.environ.get("TERM", "") in kept_screen.CANNOT_DRAW:
        raise UsageError(
            f"This terminal (TERM={os.environ.get('TERM', '')}) cannot place a cursor, which the UI needs: use "
            "another one, 'curator web' for a browser, or the commands that 'curator --help' lists."
        )
    memory = LastSession.load()
    is_first = not path and not memory.tour and not memory.last
    theme = memory.theme or settings.load().theme or ""
    if is_first:
        memory.tour = "0"
    workspace = open_workspace(path, memory)
    try:
        if first is None and not in_browser:
            first = first_screen.show(workspace, theme)
        try:
            return _run(workspace, memory, first)
        finally:
            if first is not None:
                first.take_back()
    finally:
        _close(workspace, path, memory, in_browser)


def _close(workspace: Workspace, path: str | None, memory: LastSession, in_browser: bool) -> None:
    """Close the workspace, and keep its first screen for the next start; nobody else writes to it meanwhile."""
    screen, files = None, []
    try:
        if not (in_browser or workspace.read_only):
            theme = memory.theme or settings.load().theme or ""
            screen, files = first_screen.draw(workspace, theme), first_screen.files_of(workspace, path, theme)
    except (CuratorError, sqlite3.Error, OSError):
        screen = None  # what is damaged is told at the next start
    finally:
        workspace.close(lambda: kept_screen.keep(path or "", screen, files))


def _run(workspace: Workspace, memory: LastSession, first: FirstScreen | None) -> int:
    from curator import pricing  # heavy: Textual takes a third of a second
    from curator.tui.app import CuratorApp

    pricing.table()  # raises UsageError for a faulty models.toml before the UI opens
    memory.save()
    app = CuratorApp(workspace, memory, analyse=True, first=first)
    with leaving.guarded(app, first.attributes if first is not None else None):
        app.run()
    memory.save()
    if app.crash:
        sys.stderr.write(f"curator: {app.crash}\n")
        return 1
    return app.return_code or 0

"""A window that only reads: it shows what the one that writes does, and writes itself once that has left."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from curator.errors import CuratorError

if TYPE_CHECKING:
    from textual.timer import Timer

    from curator.tui.session.session import Session

EVERY = 1.0
"""Seconds between two looks: one lock that is tried, one number that SQLite counts."""


class Following:
    """Follows the writer of a session's workspace."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._timer: Timer | None = None

    def start(self) -> None:
        """Look from now on."""
        self._timer = self._session.app.set_interval(EVERY, self.look)

    def look(self) -> None:
        """Take up what was done since the last look; become the writer where there is none any more."""
        session, workspace = self._session, self._session.workspace
        try:
            ours = workspace.take_over()
            if ours or workspace.follow():
                session.publish(None, order=True)
            elif not workspace.derived.finished:
                session.publish(())
        except (CuratorError, sqlite3.Error, OSError):
            return  # the writer is in the middle of something; the next look is in a moment
        if ours:
            if self._timer is not None:
                self._timer.stop()
            session.settle_context()
            session.start()
            session.toast(f"{workspace.path.name} is free again: this window writes now")

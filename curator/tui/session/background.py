"""The session's background work: it runs the analysis child and takes up its results, or follows another window.

Only one window may write a workspace. That one runs the child; one that only reads polls for what the other did.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from curator.errors import CuratorError

if TYPE_CHECKING:
    from textual.app import App
    from textual.timer import Timer

    from curator.workspace.background import Analysis, Progress
    from curator.workspace.workspace import Workspace

POLL = 0.1
"""Seconds between two polls of the analysis child."""
GATHER = 0.5
"""Seconds for which many results are gathered before they are published, since drawing them takes time."""
FEW, MANY = 200, 20_000
"""Up to FEW results are published at once; above MANY it is cheaper to publish that everything changed."""
FOLLOW = 1.0
"""Seconds between two looks at another window's workspace: it tries one lock and reads one counter of SQLite."""


class Listener(Protocol):
    """The part of `Session` that background work needs."""

    app: App[Any]
    workspace: Workspace
    busy: bool

    def start(self) -> None:
        """Begin the background work again, now as the window that writes."""

    def publish(self, ids: Collection[int] | None, order: bool = False) -> None:
        """Tell every screen that examples changed."""

    def publish_results(self, ids: frozenset[int] | None, order: bool = False) -> None:
        """Tell every screen that analysis results arrived."""

    def settle_context(self) -> None:
        """Store the default provider and model where the workspace has none."""

    def toast(self, text: str, title: str = "") -> None:
        """Show a short note."""


class Background:
    """The analysis child of a workspace that this window may write."""

    def __init__(self, session: Listener) -> None:
        self._session = session
        self._analysis: Analysis | None = None
        self._gathered: set[int] = set()
        self._published_at = 0.0
        """When results were published last, on the monotonic clock."""

    def start(self) -> None:
        """Start the child and poll it; in a window that only reads, follow the one that writes instead."""
        session = self._session
        if session.workspace.read_only:
            Following(session).start()
            return
        from curator.workspace import background  # heavy

        self._analysis = background.start(session.workspace)
        session.app.set_interval(POLL, self._poll)

    def stop(self) -> None:
        """End the child; its results so far are stored."""
        if self._analysis is not None:
            self._analysis.stop(wait=1.0)
            self._analysis = None

    def look_first(self, ids: Iterable[int]) -> None:
        """Have these examples analysed before others."""
        if self._analysis is not None:
            self._analysis.show(ids)

    @property
    def progress(self) -> Progress | None:
        """How far the analysis is; None where none is running."""
        progress = self._analysis.progress() if self._analysis is not None else None
        return progress if progress is not None and progress.running else None

    def _poll(self) -> None:
        workspace = self._session.workspace
        if self._analysis is None or self._session.busy:
            return
        before = len(workspace.ids())
        arrived = self._analysis.poll()
        moved = len(workspace.ids()) != before
        if moved or len(arrived) > MANY:
            self._publish(None, order=moved)
        elif arrived or self._gathered:
            self._gathered.update(arrived)
            if len(arrived) <= FEW and arrived or time.monotonic() - self._published_at >= GATHER:
                self._publish(frozenset(self._gathered))
        elif workspace.current_results.totals_behind:
            workspace.counts()
            self._session.publish_results(frozenset())

    def _publish(self, ids: frozenset[int] | None, order: bool = False) -> None:
        self._published_at = time.monotonic()
        self._gathered.clear()
        self._session.publish_results(ids, order)


class Following:
    """A window that only reads: it shows what the writing one does, and writes itself once that has left."""

    def __init__(self, session: Listener) -> None:
        self._session = session
        self._timer: Timer | None = None

    def start(self) -> None:
        """Look every `FOLLOW` seconds from now on."""
        self._timer = self._session.app.set_interval(FOLLOW, self.look)

    def look(self) -> None:
        """Take up what the writer did since the last look; become the writer where there is none any more."""
        session, workspace = self._session, self._session.workspace
        try:
            ours = workspace.take_over()
            if ours or workspace.follow():
                session.publish(None, order=True)
            elif not workspace.current_results.finished:
                session.publish(())
        except (CuratorError, sqlite3.Error, OSError):
            return  # the writer is in the middle of a change: the next look comes in a second
        if ours:
            if self._timer is not None:
                self._timer.stop()
            session.settle_context()
            session.start()
            session.toast(f"{workspace.path.name} is free again: this window writes now")

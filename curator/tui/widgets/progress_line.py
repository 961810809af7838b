"""`ProgressLine`: how far slow work is and how long it will still take; the thread that works calls `tick`."""

from __future__ import annotations

import time

from textual.content import Content
from textual.widgets import Static

from curator.errors import Stopped
from curator.tui.session.telling.background_tasks import BackgroundTask
from curator.tui.shell import shell_of

AFTER = 0.5
"""Seconds of work after which progress is shown."""
EVERY = 0.1
"""Seconds between two updates of the line."""


class ProgressLine(Static):
    """Empty until work takes longer than half a second. The work is one of the session's tasks too."""

    def __init__(self, work: str = "") -> None:
        super().__init__("", id="progress")
        self.work = work
        """What is done, in the words of the list of tasks, e.g. `importing`; empty: what `begin` gets."""
        self._background_task: BackgroundTask | None = None
        self._what, self._total, self._done = "", 0, 0
        self._share = False
        """Show a percentage: the unit counted means nothing to a user."""
        self._began: float | None = None
        """When the work began, on the monotonic clock; None while there is none."""
        self._since = 0.0
        """When the present phase began, on the monotonic clock."""
        self._stopping = False

    def on_mount(self) -> None:
        """Update the line ten times a second."""
        self.set_interval(EVERY, self._show)

    def on_unmount(self) -> None:
        """Stop the work: its dialog is closed, so nothing would take its result."""
        self.stop()
        self._end_task()

    @property
    def working(self) -> bool:
        """Whether there is work between `begin` and `end`."""
        return self._began is not None

    def begin(self, what: str, total: int | None = None) -> None:
        """Work begins: `what` in one word, e.g. `Reading`, of about `total` items (None: unknown)."""
        self._what, self._total, self._done, self._share = what, total or 0, 0, False
        self._began = self._since = time.monotonic()
        self._stopping = False
        self._end_task()
        self._background_task = shell_of(self).session.tasks.begin(self.work or what.lower(), self.stop)

    def _end_task(self) -> None:
        if self._background_task is not None:
            self._background_task.end()
            self._background_task = None

    def phase(self, what: str, done: int, total: int) -> None:
        """As `tick`, for work in several phases; shows the percentage of the phase `what` that is done."""
        if what != self._what:
            self._what, self._since = what, time.monotonic()
        self._total, self._share = total, True
        self.tick(done)

    def tick(self, done: int) -> None:
        """`done` items are done. Raises Stopped once the user asked to stop. May be called from any thread."""
        self._done = done
        if self._background_task is not None:
            self._background_task.report(done / self._total if self._total >= done and self._total else None)
        if self._stopping:
            raise Stopped("stopped; nothing was changed")

    def stop(self) -> None:
        """Have the next `tick` or `phase` raise Stopped."""
        self._stopping = True

    def end(self) -> None:
        """The work has ended: clear the line."""
        self._began = None
        self._end_task()
        self.update("")

    def _show(self) -> None:
        if self._began is None or time.monotonic() - self._began < AFTER:
            return
        seconds = time.monotonic() - self._since
        self.update(Content(words(self._what, self._done, self._total, seconds, share=self._share)))


def words(what: str, done: int, total: int, seconds: float, *, share: bool = False) -> str:
    """E.g. `Reading: 120,000 of about 400,000, 12 s left · esc stops`; with `share` `Saving: 30 %, 4 s left · …`.

    `seconds` is how long the phase has run. A phase with `share` and no total cannot be stopped: `Saving …`.
    """
    text = f"{what}: {done:,}" + (f" of about {total:,}" if total > done else "")
    if share and not total:
        return f"{what} …"
    if share:
        text = f"{what}: {100 * min(done, total) // total} %"
    if done and total > done:
        seconds_left = seconds * (total - done) / done
        text += f", {seconds_left / 60:.0f} min left" if seconds_left >= 100 else f", {seconds_left:.0f} s left"
    return f"{text} · esc stops"

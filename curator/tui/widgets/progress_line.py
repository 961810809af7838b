"""One line that tells how far slow work is and how long it will take; the thread that works calls `tick`."""

from __future__ import annotations

import time

from textual.content import Content
from textual.widgets import Static

from curator.errors import Stopped

AFTER = 0.5
"""Seconds of work from which on progress is shown."""
EVERY = 0.1


class ProgressLine(Static):
    """Empty until work takes longer than half a second."""

    def __init__(self) -> None:
        super().__init__("", id="progress")
        self._what, self._total, self._done = "", 0, 0
        self._share = False
        """Whether to tell the share that is done: the pieces are not what anybody counts in."""
        self._began: float | None = None
        self._since = 0.0
        """When the present phase began."""
        self._stopping = False

    def on_mount(self) -> None:
        """Draw ten times a second while somebody works."""
        self.set_interval(EVERY, self._show)

    def on_unmount(self) -> None:
        """The program must not wait for work whose outcome nobody will see."""
        self.stop()

    @property
    def working(self) -> bool:
        """Whether work was begun and has not ended."""
        return self._began is not None

    def begin(self, what: str, total: int | None = None) -> None:
        """Work begins: `what` in a word, of about `total` pieces."""
        self._what, self._total, self._done, self._share = what, total or 0, 0, False
        self._began = self._since = time.monotonic()
        self._stopping = False

    def phase(self, what: str, done: int, total: int) -> None:
        """As `tick`, of work that has several phases, of each of which the share that is done is told."""
        if what != self._what:
            self._what, self._since = what, time.monotonic()
        self._total, self._share = total, True
        self.tick(done)

    def tick(self, done: int) -> None:
        """So many pieces are done. Raises Stopped where the work shall stop. Called from any thread."""
        self._done = done
        if self._stopping:
            raise Stopped("stopped; nothing was changed")

    def stop(self) -> None:
        """Ask the work to stop at its next `tick`."""
        self._stopping = True

    def end(self) -> None:
        """The work is over."""
        self._began = None
        self.update("")

    def _show(self) -> None:
        if self._began is None or time.monotonic() - self._began < AFTER:
            return
        seconds = time.monotonic() - self._since
        self.update(Content(words(self._what, self._done, self._total, seconds, share=self._share)))


def words(what: str, done: int, total: int, seconds: float, *, share: bool = False) -> str:
    """E.g. `Reading: 120,000 of about 400,000, 12 s left · esc stops`, or `Saving: 30 %, 4 s left · esc stops`;
    what has no total can no longer be stopped."""
    text = f"{what}: {done:,}" + (f" of about {total:,}" if total > done else "")
    if share and not total:
        return f"{what} …"
    if share:
        text = f"{what}: {100 * min(done, total) // total} %"
    if done and total > done:
        left = seconds * (total - done) / done
        text += f", {left / 60:.0f} min left" if left >= 100 else f", {left:.0f} s left"
    return f"{text} · esc stops"

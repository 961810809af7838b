"""`TourPlace`: the step of the tour that somebody is at, kept from one start to the next."""

from __future__ import annotations

from typing import Any

from textual.app import App
from textual.signal import Signal

from curator.tui.session.last_session import LastSession

LEFT = "left"


class TourPlace:
    """Where the tour is; `changed` tells every screen."""

    def __init__(self, app: App[Any], memory: LastSession) -> None:
        self._memory = memory
        self.changed: Signal[int | None] = Signal(app, "tour step")
        self.step: int | None = int(memory.tour) if memory.tour.isdecimal() else None
        """The number of the step, from 0; None: nobody takes the tour."""

    def go_to(self, step: int | None) -> None:
        """Go to a step; None leaves the tour. Stored at once: another window may open meanwhile."""
        self.step = step
        self._memory.tour = LEFT if step is None else str(step)
        self._memory.save()
        self.changed.publish(step)

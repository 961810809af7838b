"""The terminal's driver where a first screen stands on the terminal already."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from textual.drivers.linux_driver import LinuxDriver

from curator.tui.terminal.first_screen import ENTER

if TYPE_CHECKING:
    from textual.driver import Driver

    from curator.tui.app import CuratorApp


class TakingOver(LinuxDriver):
    """Takes the terminal as it was found, but for the alternate screen: entering that again would clear it."""

    _entered = False
    _running: asyncio.AbstractEventLoop | None = None

    def start_application_mode(self) -> None:
        """Begin, or go on after a suspension."""
        self._running = asyncio.get_running_loop()
        first = cast("CuratorApp", self._app).first
        self._entered = first is not None and first.hand_over()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual leaves it untyped

    def _sigtstp_application(self, *_: object) -> None:
        """Stop between two things, not in the middle of one: that may be a write, whose lock this needs too."""
        stop = super()._sigtstp_application
        if self._running is None:
            stop()
        else:
            self._running.call_soon_threadsafe(stop)

    def write(self, data: str) -> None:
        """Write to the terminal."""
        if self._entered and data == ENTER:
            self._entered = False
            return
        super().write(data)


def taking_over(usual: type[Driver]) -> type[Driver]:
    """The driver to use instead of the usual one; another than the terminal's own is left alone."""
    return TakingOver if usual is LinuxDriver else usual

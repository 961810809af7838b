"""The Textual driver for a terminal that the first screen has already been written to."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual.drivers.linux_driver import LinuxDriver

from curator.tui.terminal.early_screen import ENTER

if TYPE_CHECKING:
    from textual.driver import Driver

    from curator.tui.terminal.early_screen import FirstScreen


class TakingOver(LinuxDriver):
    """Does not enter the alternate screen again, which would clear the first screen."""

    _first: ClassVar[FirstScreen]
    _entered = False
    """Whether the first screen has entered the alternate screen and the driver must not."""
    _running: asyncio.AbstractEventLoop | None = None

    def start_application_mode(self) -> None:
        """Begin, or continue after a suspension."""
        self._running = asyncio.get_running_loop()
        self._entered = self._first.hand_over()
        super().start_application_mode()  # type: ignore[no-untyped-call]  # Textual leaves it untyped
        if self._first.attributes is not None:
            self.attrs_before = (
                self._first.attributes
            )  # those of the shell; the first screen made the terminal raw

    def _sigtstp_application(self, *_: object) -> None:
        """Suspend from the event loop, not from the signal handler: that may have interrupted a write, whose lock
        suspending needs too."""
        stop = super()._sigtstp_application
        if self._running is None:
            stop()
        else:
            self._running.call_soon_threadsafe(stop)

    def write(self, data: str) -> None:
        """Write to the terminal; drops the sequence that enters the alternate screen, once."""
        if self._entered and data == ENTER:
            self._entered = False
            return
        super().write(data)


def taking_over(usual: type[Driver], first: FirstScreen) -> type[Driver]:
    """The driver class to use instead of `usual` while `first` stands on the terminal.

    Textual makes the driver itself, so the class carries the first screen. Other drivers (tests) are left alone.
    """
    return type("TakingOverFirst", (TakingOver,), {"_first": first}) if usual is LinuxDriver else usual

"""The terminal from the first screen until Textual takes it over: raw, with a way back whatever happens.

Loaded before anything else of the UI, so it imports next to nothing.
"""

from __future__ import annotations

import os
import signal
import sys
import termios

TYPE_CHECKING = False  # `typing` takes longer to load than all of this
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any, NoReturn

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?25h\x1b[?1049l"
RESET = (
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # mouse
    "\x1b[?2004l\x1b[?1004l\x1b[?2048l\x1b[?7h\x1b[<u"  # paste, focus, resize reports, wrap, key protocol
    "\x1b[0m\x1b[?25h\x1b[?1049l"  # colours, cursor, alternate screen
)
"""Escape sequences that restore a terminal from any state that Textual puts it in."""


class FirstScreen:
    """Owns the terminal from the first screen until the app takes over."""

    def __init__(self) -> None:
        self.attributes = _make_raw()
        """The terminal's termios attributes at the start; None where it has none."""
        self._handed_over = False
        self._signals = {number: signal.signal(number, self._leave) for number in _signals()}

    def write(self, text: str) -> None:
        """Enter the alternate screen, hide the cursor and write."""
        _write(f"{ENTER}\x1b[?25l{text}")

    def hand_over(self) -> bool:
        """Leave the terminal, raw as it is, to the app. Returns False if that was done before."""
        if self._handed_over:
            return False
        self._handed_over = True
        return True

    def take_back(self) -> None:
        """At the end: give the terminal back if no app took it over; restore the signal handlers."""
        if self.hand_over():
            _write(LEAVE)
            self._restore()
        for number, handler in self._signals.items():
            signal.signal(number, handler)

    def _restore(self) -> None:
        """Set the terminal's attributes of before."""
        if self.attributes is not None:
            termios.tcsetattr(0, termios.TCSANOW, self.attributes)

    def _leave(self, number: int, frame: FrameType | None) -> NoReturn:
        try:
            os.write(1, RESET.encode())
            self._restore()
        except (OSError, termios.error):
            pass  # the terminal is gone: nothing to restore
        os._exit(128 + number)


def _write(text: str) -> None:
    """Write a text to the terminal at once, through stderr as Textual does."""
    assert sys.__stderr__ is not None
    sys.__stderr__.write(text)
    sys.__stderr__.flush()


def _signals() -> list[signal.Signals]:
    return [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


def _make_raw() -> list[Any] | None:
    """Switch off echo, line buffering, flow control and the translation of keys, so that all of them, ctrl+q and
    ctrl+s too, wait unseen for the app; returns the attributes from before.

    Ctrl+c still interrupts: until the app runs, nothing else would take it.
    """
    try:
        before = termios.tcgetattr(0)
        raw = termios.tcgetattr(0)
        raw[0] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
        raw[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        raw[6][termios.VSUSP] = raw[6][termios.VQUIT] = bytes([os.fpathconf(0, "PC_VDISABLE") & 0xFF])
        termios.tcsetattr(0, termios.TCSANOW, raw)
    except termios.error:
        return None
    return before

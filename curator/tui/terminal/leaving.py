"""The terminal's end: signals, a vanished terminal and crashes all leave it as it was found.

Everything here works around what Textual 8.2 does by itself: TERM and HUP leave the screen broken, a gone
terminal spins, a crash prints local variables (keys too) and exits 0.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol


class Ending(Protocol):
    """What can be asked to end in order."""

    def end(self, status: int) -> None:
        """Save and leave with an exit status."""

    def call_later(self, callback: Any, *args: Any) -> bool:
        """Call from the app's own loop."""


PATIENCE = 1.5
"""Seconds that an orderly end may take before the program leaves at once."""

RESET = (
    "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # mouse
    "\x1b[?2004l\x1b[?1004l\x1b[?2048l\x1b[?7h\x1b[<u"  # paste, focus, resize reports, wrap, key protocol
    "\x1b[0m\x1b[?25h\x1b[?1049l"  # colours, cursor, alternate screen
)
"""Puts a terminal back that was left in whatever state."""

HANGUP = 129
"""Exit status when the terminal is gone: 128 + SIGHUP."""


INTERRUPTED = 130
"""Exit status after ctrl+c: 128 + SIGINT."""


def is_terminal() -> bool:
    """Whether both standard input and output are terminals."""
    return sys.stdin is not None and sys.stdout is not None and sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def guarded(app: Ending, saved: list[Any] | None = None) -> Iterator[None]:
    """While inside, INT, TERM and HUP end `app` in order within 2 s, exit status 128 + the signal's number.

    `saved` are the terminal's attributes as they were found; by default those it has now.
    """
    saved = saved or _attributes()

    def end(number: int, frame: FrameType | None) -> None:
        leave(app, 128 + number, saved)

    signals = [signal.SIGINT, signal.SIGTERM] + ([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])
    before = {number: signal.signal(number, end) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave(app: Ending, status: int, saved: list[Any] | None = None) -> None:
    """Ask the app to end, and see to it that the process does: every change is on the disk already."""
    watchdog = threading.Timer(PATIENCE, _leave_now, (status, saved))
    watchdog.daemon = True
    watchdog.start()
    app.call_later(app.end, status)


def _leave_now(status: int, saved: list[Any] | None) -> None:
    try:
        os.write(1, RESET.encode())
        if saved is not None:
            termios.tcsetattr(0, termios.TCSANOW, saved)
    except (OSError, termios.error):
        pass  # the terminal is gone: nothing to restore
    os._exit(status)


def _attributes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except (OSError, termios.error):
        return None


def hung_up() -> bool:
    """Whether the terminal on standard input is gone."""
    poll = select.poll()
    poll.register(0, 0)
    return any(state & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, state in poll.poll(0))

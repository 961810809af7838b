"""Leaving the UI: signals, a closed terminal and crashes all restore the terminal's state.

Textual 8.2 by itself leaves the screen broken after TERM and HUP, spins when the terminal is closed, and after a
crash prints local variables (API keys too) and exits with 0.
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

from curator.tui.terminal.early_screen import RESET


class Ending(Protocol):
    """An app that `guarded` can end."""

    def end(self, status: int) -> None:
        """Save everything and exit with a status."""

    def call_later(self, callback: Any, *args: Any) -> bool:
        """Call in the app's event loop."""


PATIENCE = 1.5
"""Seconds that an orderly end may take before the process exits without it."""

HANGUP = 129
"""Exit status when the terminal is gone: 128 + SIGHUP."""


INTERRUPTED = 130
"""Exit status after ctrl+c: 128 + SIGINT."""


def is_terminal() -> bool:
    """Whether both standard input and output are terminals."""
    return sys.stdin is not None and sys.stdout is not None and sys.stdin.isatty() and sys.stdout.isatty()


def in_browser() -> bool:
    """Whether `curator web` has started this program: pipes lead to a browser in place of a terminal."""
    return os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")


@contextmanager
def guarded(app: Ending, saved: list[Any] | None = None) -> Iterator[None]:
    """A context in which INT, TERM and HUP end `app` in order within 2 s, with the status 128 + the signal.

    `saved` are the termios attributes to restore; by default those that the terminal has now.
    """
    saved = saved or _attributes()

    def end(number: int, frame: FrameType | None) -> None:
        leave(app, 128 + number, saved)

    signals = [signal.SIGINT, signal.SIGTERM] + ([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])
    handlers = {number: signal.signal(number, end) for number in signals}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def leave(app: Ending, status: int, saved: list[Any] | None = None) -> None:
    """Ask the app to end; after `PATIENCE` the process exits in any case: every change is on the disk already."""
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
        pass  # the terminal has been closed: nothing to restore
    os._exit(status)


def _attributes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except (OSError, termios.error):
        return None


def hung_up() -> bool:
    """Whether the terminal on standard input has been closed."""
    poll = select.poll()
    poll.register(0, 0)
    return any(state & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, state in poll.poll(0))

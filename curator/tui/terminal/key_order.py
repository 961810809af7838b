"""`KeysInOrder`: an app in which keys act in the order in which they were pressed, however fast they arrive.

Textual sends a key to the focused widget, and runs its action only when the widget has returned it to the app.
Keys typed behind it have been sent to the same widget by then: `/dead` in one burst would delete an example (`d`)
instead of searching for a word. Here a key waits until the one before has run and its new screen or field has the
focus.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import suppress

from textual.app import App, ScreenStackError
from textual.events import Event, Key, Paste
from textual.message_pump import MessagePump
from textual.widgets import Input, TextArea

PATIENCE = 1.0
"""Most seconds that a key waits for the one before, so that a fault does not block the keyboard."""


class KeysInOrder(App[None]):
    """Queues keys and pastes, and sends each when the one before has run."""

    starting = False
    """Set from the start until something has the focus: keys wait."""

    def __init__(self) -> None:
        super().__init__()
        self.built = asyncio.Event()
        """Unset while a widget builds the fields that the next keys are meant for: keys wait."""
        self.built.set()
        self._before: Event | None = None
        """The key that was sent last, until its action has run; None for letters that are typed into a text."""
        self._typed_ahead: deque[Event] = deque()
        """Keys that wait."""
        self._feeding: asyncio.Task[None] | None = None

    async def on_event(self, event: Event) -> None:
        """Handle events as Textual does, but one key after the other."""
        if not isinstance(event, Key | Paste):
            await super().on_event(event)
        elif event.is_forwarded:
            await super().on_event(event)
            if event is self._before:
                self._before = None
        elif self._feeding is not None or self._is_working():
            self._typed_ahead.append(event)
            self._feeding = self._feeding or asyncio.create_task(self._feed())
        else:
            await self._press(event)

    async def _press(self, event: Event) -> None:
        in_text = isinstance(self.focused, Input | TextArea)
        letter = isinstance(event, Key) and event.is_printable
        if in_text and self.focused is not None and not letter:
            await _wait_for(self.focused)  # letters reach a field in order, but other keys overtake them
        await super().on_event(event)
        # in a field too: letters typed right behind home or end would overtake it
        self._before = event if event.is_forwarded and not (in_text and letter) else None

    def begin(self) -> None:
        """Let keys pass from now on, as soon as something has the focus. Call it after the first refresh."""
        if self.focused is None:
            self.call_after_refresh(self.begin)
        else:
            self.starting = False

    def _is_working(self) -> bool:
        """Whether the key before has not run yet, or the fields that it opened are not built yet."""
        if self.starting:
            return True
        stopped = self._before is None or self._before._stop_propagation
        return not stopped or not self.built.is_set()

    async def _feed(self) -> None:
        """Send the waiting keys, each when the one before has run."""
        try:
            while self.starting:
                await asyncio.sleep(0.01)
            while self._typed_ahead:
                until = time.monotonic() + PATIENCE
                while self._is_working() and time.monotonic() < until:
                    await _wait_for(self)
                # twice: its worker may open a dialog, and that dialog focus a field
                for pump in (self.screen, self, self.screen, self):
                    await asyncio.sleep(0)
                    await _wait_for(pump)
                self.call_later(self._press, self._typed_ahead.popleft())
                await _wait_for(self)
        except ScreenStackError:
            self._typed_ahead.clear()  # the app has ended
        finally:
            self._feeding = None


async def _wait_for(pump: MessagePump) -> None:
    """Wait until a widget, screen or app has handled every message sent to it so far, for `PATIENCE` at most."""
    done = asyncio.Event()
    if pump.call_later(done.set):
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), PATIENCE)

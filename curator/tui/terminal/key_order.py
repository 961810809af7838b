"""Keys act in the order in which they were pressed, however many arrive at once.

Textual runs a key's action when the key has come back from the widget that it was sent to; what was typed behind
it has long been sent to the same widget then. So `/dead` in one burst would delete an example instead of looking
for a word. Here a key waits until the one before it has done its work and the new screen or field is there.
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
"""Seconds after which a key no longer waits: something else is wrong then."""


class KeysInOrder(App[None]):
    """An app in which keys wait for each other."""

    starting = False
    """Keys wait while this is set: the app has begun, and nothing can take them yet."""

    def __init__(self) -> None:
        super().__init__()
        self.built = asyncio.Event()
        """Unset while the fields are being made that the next keys are meant for."""
        self.built.set()
        self._before: Event | None = None
        """The key that was sent last to what is no text field, until it has done its work."""
        self._typed_ahead: deque[Event] = deque()
        self._feeding: asyncio.Task[None] | None = None

    async def on_event(self, event: Event) -> None:
        """As Textual, one key after the other."""
        if not isinstance(event, Key | Paste):
            await super().on_event(event)
        elif event.is_forwarded:
            await super().on_event(event)
            if event is self._before:
                self._before = None
        elif self._feeding is not None or self._at_work():
            self._typed_ahead.append(event)
            self._feeding = self._feeding or asyncio.create_task(self._feed())
        else:
            await self._press(event)

    async def _press(self, event: Event) -> None:
        if isinstance(self.focused, Input | TextArea):
            if isinstance(event, Key) and not event.is_printable:
                await _reached(self.focused)  # what is typed comes to a field in order, but keys of ours pass it
            await super().on_event(event)
        else:
            await super().on_event(event)
            self._before = event if event.is_forwarded else None

    def begun(self) -> None:
        """To be called after the first refresh: from now on keys are taken, as soon as something has the focus."""
        if self.focused is None:
            self.call_after_refresh(self.begun)
        else:
            self.starting = False

    def _at_work(self) -> bool:
        """Whether the key before, or what it began, is not done."""
        if self.starting:
            return True
        stopped = self._before is None or self._before._stop_propagation
        return not stopped or not self.built.is_set()

    async def _feed(self) -> None:
        """Press what was typed ahead, each key when the one before has done its work."""
        try:
            while self.starting:
                await asyncio.sleep(0.01)
            while self._typed_ahead:
                until = time.monotonic() + PATIENCE
                while self._at_work() and time.monotonic() < until:
                    await _reached(self)
                for pump in (self.screen, self, self.screen, self):  # a worker may open a dialog, that a field
                    await asyncio.sleep(0)
                    await _reached(pump)
                self.call_later(self._press, self._typed_ahead.popleft())
                await _reached(self)
        except ScreenStackError:
            self._typed_ahead.clear()  # the app has ended
        finally:
            self._feeding = None


async def _reached(pump: MessagePump) -> None:
    """Return when a widget, screen or app has dealt with what it was sent until now."""
    reached = asyncio.Event()
    if pump.call_later(reached.set):
        with suppress(TimeoutError):
            await asyncio.wait_for(reached.wait(), PATIENCE)

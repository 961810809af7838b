"""A scene: the real app on a real workspace, as tests see it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from textual._context import visible_screen_stack
from textual.app import App
from textual.geometry import Size
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.worker import WorkerCancelled

from curator.tui.app import CuratorApp
from curator.tui.screens.data.screen import DataScreen
from curator.workspace.opening import open_workspace
from curator.workspace.workspace import Workspace
from tests.thorough import every
from tests.tui import quiet

ASKING = {"fix", "note", "settle", "export", "travel", "dialog", "watch"}
"""Groups of workers that wait for an answer in a dialog, or go on for good."""
STARVED = 5.0
"""Most seconds that a test waits for a thread that gets no time on a busy machine."""
NARROW, WIDE = (80, 24), (120, 40)
SIZES = every(2, [NARROW, WIDE])
"""The sizes at which what happens is tried; how it looks at both, the snapshots say."""


def chat(user: str, answer: str, system: str = "Answer with one shortcode.") -> bytes:
    """One good chat line."""
    messages = [
        {"role": "system", "content": system},
        {"role": "user", "content": user},
        {"role": "assistant", "content": answer},
    ]
    return json.dumps({"messages": messages}, ensure_ascii=False).encode()


def many(count: int) -> list[bytes]:
    """Good lines that differ."""
    return [
        chat(f"Question number {n} about thing {n * 7919 % 1000}", f"(answer{n})") for n in range(1, count + 1)
    ]


@dataclass
class Scene:
    """The app, its pilot, and short words for what tests do."""

    app: CuratorApp
    pilot: Pilot[None]
    workspace: Workspace
    _drawn: set[tuple[Screen[Any], Size]] = field(default_factory=set)
    """The screens that were drawn, and at which size."""

    @property
    def data(self) -> DataScreen:
        """The Data stage."""
        screen = self.app.screen
        assert isinstance(screen, DataScreen), screen
        return screen

    @property
    def current(self) -> int:
        """The example under the cursor."""
        current = self.data.current
        assert current is not None
        return current

    async def press(self, *keys: str) -> None:
        """Press keys and let everything that follows from them happen."""
        await self.pilot.press(*keys)
        await self.settle()

    async def type(self, text: str) -> None:
        """Type a text."""
        names = {" ": "space", ":": "colon", "(": "left_parenthesis", ")": "right_parenthesis", "\n": "enter"}
        await self.press(*(names.get(character, character) for character in text))

    async def settle(self) -> None:
        """Wait for workers (but not for those that ask somebody), for pauses in typing, and for the layout."""
        await self.pilot.pause()
        waited = [worker for worker in self.app.workers if worker.group not in ASKING]
        for worker in waited:
            with suppress(WorkerCancelled):  # another of its kind took its place
                await worker.wait()
        await quiet.short_timers(self.app)
        await self.pilot.pause()
        ends = time.monotonic() + STARVED
        while self._works_after_asking() and time.monotonic() < ends:
            await self.pilot.pause(0.01)
        if self.app.is_running and self.app._screen_stack:
            place = (self.app.screen, self.app.size)
            if place not in self._drawn:  # texts are wrapped when they are drawn first
                self._drawn.add(place)
                with suppress(KeyError):  # a widget came that has no styles yet
                    self.screen_text()
                await self.pilot.pause()

    def _works_after_asking(self) -> bool:
        """Whether a worker that may ask has no question on the screen: it works, or waits for its turn."""
        working = any(worker.group in ASKING - {"watch"} and worker.is_running for worker in self.app.workers)
        return working and bool(self.app._screen_stack) and not self.app.screen.is_modal

    async def until(self, words: str, minutes: float = 1.5) -> None:
        """Wait until this stands on the screen."""
        ends = time.monotonic() + 60 * minutes
        while time.monotonic() < ends:
            if words in self.screen_text():
                return
            await self.pilot.pause(0.1)
        raise AssertionError(f"{words!r} never came:\n{self.screen_text()}")

    def screen_text(self) -> str:
        """What stands on the screen."""
        return "\n".join(strip.text for strip in drawn(self.app))

    def toasts(self) -> str:
        """What the toasts say."""
        return "\n".join(notification.message for notification in self.app._notifications)


async def without_messages(scene: Scene) -> None:
    """Let what is still going on end, and take the messages away, in whose place the status line stands."""
    await scene.settle()
    scene.app.clear_notifications()
    await scene.settle()


def drawn(app: App[None]) -> list[Strip]:
    """The rows of the screen, of the screens below it too where it lets them through."""
    visible_screen_stack.set(app._background_screens)
    return app.screen._compositor.render_strips()


def dataset(folder: Path, lines: Iterable[bytes]) -> Path:
    """A dataset file of these lines."""
    path = folder / "data.jsonl"
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def _notify_for_long(notify: Callable[..., None], *words: str, **options: Any) -> None:
    """Show a toast that stays: on a busy machine its 4 s may be over before a test looks."""
    notify(*words, **(options | {"timeout": 3600}))


@asynccontextmanager
async def opened(path: Path, size: tuple[int, int] = NARROW) -> AsyncIterator[Scene]:
    """The app on a dataset file or workspace."""
    workspace = open_workspace(path)
    app = CuratorApp(workspace)
    try:
        with patch.object(app, "notify", partial(_notify_for_long, app.notify)):
            async with app.run_test(size=size, notifications=True, tooltips=True) as pilot:
                scene = Scene(app, pilot, workspace)
                await scene.settle()
                yield scene
                if app.is_running and app._screen_stack:
                    scene.screen_text()  # what no test looked at can be drawn too
    finally:
        workspace.close()

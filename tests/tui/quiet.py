"""Waiting until an app has nothing left to do: by what it still has to handle, not by the time that passes.

Textual's pilot sends every widget a message and sleeps until the process takes little time: a third of the work
of a test, and on a busy machine too short. Here the messages themselves are looked at.
"""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Iterator
from typing import Any

from textual._context import active_app
from textual.app import App
from textual.message_pump import MessagePump
from textual.pilot import Pilot, WaitForScreenTimeout
from textual.timer import Timer

PATIENCE = 60.0
"""Most seconds of waiting."""
MOST_REFRESHES = 100
"""Refreshes of the screen that one wait makes: a widget may ask for the next one in each."""
IDLE_WAITS = 4
"""Hundredths of a second without any work after which threads are taken to wait for somebody."""
SHORT = 0.25
"""Timers of at most so many seconds belong to the key before: they wait for a pause in typing."""


async def until_quiet(app: App[Any]) -> bool:
    """Wait until every message is handled, the screen laid out, and threads have done what they can do.

    Returns False where the app has failed. Raises WaitForScreenTimeout after `PATIENCE` seconds.
    """
    ends, refreshes, waits = time.monotonic() + PATIENCE, 0, 0
    loop: Any = asyncio.get_running_loop()
    failed: Any = app._exception_event
    while not failed.is_set():
        await asyncio.sleep(0)
        if loop._ready:
            continue
        if app._resize_timer is not None or any(_is_busy(pump) for pump in _pumps(app)):
            await asyncio.sleep(0.001)
        elif refreshes < MOST_REFRESHES and _refresh(app):
            refreshes += 1
        elif waits < IDLE_WAITS and _threads_work(loop._default_executor):
            used = time.process_time()
            await asyncio.sleep(0.01)
            waits = 0 if time.process_time() - used > 0.001 else waits + 1
        else:
            return True
        if time.monotonic() > ends:
            raise WaitForScreenTimeout(f"Still at work after {PATIENCE:.0f} s")
    return False


def _threads_work(executor: Any) -> bool:
    """Whether a thread of the loop's executor, which runs the app's long work, has something to do."""
    if executor is None:
        return False
    return bool(executor._work_queue.qsize() or executor._idle_semaphore._value < len(executor._threads))


async def short_timers(app: App[Any]) -> None:
    """Wait until the timers have run that wait for a pause in typing."""
    while any(_is_short(timer) for pump in _pumps(app) for timer in list(pump._timers)):
        await asyncio.sleep(0.005)


def _pumps(app: App[Any]) -> Iterator[MessagePump]:
    """The app, its screens and the widgets of the uppermost screen."""
    yield app
    if app._screen_stack:
        yield from app._screen_stack[:-1]
        yield from app._screen_stack[-1].walk_children(with_self=True)


def _is_busy(pump: MessagePump) -> bool:
    """Whether a widget handles a message, or has one to handle."""
    if not pump._running or pump._closed or pump._closing:
        return False
    queue: Any = pump._message_queue
    return not queue.empty() or not queue.ready_event._waiters


def _refresh(app: App[Any]) -> bool:
    """Lay the screen out now if something asked for it. Returns whether something did."""
    screen = app._screen_stack[-1] if app._screen_stack else None
    if screen is None or app._batch_count or not screen.is_current:
        return False
    wanted = (
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )
    if wanted:
        screen._on_timer_update()
    return bool(wanted)


def _is_short(timer: Timer) -> bool:
    """Whether a timer is about to run for the only time."""
    task = timer._task
    return timer._repeat == 0 and timer._interval <= SHORT and task is not None and not task.done()


async def _screen_is_quiet(pilot: Pilot[Any], timeout: float = 0) -> bool:
    return await until_quiet(pilot.app)


async def _active_app_is_quiet(min_sleep: float = 0, max_sleep: float = 0) -> None:
    await until_quiet(active_app.get())


def install() -> None:
    """Have every pilot wait in this way from now on."""
    Pilot._wait_for_screen = _screen_is_quiet  # type: ignore[method-assign,assignment]
    for module in ("textual.pilot", "textual.app"):
        vars(importlib.import_module(module))["wait_for_idle"] = _active_app_is_quiet

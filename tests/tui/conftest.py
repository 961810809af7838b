"""Hundreds of tests start the app: equal themes are worked out once, a screen is drawn when somebody looks."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from typing import Any

import pytest
from textual._compositor import Compositor
from textual.app import App
from textual.design import ColorSystem

from curator.tui.looks import themes
from tests.tui import quiet, recorded_actions


@pytest.fixture(autouse=True, scope="session")
def shared_colours() -> None:
    """Equal themes share their colours."""
    generate = ColorSystem.generate
    colours_of: dict[str, dict[str, str]] = {}

    def generate_once(system: ColorSystem) -> dict[str, str]:
        theme = repr(sorted(vars(system).items()))
        if theme not in colours_of:
            colours_of[theme] = generate(system)
        return dict(colours_of[theme])

    ColorSystem.generate = generate_once  # type: ignore[method-assign,assignment]


@pytest.fixture(autouse=True, scope="session")
def themes_read_once() -> None:
    """A theme file that has not changed is read once."""
    read = themes.read_theme
    read_once = functools.cache(lambda path, changed: read(path))
    themes.read_theme = lambda path: read_once(path, path.stat().st_mtime_ns)


@pytest.fixture(autouse=True, scope="session")
def drawn_when_settled() -> None:
    """The screen is not drawn for a terminal that is not there, but when a test looks at it."""
    render = Compositor.render_update

    def render_for_somebody(compositor: Compositor, *args: Any, **options: Any) -> Any:
        if args or options.get("full"):
            return render(compositor, *args, **options)
        compositor._dirty_regions.clear()
        return None

    Compositor.render_update = render_for_somebody  # type: ignore[method-assign,assignment]


@pytest.fixture(autouse=True, scope="session")
def quick_waits() -> None:
    """A pilot waits for what the app does, not for time to pass."""
    quiet.install()


@pytest.fixture(autouse=True, scope="session")
def recorded() -> Iterator[None]:
    """Where that is wanted, write down which test runs which action."""
    if not os.environ.get(recorded_actions.WANTED):
        yield
        return
    dispatch = App._dispatch_action

    async def note_and_dispatch(app: App[Any], namespace: Any, action_name: str, params: Any) -> bool:
        recorded_actions.note(namespace, action_name, tuple(params))
        return await dispatch(app, namespace, action_name, params)

    App._dispatch_action = note_and_dispatch  # type: ignore[method-assign,assignment]
    yield
    App._dispatch_action = dispatch  # type: ignore[method-assign]
    recorded_actions.write()

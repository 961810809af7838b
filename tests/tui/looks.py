"""The three looks of the program: dark, light, and without colours. A running app can take each of them on."""

from __future__ import annotations

from functools import partial

from textual.app import App
from textual.filter import Monochrome

from curator.tui.looks.themes import DEFAULT

DARK, LIGHT, NO_COLOR = "dark", "light", "no-color"
LOOKS = (DARK, LIGHT, NO_COLOR)
THEMES = {DARK: DEFAULT, LIGHT: "curator-light", NO_COLOR: DEFAULT}


def look_of(app: App[None]) -> str | None:
    """The look that an app has now; None for a theme that is no look."""
    if app.no_color:
        return NO_COLOR
    return next((look for look in (DARK, LIGHT) if THEMES[look] == app.theme), None)


def take_on(app: App[None], look: str) -> None:
    """Have an app look otherwise, as if it had been started so: Textual reads NO_COLOR when it starts."""
    if app.theme != THEMES[look]:
        app.theme = THEMES[look]
        if app.screen not in app.children:  # the palette, which Textual forgets: no theme is chosen below it
            app.call_next(partial(app.stylesheet.update, app.screen, animate=False))
    if app.no_color != (look == NO_COLOR):
        app.no_color = look == NO_COLOR
        app._filters = [each for each in app._filters if not isinstance(each, Monochrome)]
        app._filters += [Monochrome()] * app.no_color
        for screen in app.screen_stack:
            app.stylesheet.update(screen, animate=False)

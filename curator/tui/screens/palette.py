"""The command palette: every action of the key table, with its key, run where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from rich.text import Text
from textual.app import ComposeResult
from textual.command import (
    CommandInput,
    CommandList,
    CommandPalette,
    DiscoveryHit,
    Hit,
    Hits,
    Provider,
    SearchIcon,
)
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.dom import DOMNode
from textual.events import Click
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import LoadingIndicator

from curator.tui import actions, keys
from curator.tui.actions import Action
from curator.tui.shell import shell_of
from curator.tui.widgets.line_input import drawn


def scopes_of(node: DOMNode) -> tuple[str, ...]:
    """The scopes of the key table that a widget, screen or app takes part in, its own first."""
    named = (vars(cls).get("SCOPE", "") for cls in type(node).__mro__)
    return tuple(scope for scope in dict.fromkeys(named) if scope)


def home_of(action: Action, screen: Screen[object], focused: Widget | None) -> DOMNode | None:
    """The node that runs an action: near the focus, else anywhere on the screen, else the app; None: not here."""
    near = list(focused.ancestors_with_self) if focused else [screen, screen.app]
    for node in (*near, *screen.walk_children(Widget, with_self=False), screen, screen.app):
        if action.scope in scopes_of(node) and getattr(node, "display", True):
            return node
    return None


class ActionCommands(Provider):
    """Offers the actions that work on the current screen."""

    def _offers(self) -> Iterator[tuple[Action, DOMNode]]:
        for action in actions.ACTIONS:
            home = home_of(action, self.screen, self.focused)
            if home is not None and self._possible(action, home):
                yield action, home

    def _possible(self, action: Action, home: DOMNode) -> bool:
        from textual.actions import parse

        namespace, name, parameters = parse(action.command)
        target = self.app if namespace == "app" else home
        return target.check_action(name, parameters) is not False

    def _title(self, action: Action) -> Content:
        shown = keys.keys_of(action, shell_of(self.screen).user_keys)
        return Content.assemble(action.description, "  ", (shown, "$text-muted"))

    async def discover(self) -> Hits:
        """Everything, before anything is typed."""
        for action, home in self._offers():
            yield DiscoveryHit(
                self._title(action), partial(self._run, action, home), action.description, action.tooltip
            )

    async def search(self, query: str) -> Hits:
        """What matches by name, explanation, id or key."""
        matcher = self.matcher(query)
        for action, home in self._offers():
            score = max(matcher.match(action.description), 0.8 * matcher.match(action.tooltip))
            if query in action.keys.split(",") or query == keys.keys_of(action, {}):
                score = 1.0
            if score > 0:
                run = partial(self._run, action, home)
                yield Hit(score, self._title(action), run, action.description, action.tooltip)

    async def _run(self, action: Action, home: DOMNode) -> None:
        if isinstance(home, Widget) and home.can_focus:
            home.focus()
        await self.app.run_action(action.command, home)


class Palette(CommandPalette):
    """Textual's palette with a list of commands that stands any key and click."""

    def compose(self) -> ComposeResult:
        """As Textual's, with our list."""
        with Vertical(id="--container"):
            with Horizontal(id="--input"):
                yield SearchIcon()
                yield Words(placeholder=self._placeholder, select_on_focus=False)
            with Vertical(id="--results"):
                yield CommandLines()
                yield LoadingIndicator()


class Words(CommandInput):
    """What is looked for, drawn printable."""

    @property
    def _value(self) -> Text:
        return drawn(self.value)


class CommandLines(CommandList):
    """Textual 8.2 ends the app where it is asked for a page without room, or for an option that has just gone."""

    def action_page_up(self) -> None:
        """One page up."""
        if self.scrollable_content_region:
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        """One page down."""
        if self.scrollable_content_region:
            super().action_page_down()  # type: ignore[no-untyped-call]

    def on_click(self, event: Click) -> None:
        """Ignore a click on what another search has replaced meanwhile."""
        if event.style.meta.get("option", 0) >= self.option_count:
            event.prevent_default()

"""The command palette: lists every action of the key table with its keys, and runs it where it belongs."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from rich.text import Text
from textual.actions import parse
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
from curator.tui.widgets.line_input import as_drawn


def scopes_of(node: DOMNode) -> tuple[str, ...]:
    """The scopes of the key table that a widget, screen or app declares, its own before those of its bases."""
    scopes = (vars(cls).get("SCOPE", "") for cls in type(node).__mro__)
    return tuple(scope for scope in dict.fromkeys(scopes) if scope)


def node_of(action: Action, screen: Screen[object], focused: Widget | None) -> DOMNode | None:
    """The node that runs an action: the nearest to the focus, else one on the screen, else the app; None: none."""
    near = list(focused.ancestors_with_self) if focused else [screen, screen.app]
    for node in (*near, *screen.walk_children(Widget, with_self=False), screen, screen.app):
        if action.scope in scopes_of(node) and getattr(node, "display", True):
            return node
    return None


class ActionCommands(Provider):
    """Offers the actions that can run on the current screen."""

    def _possible_actions(self) -> Iterator[tuple[Action, DOMNode]]:
        for action in actions.ACTIONS:
            node = node_of(action, self.screen, self.focused)
            if node is not None and self._is_possible(action, node):
                yield action, node

    def _is_possible(self, action: Action, node: DOMNode) -> bool:
        namespace, name, parameters = parse(action.command)
        target = self.app if namespace == "app" else node
        return target.check_action(name, parameters) is not False

    def _title(self, action: Action) -> Content:
        names = keys.keys_of(action, shell_of(self.screen).user_keys)
        return Content.assemble(action.description, "  ", (names, "$text-muted"))

    async def discover(self) -> Hits:
        """All possible actions, shown before anything is typed."""
        for action, node in self._possible_actions():
            yield DiscoveryHit(
                self._title(action), partial(self._run, action, node), action.description, action.tooltip
            )

    async def search(self, query: str) -> Hits:
        """The actions whose description, tooltip or key matches what is typed."""
        matcher = self.matcher(query)
        for action, node in self._possible_actions():
            score = max(matcher.match(action.description), 0.8 * matcher.match(action.tooltip))
            if query in action.keys.split(",") or query == keys.keys_of(action, {}):
                score = 1.0
            if score > 0:
                run = partial(self._run, action, node)
                yield Hit(score, self._title(action), run, action.description, action.tooltip)

    async def _run(self, action: Action, node: DOMNode) -> None:
        if isinstance(node, Widget) and node.can_focus:
            node.focus()
        await self.app.run_action(action.command, node)


class Palette(CommandPalette):
    """Textual's palette with an input and a list of Curator's own."""

    def compose(self) -> ComposeResult:
        """The same widgets as Textual's palette has, two of them replaced."""
        with Vertical(id="--container"):
            with Horizontal(id="--input"):
                yield SearchIcon()
                yield PrintableInput(placeholder=self._placeholder, select_on_focus=False)
            with Vertical(id="--results"):
                yield CommandLines()
                yield LoadingIndicator()


class PrintableInput(CommandInput):
    """Draws control characters as stand-ins."""

    @property
    def _value(self) -> Text:
        return as_drawn(self.value)


class CommandLines(CommandList):
    """Textual 8.2 crashes when a page key is pressed without room for the list, or a removed option is clicked."""

    def action_page_up(self) -> None:
        """One page up."""
        if self.scrollable_content_region:
            super().action_page_up()  # type: ignore[no-untyped-call]

    def action_page_down(self) -> None:
        """One page down."""
        if self.scrollable_content_region:
            super().action_page_down()  # type: ignore[no-untyped-call]

    def on_click(self, event: Click) -> None:
        """Ignore a click on an option that a later search has removed."""
        if event.style.meta.get("option", 0) >= self.option_count:
            event.prevent_default()

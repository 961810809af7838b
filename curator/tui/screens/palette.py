"""The command palette: lists every action of the key table with its keys, and runs it where it belongs."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cache, partial

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
from curator.tui.screens.stage import StageScreen
from curator.tui.shell import shell_of
from curator.tui.stage_models.command_search import ELSEWHERE, fit
from curator.tui.widgets.line_input import as_drawn

PLACES = {
    "data": "app.data",
    "problems": "app.data",
    "duplicates": "app.duplicates",
    "split": "app.splits",
    "train": "app.training",
    "compare": "app.compare",
    "history": "app.history",
    "balance": "app.balance",
    "providers": "app.providers",
    "proposals": "app.proposals",
    "cards": "app.next",
    "activity": "app.activity",
    "disagreements": "app.disagreements",
    "columns": "data.columns",
    "facets": "data.facets",
    "suspects": "data.suspects",
    "query": "data.query",
    "editor": "data.edit",
    "answer": "data.edit",
    "list": "app.data",
    "conversation": "app.data",
    "members": "app.duplicates",
    "why": "compare.why",
    "conversations": "compare.conversations",
    "judge": "compare.judge",
    "playground": "compare.ask",
    "effects": "history.effects",
}
"""Scopes that are not on every screen, and the action that leads there."""
HIDDEN = "hidden"
"""In place of a reason: the action has nothing to do now and is not listed, such as completing where nothing can
be completed."""


@cache
def scopes_of(node_type: type[DOMNode]) -> tuple[str, ...]:
    """The scopes of the key table that a class of nodes declares, its own before those of its bases."""
    scopes = (vars(cls).get("SCOPE", "") for cls in node_type.__mro__)
    return tuple(scope for scope in dict.fromkeys(scopes) if scope)


def way_to(scope: str, present: Container[str] = ()) -> list[Action]:
    """The actions that lead to a scope from where those of the `present` scopes can run, the first one first."""
    place = keys.BY_ID[PLACES[scope]]
    if place.scope in present or place.scope == "app" or place.command.startswith("app."):
        return [place]
    return [*way_to(place.scope, present), place]


def nodes_by_scope(screen: Screen[object], focused: Widget | None) -> dict[str, DOMNode]:
    """The node that runs the actions of each scope: nearest to the focus, else on the screen, else the app."""
    near = list(focused.ancestors_with_self) if focused else [screen, screen.app]
    nodes: dict[str, DOMNode] = {}
    for node in (*near, *screen.walk_children(Widget, with_self=False), screen, screen.app):
        for scope in scopes_of(type(node)):
            if scope not in nodes and getattr(node, "display", True):
                nodes[scope] = node
    return nodes


@dataclass(frozen=True)
class PaletteCommand:
    """One line of the palette."""

    action: Action
    node: DOMNode | None
    """What runs the action; None: it belongs to a stage or dialog that is not on the screen."""
    key_names: str
    """All keys that run it, by Textual's names, separated by commas."""
    why_not: str
    """Why it cannot run now; empty where it can."""

    @property
    def keys(self) -> str:
        """All keys that run it, as they are drawn."""
        return " / ".join(keys.key_label(key) for key in self.key_names.split(",") if key)

    @property
    def place(self) -> Action | None:
        """The action that leads to the stage or dialog it belongs to; None where it can run from here."""
        return keys.BY_ID[PLACES[self.action.scope]] if self.node is None else None

    def pressed_after(self, way: list[Action]) -> str:
        """The keys to press once the first action of the way there has run, in words."""
        last = [step.keys.split(",")[0] for step in way[1:]] + [self.key_names.split(",")[0]]
        return ", then ".join(keys.key_label(key) for key in last if key)

    @property
    def title(self) -> Content:
        """Its name, where it is, and its keys."""
        place = f"  in {self.place.description}" if self.place else ""
        name = (self.action.description, "$text-muted" if self.why_not else "")
        return Content.assemble(name, (place, "$text-muted"), "  ", (self.keys, "$text-muted"))

    @property
    def explanation(self) -> str:
        """What it does, or why it cannot."""
        return f"Not now: {self.why_not}" if self.why_not else self.action.tooltip


class ActionCommands(Provider):
    """Offers the actions of this screen, then those of the other stages; what cannot run now says why."""

    def _is_possible(self, action: Action, node: DOMNode) -> bool:
        namespace, name, parameters = parse(action.command)
        target = self.app if namespace == "app" else node
        return target.check_action(name, parameters) is not False

    def _all_keys(self) -> dict[tuple[str, str], dict[str, None]]:
        """The keys of all actions that are one to the user, each key once."""
        user_keys = shell_of(self.screen).user_keys
        all_keys: dict[tuple[str, str], dict[str, None]] = {}
        for action in actions.ACTIONS:
            names = all_keys.setdefault(identity(action), {})
            names.update(dict.fromkeys(filter(None, user_keys.get(action.id, action.keys).split(","))))
        return all_keys

    def commands(self) -> Iterator[PaletteCommand]:
        """All commands; actions of the same name that do the same are one, with the keys of all.

        Those of other stages and dialogs are left out where something of the same name can be done here.
        """
        all_keys = self._all_keys()
        listed = set()
        nodes = nodes_by_scope(self.screen, self.focused)
        here = {action.description for action in actions.ACTIONS if action.scope in nodes}
        for action in actions.ACTIONS:
            node = nodes.get(action.scope)
            if node is None and (self.screen.is_modal or action.scope not in PLACES or action.description in here):
                continue
            command = PaletteCommand(
                action, node, ",".join(all_keys[identity(action)]), self._why_not(action, node)
            )
            if command.why_not == HIDDEN or (command.node and identity(action) in listed):
                continue
            listed.add(identity(action))
            yield command

    def _why_not(self, action: Action, node: DOMNode | None) -> str:
        """Why an action cannot run now; empty where it can, `HIDDEN` where it is not worth a word."""
        if node is None:
            return ""
        reason = self.screen.why_not(action.id) if isinstance(self.screen, StageScreen) else ""
        return reason or ("" if self._is_possible(action, node) else HIDDEN)

    async def discover(self) -> Hits:
        """All actions of this screen, shown before anything is typed."""
        for command in self.commands():
            if command.node is not None and not command.why_not:
                run = partial(self._run, command)
                yield DiscoveryHit(command.title, run, command.action.description, command.explanation)

    async def search(self, query: str) -> Hits:
        """The actions whose name, other names, description or key match what is typed."""
        for command in self.commands():
            action = command.action
            score = fit(action, query, command.key_names)
            if command.node is None:
                score *= ELSEWHERE
            if score > 0:
                run = partial(self._run, command)
                yield Hit(score, command.title, run, action.description, command.explanation)

    async def _run(self, command: PaletteCommand) -> None:
        """Run the action, or go where it belongs; where it cannot run, say why."""
        shell = shell_of(self.screen)
        if command.why_not:
            shell.session.toast(f"{command.action.description}: {command.why_not}.")
        elif command.place is not None:
            nodes = nodes_by_scope(self.screen, self.focused)
            way = way_to(command.action.scope, nodes)
            await self.app.run_action(way[0].command, nodes.get(way[0].scope, self.app))
            if pressed := command.pressed_after(way):
                shell.session.toast(f"{command.action.description} is here: press {pressed}.")
        elif command.node is not None:
            if isinstance(command.node, Widget) and command.node.can_focus:
                command.node.focus()
            await self.app.run_action(command.action.command, command.node)


def identity(action: Action) -> tuple[str, str]:
    """A key that is equal for actions that are one to the user: the name, and the action of the app that they
    run."""
    of_the_app = action.scope == "app" or action.command.startswith("app.")
    return (action.description, action.command.removeprefix("app.") if of_the_app else action.id)


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

"""Help: what has the focus, and the keys that work there, from the key table."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from curator.tui import actions, keys
from curator.tui.screens.dialog import Dialog
from curator.tui.screens.palette import scopes_of
from curator.tui.shell import shell_of


class HelpScreen(Dialog[None]):
    """Explains one screen, the focused pane first."""

    HEADING = "Help"
    ACCEPT = ""

    def __init__(self, about: Screen[object]) -> None:
        super().__init__()
        focused = about.focused
        self._chain: list[DOMNode] = list(focused.ancestors_with_self) if focused else [about, about.app]
        self._others: list[DOMNode] = [
            node for node in about.walk_children(Widget) if node not in self._chain and node.display
        ]

    def compose_body(self) -> ComposeResult:
        """The pane's own words, then one table a scope."""
        for node in self._chain:
            text = getattr(type(node), "HELP", None)
            if isinstance(text, str) and text:
                yield Static(Content(text), classes="about")
        scopes: set[str] = set()
        for node in (*self._chain, *self._others):
            for scope in scopes_of(type(node)):
                if scope not in scopes and scope != "dialog":
                    scopes.add(scope)
                    yield Static(self._table(scope), classes="keys")

    def on_mount(self) -> None:
        """The text scrolls with the keys."""
        body = self.query_one(".body", VerticalScroll)
        body.can_focus = True
        body.focus()

    def _table(self, scope: str) -> Content:
        keymap = shell_of(self).user_keys
        lines = [Content.styled(actions.SCOPES.get(scope, scope), "bold $accent")]
        for action in keys.of_scope(scope):
            key_words = keys.keys_of(action, keymap)
            if key_words:
                lines.append(
                    Content.assemble((f"  {key_words:<18}", "bold"), action.tooltip or action.description)
                )
        return Content("\n").join(lines)

    def action_accept(self) -> None:
        """Enter leaves too."""
        self.dismiss(None)

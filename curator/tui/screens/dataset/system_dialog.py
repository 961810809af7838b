"""`SystemDialog`: asks for the system prompt that all examples get."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from curator.core.text import printable
from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.line_input import LineInput

SHOWN = 600
"""Most characters of the most frequent prompt that are shown."""


class SystemDialog(Dialog[str]):
    """Dismisses with the prompt: the typed one, or the most frequent one where nothing is typed."""

    HEADING = "One system prompt for all"
    ACCEPT = "Go on"

    def __init__(self, commonest: str) -> None:
        super().__init__()
        self._commonest = commonest

    def compose_body(self) -> ComposeResult:
        """The most frequent prompt, and a field for another one."""
        words = "No example has a system prompt yet."
        if self._commonest:
            words = f"Most examples have this one; leave the field empty to take it:\n\n{self._commonest[:SHOWN]}"
        yield Static(Content(printable(words)))
        yield Static("")
        yield LineInput(placeholder="another system prompt for all examples", compact=True, id="system")

    def action_accept(self) -> None:
        """Dismiss with the prompt, if there is one."""
        text = self.query_one("#system", Input).value.strip() or self._commonest
        if text:
            self.dismiss(text)
        else:
            self.session.toast("Type the system prompt that all examples shall have.")

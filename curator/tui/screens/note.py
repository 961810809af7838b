"""A note about examples."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from curator.core.text import one_line
from curator.tui.screens.dialog import Dialog


class NoteDialog(Dialog[str]):
    """Dismisses with the text; empty takes the note away."""

    HEADING = "Note"
    ACCEPT = "Save"

    def __init__(self, text: str, examples: int) -> None:
        super().__init__()
        self._text = text
        self._examples = examples

    def compose_body(self) -> ComposeResult:
        """One line of text."""
        many = "this example" if self._examples == 1 else f"{self._examples:,} examples"
        yield Static(Content(f"A note about {many}; empty takes it away."))
        yield Input(one_line(self._text), compact=True)

    def action_accept(self) -> None:
        """Save it."""
        self.dismiss(self.query_one(Input).value.strip())

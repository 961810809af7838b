"""`NoteDialog`: asks for a note on one or more examples."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.line_input import LineInput


class NoteDialog(Dialog[str]):
    """Dismisses with the text; "" removes the note."""

    HEADING = "Note"
    ACCEPT = "Save"

    def __init__(self, text: str, examples: int) -> None:
        super().__init__()
        self._text = text
        self._examples = examples

    def compose_body(self) -> ComposeResult:
        """A field of one line."""
        many = "this example" if self._examples == 1 else f"{self._examples:,} examples"
        yield Static(Content(f"A note about {many}; empty takes it away."))
        yield LineInput(self._text, compact=True)

    def action_accept(self) -> None:
        """Dismiss with the text, without spaces at its ends unless it is unchanged."""
        text = self.query_one(LineInput).value
        self.dismiss(text if text == self._text else text.strip())

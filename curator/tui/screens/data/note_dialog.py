"""`NoteDialog`: asks for a note on one or more examples; what is typed is kept as a draft meanwhile."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.line_input import LineInput
from curator.workspace.storage.typed_text import TypedText


class NoteDialog(Dialog[str]):
    """Dismisses with the text; "" removes the note."""

    HEADING = "Note"
    ACCEPT = "Save"

    def __init__(self, text: str, examples: tuple[int, ...], typed: str | None = None) -> None:
        """`text` is the present note, `typed` the draft that is restored in its place."""
        super().__init__()
        self._text = text
        self._typed = typed
        self._examples = examples

    def compose_body(self) -> ComposeResult:
        """A field of one line."""
        many = "this example" if len(self._examples) == 1 else f"{len(self._examples):,} examples"
        yield Static(Content(f"A note about {many}; empty takes it away."))
        yield LineInput(self._text if self._typed is None else self._typed, select_on_focus=False, compact=True)

    @on(Input.Changed)
    def _keep_draft(self, event: Input.Changed) -> None:
        keeper = self.session.kept_draft
        begun, typed = (text.encode("utf-8", "surrogateescape") for text in (self._text, event.value))
        if typed not in (begun, b""):
            keeper.note(TypedText("note", self._examples, begun, typed), lambda: None)
        elif keeper.state:
            keeper.drop()

    def action_accept(self) -> None:
        """Dismiss with the text, without spaces at its ends unless it is unchanged."""
        text = self.query_one(LineInput).value
        self.dismiss(text if text == self._text else text.strip())

"""The dialog for the note and the tags of a round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from curator.errors import UsageError
from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.line_input import LineInput

if TYPE_CHECKING:
    from curator.jobs.ledger.remarks import Remark


class RemarkDialog(Dialog["Remark"]):
    """Dismisses with the remark."""

    ACCEPT = "Save"
    HELP = "A note on what was tried and what it showed; tags are words, apart by blanks. Empty takes them away."

    def __init__(self, number: int, remark: Remark) -> None:
        super().__init__()
        self._number, self._remark = number, remark

    def compose_body(self) -> ComposeResult:
        """A field for the note, one for the tags."""
        note = LineInput(self._remark.note, select_on_focus=False, compact=True, id="note")
        tags = LineInput(" ".join(self._remark.tags), select_on_focus=False, compact=True, id="tags")
        for name, field in (("Note", note), ("Tags", tags)):
            yield Horizontal(Static(Content(name), classes="name"), field, classes="field -tight")

    def on_mount(self) -> None:
        """Show the round's number, and begin in the note."""
        self.query_one(".box", Vertical).border_title = Content(f"Note on round {self._number}")
        self.query_one("#note").focus()

    def action_accept(self) -> None:
        """Dismiss with what was typed, or say which tag is invalid."""
        from curator.jobs.ledger.remarks import make_remark  # heavy

        note, tags = (self.query_one(f"#{name}", LineInput).value for name in ("note", "tags"))
        try:
            remark = make_remark(note, tags)
        except UsageError as error:
            self.session.say(error)
            return
        self.dismiss(remark)

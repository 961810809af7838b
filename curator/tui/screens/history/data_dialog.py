"""The dialog that shows the examples that a round was trained on, as their frozen file has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from curator.core.duplicates.question import question_and_answer
from curator.core.text import one_line, printable
from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.rounds.round_data import RoundLines
    from curator.jobs.rounds.rounds import Round

_LONGEST = 600


class DataDialog(Dialog[None]):
    """Lists the lines of a frozen file; each is read when it is drawn."""

    ACCEPT = ""
    HELP = "The training examples of this round, byte for byte. w writes them to a file, R goes back to them."

    def __init__(self, each: Round, lines: RoundLines) -> None:
        super().__init__()
        self._round, self._lines = each, lines

    def compose_body(self) -> ComposeResult:
        """The file's name, its lines, and the current one in full."""
        count = f"{len(self._lines):,} example{'s' * (len(self._lines) != 1)}"
        sha256 = (self._round.run.dataset_sha256 or "?")[:12]
        yield Static(Content(one_line(f"{count}, sha256 {sha256}…")), classes="hint")
        yield LineList("data-lines", empty="No examples.")
        yield Static("", id="row-detail", classes="estimate")

    def on_mount(self) -> None:
        """List the lines."""
        self.query_one(".box", Vertical).border_title = Content(f"Data of round {self._round.number}")
        self.query_one("#data-lines", LineList).show(len(self._lines), self._line)
        self.query_one("#data-lines").focus()
        self._describe()

    def _line(self, index: int, width: int) -> Pieces:
        question, answer = question_and_answer(self._lines.line(index))
        room = max(16, width - 10)
        return [
            (f"{index + 1:>7,}  ", "dim"),
            (one_line(question, room // 2).ljust(room // 2), ""),
            (" → ", "dim"),
            (one_line(answer, room // 2), "accent"),
        ]

    @on(LineList.Highlighted, "#data-lines")
    def _describe(self) -> None:
        if not len(self._lines):
            return
        raw = self._lines.line(self.query_one("#data-lines", LineList).cursor)
        question, answer = (text[:_LONGEST] for text in question_and_answer(raw))
        words = Content.assemble((printable(question), "$role-user"), "\n", (printable(answer), "$role-assistant"))
        self.query_one("#row-detail", Static).update(words)

    def action_accept(self) -> None:
        """Enter closes the dialog: there is nothing to do."""
        self.dismiss(None)

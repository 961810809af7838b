"""`AnswerDialog`: choose one answer from all that are allowed or given, for one example or for many."""

from __future__ import annotations

import asyncio

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.events import Key
from textual.widgets import Input, Static

from curator.core.text import one_line
from curator.tui.screens.dialog import Dialog
from curator.tui.stage_models.many.answer_choices import AnswerChoices, read_choices
from curator.tui.widgets.line_input import PlainInput
from curator.tui.widgets.line_list import LineList, Pieces

ANSWER = 28
"""Cells of the column with the answers."""


class AnswerDialog(Dialog[str]):
    """Dismisses with the answer under the cursor, or with what is typed where no answer fits."""

    HEADING = "Choose an answer"
    ACCEPT = "Take it"
    HELP = (
        "Type letters of the answer, what it means, or words of a prompt that has it. The arrows choose; enter "
        "takes the answer under the cursor, or what is typed where nothing fits."
    )

    def __init__(self, words: str, typed: str = "") -> None:
        """`words` say what the answer is for; `typed` is what the field begins with."""
        super().__init__()
        self._words, self._typed = words, typed
        self._choices = AnswerChoices()
        self._listed: list[str] = []

    def compose_body(self) -> ComposeResult:
        """What it is for, the field, the answers."""
        yield Static(Content(one_line(self._words, 200)), classes="hint")
        yield PlainInput(
            self._typed, placeholder="letters, meaning, or words of a prompt", compact=True, id="typed"
        )
        yield LineList("choices", empty="Reading the answers …")

    def on_mount(self) -> None:
        """Read the answers, in a thread."""
        self.query_one("#choices").can_focus = False
        self.query_one("#typed").focus()
        self._read()

    @work(exclusive=True, group="choices", exit_on_error=False)
    async def _read(self) -> None:
        self._choices = await asyncio.to_thread(read_choices, self.session.workspace)
        self.query_one("#choices", LineList).say("No known answer fits: enter takes what is typed.")
        self._rank()

    @on(Input.Changed, "#typed")
    def _rank(self) -> None:
        self._listed = self._choices.ranked(self.query_one("#typed", Input).value)
        self.query_one("#choices", LineList).show(len(self._listed), self._line, cursor=0)

    def _line(self, index: int, width: int) -> Pieces:
        answer = self._listed[index]
        times = self._choices.times[answer]
        return [
            (f"{one_line(answer, ANSWER):<{ANSWER}} ", ""),
            (f"{times:>5,}× " if times else " never ", "dim"),
            (one_line(self._choices.sample(answer), max(8, width - ANSWER - 9)), "dim"),
        ]

    def on_key(self, event: Key) -> None:
        """The arrows and page keys move the cursor of the list while the field has the focus."""
        choices = self.query_one("#choices", LineList)
        moves = {
            "up": choices.action_up,
            "down": choices.action_down,
            "pageup": choices.action_page_up,
            "pagedown": choices.action_page_down,
        }
        if event.key in moves:
            event.stop()
            event.prevent_default()
            moves[event.key]()

    @on(LineList.Chosen)
    def action_accept(self) -> None:
        """Dismiss with the answer."""
        typed, cursor = self.query_one("#typed", Input).value, self.query_one("#choices", LineList).cursor
        answer = self._listed[cursor] if cursor < len(self._listed) else typed
        if answer:
            self.dismiss(answer)

"""`StudyDialog`: asks before a study, tells how far it is, then what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from curator.core.text import printable
from curator.tui.screens.dialog import Dialog
from curator.tui.screens.going_study import go_on_studying

if TYPE_CHECKING:
    from textual.worker import Worker

    from curator.jobs.studies.asking import Report


class StudyDialog(Dialog[None]):
    """Enter starts the study, which goes on when the dialog is left."""

    ACCEPT = "Ask"
    HELP = (
        "Small models are trained on this machine and answer the same held-out prompts. The study goes on when "
        "you leave; ! tells how far it is and stops it, and asking again goes on. docs/study.md says what the "
        "intervals hold."
    )

    def __init__(self, heading: str, words: str, ask: Callable[[Report], Awaitable[list[str]]]) -> None:
        super().__init__()
        self._heading, self._words, self._ask = heading, words, ask
        self._study: Worker[None] | None = None
        self._is_done = False

    def compose_body(self) -> ComposeResult:
        """The question, later the answer; and how far it is."""
        yield Static(Content(printable(self._words)), id="study-says")
        yield Static("", id="study-progress", classes="hint")

    def on_mount(self) -> None:
        """Show the heading; enter asks."""
        self.query_one(".box", Vertical).border_title = Content(printable(self._heading))
        self.query_one("#accept").focus()

    def action_accept(self) -> None:
        """Start the study; once it has ended, close."""
        if self._is_done:
            self.dismiss(None)
        elif self._study is None or self._study.is_finished:
            words = self._heading.rstrip("?").lower()
            self._study = go_on_studying(self, words, self._ask, self._say_how_far, self._show)

    def _show(self, sentences: list[str]) -> None:
        """Show what the study says; in the message line where the dialog has been left."""
        if not self.is_attached:
            self.session.toast("\n".join(filter(None, sentences)), title=self._heading)
            return
        self._is_done = True
        self.query_one("#study-says", Static).update(Content(printable("\n".join(sentences))))
        self._say_how_far("")

    def _say_how_far(self, words: str) -> None:
        self.query_one("#study-progress", Static).update(Content(printable(words)))

"""`StudyDialog`: asks before a study, tells how far it is, then what it says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from curator.core.text import printable
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog

if TYPE_CHECKING:
    from curator.jobs.studies.asking import Report, StudyState


class StudyDialog(Dialog[None]):
    """Enter starts the study; leaving stops it, and asking again goes on."""

    ACCEPT = "Ask"
    HELP = (
        "Small models are trained on this machine and answer the same held-out prompts. Esc stops it; what is "
        "done is kept, so asking again goes on. docs/study.md says what the intervals hold."
    )

    def __init__(self, heading: str, words: str, ask: Callable[[Report], Awaitable[list[str]]]) -> None:
        super().__init__()
        self._heading, self._words, self._ask = heading, words, ask
        self._state = "waiting"

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
        if self._state == "waiting":
            self._state = "running"
            self._run_study()
        elif self._state == "done":
            self.dismiss(None)

    @work(exclusive=True, group="study", exit_on_error=False)
    async def _run_study(self) -> None:
        self._say("study-progress", "preparing …")
        try:
            sentences = await self._ask(self._report)
        except CuratorError as error:
            self._state = "waiting"
            self._say("study-progress", f"Not studied: {error.message}")
            return
        self._state = "done"
        self._say("study-says", "\n".join(sentences))
        self._say("study-progress", "")

    def _report(self, state: StudyState) -> None:
        self._say("study-progress", state.words)

    def _say(self, widget: str, words: str) -> None:
        self.query_one(f"#{widget}", Static).update(Content(printable(words)))

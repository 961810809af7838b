"""`WhyDialog`: the training examples that may explain a wrong answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static
from textual.worker import get_current_worker

from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.core.answers.misses import Miss
    from curator.core.answers.teachers import Teacher

_MARKS = {"teaches": ("taught ", "error"), "contradicts": ("against", "warning"), "near": ("near   ", "dim")}
_MOST = 5
"""Examples of each reason."""


class WhyDialog(Dialog[int]):
    """Lists those that teach the answer given, contradictions, the nearest; dismisses with an example."""

    HEADING = "Why this answer?"
    ACCEPT = "Go to it"
    HELP = (
        "Training examples that teach the answer that was given, then those that ask the same and want another "
        "answer, then the nearest prompts. They may explain the miss; a training proves it."
    )

    def __init__(self, miss: Miss) -> None:
        super().__init__()
        self._miss = miss
        self._teachers: list[Teacher] = []

    def compose_body(self) -> ComposeResult:
        """The miss, and the list."""
        miss = self._miss
        prompt, answer, right = (
            one_line(miss.prompt, 200),
            one_line(miss.answer, 100),
            one_line(miss.right[0], 100),
        )
        words = f"{prompt} → {answer} (wanted {right})"
        yield Static(Content(printable(words)), id="missed")
        yield LineList("teachers", empty="looking …")
        yield Static("", id="reason")

    def on_mount(self) -> None:
        """Look for them in a thread."""
        self.query_one("#teachers").focus()
        self._look()

    @work(thread=True, exclusive=True, group="why", exit_on_error=False)
    def _look(self) -> None:
        from curator.core.answers.teachers import Taught  # heavy
        from curator.jobs.findings.miss_causes import teachers_of
        from curator.tui.stage_models.comparing.prompt_sources import training_pool

        worker = get_current_worker()
        try:
            pool = training_pool(self.session.workspace)
        except CuratorError as error:
            self.app.call_from_thread(self.session.say, error)
            return
        rows = [Taught(prompt.line, prompt.text, prompt.expected) for prompt in pool]
        teachers = teachers_of(self._miss, rows, _MOST)
        if not worker.is_cancelled:
            self.app.call_from_thread(self._take, teachers)

    def _take(self, teachers: list[Teacher]) -> None:
        self._teachers = teachers
        lines = self.query_one("#teachers", LineList)
        lines.say("No example is on the training side: S splits the data.")
        lines.show(len(teachers), self._line)
        self._show_reason()

    def _line(self, index: int, width: int) -> Pieces:
        teacher = self._teachers[index]
        words, kind = _MARKS[teacher.reason]
        room = max(10, width - 32)
        return [
            (f"{words} ", kind),
            (f"{one_line(teacher.prompt, room):<{room}} ", ""),
            (one_line(teacher.answer, 22), "accent"),
        ]

    @on(LineList.Highlighted, "#teachers")
    def _show_reason(self) -> None:
        from curator.core.answers.teachers import REASON_WORDS  # heavy, and loaded with the board

        at = self.query_one("#teachers", LineList).cursor
        if at < len(self._teachers):
            teacher = self._teachers[at]
            words = f"Example {teacher.example} {REASON_WORDS[teacher.reason]} ({teacher.likeness:.0%} alike)."
            self.query_one("#reason", Static).update(Content.styled(words, "$quiet"))

    @on(LineList.Chosen, "#teachers")
    def action_accept(self) -> None:
        """Dismiss with the example under the cursor."""
        at = self.query_one("#teachers", LineList).cursor
        self.dismiss(self._teachers[at].example if at < len(self._teachers) else None)

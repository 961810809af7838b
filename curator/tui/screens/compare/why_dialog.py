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
from curator.tui import keys
from curator.tui.screens.dialog import Dialog
from curator.tui.screens.going_study import go_on_studying
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from curator.core.answers.misses import Miss
    from curator.core.answers.teachers import Teacher
    from curator.jobs.studies.asking import Report
    from curator.jobs.studies.reasons import Pusher, Reasons

_MARKS = {"teaches": ("taught ", "error"), "contradicts": ("against", "warning"), "near": ("near   ", "dim")}
_MOST = 5
"""Examples of each reason."""
_PUSHERS = 20
"""Most examples that are listed by their share of the push."""


class WhyDialog(Dialog[int]):
    """Lists those that teach the answer given, contradictions, the nearest; dismisses with an example."""

    SCOPE = "why"
    BINDINGS = keys.bindings("why")
    HEADING = "Why this answer?"
    ACCEPT = "Go to it"
    HELP = (
        "Training examples that teach the answer that was given, then those that ask the same and want another "
        "answer, then the nearest prompts. They may explain the miss; a training proves it. r asks the model's "
        "gradients at its checkpoints: each example's share of the push towards this answer."
    )

    def __init__(self, miss: Miss, ask: Callable[[Report], Awaitable[Reasons]]) -> None:
        super().__init__()
        self._miss, self._ask = miss, ask
        self._teachers: list[Teacher] = []
        self._pushers: list[Pusher] = []
        """Those by their share of the push, once they were asked for; they take the place of the teachers."""

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
        yield Static(Content("r: which examples pushed it there?"), id="push-progress", classes="hint")

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

    def action_ask(self) -> None:
        """Compare gradients, and list the examples by their share of the push."""
        go_on_studying(self, "what pushed an answer", self._ask, self._say, self._take_reasons)

    def _take_reasons(self, reasons: Reasons) -> None:
        if not self.is_attached:
            self.session.toast("The shares of the push are known: w, then r shows them at once", title="Why")
            return
        self._pushers = [each for each in reasons.pushers if each.key is not None][:_PUSHERS]
        lines = self.query_one("#teachers", LineList)
        lines.show(len(self._pushers), self._push_line, cursor=0)
        total = sum(each.share for each in self._pushers)
        words = f"Shares of the push towards this answer; these {len(self._pushers)} have {total:.0%} of it."
        self._say(f"{words} {reasons.notice}".strip())
        self._show_reason()

    def _say(self, words: str) -> None:
        self.query_one("#push-progress", Static).update(Content(printable(words)))

    def _push_line(self, index: int, width: int) -> Pieces:
        each = self._pushers[index]
        room = max(10, width - 32)
        return [
            (f"{each.share:6.1%} ", "error" if each.teaches else "dim"),
            (f"{one_line(each.prompt, room):<{room}} ", ""),
            (one_line(each.answer, 22), "accent"),
        ]

    def _chosen(self) -> int | None:
        """The example under the cursor."""
        at = self.query_one("#teachers", LineList).cursor
        if self._pushers:
            return self._pushers[at].key if at < len(self._pushers) else None
        return self._teachers[at].example if at < len(self._teachers) else None

    @on(LineList.Highlighted, "#teachers")
    def _show_reason(self) -> None:
        from curator.core.answers.teachers import REASON_WORDS  # heavy, and loaded with the board

        at = self.query_one("#teachers", LineList).cursor
        if self._pushers:
            words = self._about_pusher(self._pushers[at]) if at < len(self._pushers) else ""
            self.query_one("#reason", Static).update(Content.styled(words, "$quiet"))
        elif at < len(self._teachers):
            teacher = self._teachers[at]
            words = f"Example {teacher.example} {REASON_WORDS[teacher.reason]} ({teacher.likeness:.0%} alike)."
            self.query_one("#reason", Static).update(Content.styled(words, "$quiet"))

    @staticmethod
    def _about_pusher(pusher: Pusher) -> str:
        from curator.core.scores.surprise import curve_words  # with the study

        shared = one_line(", ".join(pusher.words), 120)
        words = f"Shared words: {shared}." if shared else "No shared words."
        return f"{words} Learnt: {curve_words(pusher.curve)}." if pusher.curve else words

    @on(LineList.Chosen, "#teachers")
    def action_accept(self) -> None:
        """Dismiss with the example under the cursor."""
        self.dismiss(self._chosen())

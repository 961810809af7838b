"""Compare stage: base and tuned model on prompts neither was trained on; every miss leads to a new example."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.core import splice
from curator.core.text import one_line, printable
from curator.errors import CuratorError, ProviderError
from curator.tui import keys
from curator.tui.screens.compare.dialogs import AskDialog, FileDialog
from curator.tui.screens.stage import StageScreen
from curator.tui.session.changed import Changed
from curator.tui.shell import shell_of
from curator.tui.stage_models.comparison import (
    ModelComparison,
    compare,
    possible_comparisons,
    scores_table,
    short_name,
)
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs.evaluation import Evaluation

FILTERS = ("all", "misses", "changed")
LABEL = "from compare"


class CompareScreen(StageScreen):
    """Scores above, prompts with both answers in the middle, the whole of one below."""

    STAGE = "compare"
    SCOPE = "compare"
    BINDINGS = keys.bindings("compare")
    CSS_PATH = "compare.tcss"
    HELP = (
        "Base and tuned model answer the same held-out prompts. + turns the prompt under the cursor into a new "
        "example with the wanted answer. The base model is asked once; answers are stored."
    )

    def __init__(self) -> None:
        super().__init__()
        self._questions: list[ModelComparison] = []
        self._at = 0
        self._result: Evaluation | None = None
        self._shown: list[int] = []
        self._filter = "all"
        self._asked_for: ModelComparison | None = None

    @property
    def _ledger(self) -> Ledger:
        return shell_of(self).job_watch.ledger

    @property
    def question(self) -> ModelComparison | None:
        """What is compared."""
        return self._questions[self._at] if self._at < len(self._questions) else None

    def compose_stage(self) -> ComposeResult:
        """Scores, prompts, the prompt under the cursor."""
        yield Static("", id="scores")
        yield LineList("answers", empty="")
        yield Static("", id="answer")

    def on_mount(self) -> None:
        """Look whenever the stage is shown."""
        self.query_one("#answers").focus()

    def on_screen_resume(self) -> None:
        """A training may have ended meanwhile."""
        self.data_changed(Changed())

    def data_changed(self, changed: Changed) -> None:
        """Find the runs; ask where it costs nothing."""
        before = self.question
        extra = [q for q in self._questions if q.title.startswith("file ")]
        try:
            self._questions = [*extra, *possible_comparisons(self._ledger, self.session.workspace)]
        except CuratorError as error:
            self._questions = extra
            self._say(error.message)
            return
        self._at = self._questions.index(before) if before in self._questions else 0
        if self.question is None:
            self._say("No tuned model yet: T trains one on this data.")
        elif self.question != self._asked_for:
            self._ask(self.question.provider == "local")

    def _say(self, text: str) -> None:
        self._result, self._shown = None, []
        self.query_one("#answers", LineList).say(text)
        self.query_one("#answers", LineList).show(0, lambda index, width: ())
        self.query_one("#scores", Static).update(self._head())
        self.query_one("#answer", Static).update("")

    def _head(self) -> Content:
        question = self.question
        if question is None:
            return Content("Compare")
        more = f"  ({self._at + 1} of {len(self._questions)}, m for the next)" if len(self._questions) > 1 else ""
        words = f"Round {question.round} · {short_name(question.tuned)} against {short_name(question.base)}{more}"
        return Content.assemble((one_line(words), "bold"), "  ", (one_line(question.title), "$quiet"))

    @work(exclusive=True, group="compare", exit_on_error=False)
    async def _ask(self, allowed: bool, anew: bool = False) -> None:
        question = self.question
        if question is None:
            return
        self._asked_for = question
        if not allowed:
            self._say("Asking this provider costs money: r asks both models.")
            return
        self._say("asking both models …")
        try:
            workspace, waiting = self.session.workspace, self._waiting
            result = await compare(question, self._ledger, workspace, self._progress, anew=anew, waiting=waiting)
        except CuratorError as error:
            self._say("")
            self._asked_for = None
            self.session.say(error)
            return
        self._result = result
        self._show()

    def _progress(self, model: str, done: int, total: int) -> None:
        self.query_one("#answers", LineList).say(f"{short_name(model)}: {done} of {total} answers")

    def _waiting(self, fault: ProviderError, seconds: float) -> None:
        self.query_one("#answers", LineList).say(f"{fault.message} Trying again in {seconds:.0f} s.")

    def _show(self) -> None:
        result = self._result
        if result is None:
            return
        lines = [self._head(), *map(Content, scores_table(result))]
        if result.flips is not None:
            fixed, broken = len(result.flips.fixed), len(result.flips.broken)
            words = f"{fixed} fixed, {broken} broken by the training (McNemar p = {result.flips.p_value:.2g})"
            lines.append(Content.styled(f"{words} · showing {self._filter}", "$accent"))
        self.query_one("#scores", Static).update(Content("\n").join(lines))
        self._shown = [at for at in range(len(result.prompts)) if self._wanted(result, at)]
        answers = self.query_one("#answers", LineList)
        answers.say("Nothing here: f shows others.")
        answers.show(len(self._shown), self._line)
        self._show_answer()

    def _wanted(self, result: Evaluation, at: int) -> bool:
        base, tuned = (scored.answers[at].strip() for scored in (result.models[0], result.models[-1]))
        if self._filter == "misses":
            return tuned != result.prompts[at].expected.strip()
        return self._filter == "all" or base != tuned

    def _line(self, index: int, width: int) -> Pieces:
        result = cast("Evaluation", self._result)
        at = self._shown[index]
        prompt = result.prompts[at]
        base, tuned = result.models[0].answers[at].strip(), result.models[-1].answers[at].strip()
        exact = tuned == prompt.expected.strip()
        kept = result.contract is None or result.contract.allows(tuned)
        mark = ("✓", "ok") if exact else ("~", "warning") if kept else ("✗", "error")
        room = max(12, (width - 4) // 3)
        return [
            (f"{mark[0]} ", mark[1]),
            (one_line(prompt.text, room).ljust(room) + " ", ""),
            (one_line(tuned, 20).ljust(20) + " ", mark[1]),
            (one_line(prompt.expected, 16).ljust(16) + " ", "accent"),
            (one_line(base, max(1, width - room - 42)), "dim"),
        ]

    @on(LineList.Highlighted, "#answers")
    def _moved(self) -> None:
        self._show_answer()

    def _show_answer(self) -> None:
        at = self._current()
        if at is None or self._result is None:
            self.query_one("#answer", Static).update("")
            return
        prompt = self._result.prompts[at]
        rows = [("prompt", prompt.text, "$role-user"), ("wanted", prompt.expected, "$accent")]
        rows += [
            ("tuned", self._result.models[-1].answers[at], "$role-assistant"),
            ("base", self._result.models[0].answers[at], "$quiet"),
        ]
        parts = [Content.assemble((f"{name:<8}", color), printable(text[:600])) for name, text, color in rows]
        self.query_one("#answer", Static).update(Content("\n").join(parts))

    def _current(self) -> int | None:
        cursor = self.query_one("#answers", LineList).cursor
        return self._shown[cursor] if self._result is not None and cursor < len(self._shown) else None

    # Actions

    def action_filter(self) -> None:
        """All prompts, those the tuned model missed, those where the models differ."""
        self._filter = FILTERS[(FILTERS.index(self._filter) + 1) % len(FILTERS)]
        self._show()

    def action_next_model(self) -> None:
        """Another run or checkpoint."""
        if len(self._questions) > 1:
            self._at = (self._at + 1) % len(self._questions)
            self._ask(self._questions[self._at].provider == "local")

    def action_ask_again(self) -> None:
        """Ask the tuned model again (the base model too where it was never asked)."""
        self._ask(True, anew=True)

    async def action_new_example(self) -> None:
        """A new example from this prompt with the wanted answer, open in the editor."""
        at = self._current()
        if at is None or self._result is None:
            return
        prompt = self._result.prompts[at]
        answer = {"role": "assistant", "content": prompt.expected}
        change = self.session.add(splice.dump({"messages": [*prompt.messages, answer]}), None)
        if change is None:
            return
        self.session.label(change.ids, LABEL, True)
        await shell_of(self).show_example(change.ids[0], edit=True)
        self.session.toast("A new example from this prompt: reword it, so that the held-out prompt stays unseen.")

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_other_file(self) -> None:
        """Held-out prompts from a file."""
        question = self.question
        if question is None:
            return
        path = await self.app.push_screen_wait(FileDialog())
        if path is not None:
            made = ModelComparison(
                question.provider, question.base, question.tuned, path, f"file {path.name}", question.round
            )
            self._questions.insert(0, made)
            self._at = 0
            self._ask(question.provider == "local")

    def action_ask(self) -> None:
        """Ask both models something of your own."""
        if self.question is not None:
            system = self._result.prompts[0].messages[:-1] if self._result else []
            self.app.push_screen(AskDialog(self.question, system))

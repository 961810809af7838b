"""The Compare stage: base and tuned model on held-out prompts; a prompt can be turned into a new example."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.core import splice
from curator.core.duplicates.texts import SYSTEM_ROLES
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
from curator.tui.stage_models.running_words import training_words
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs.evaluation import Evaluation

FILTERS = ("all", "misses", "changed")
LABEL = "from compare"
_NOTED = 200
"""Most characters of a text that the note of a new example quotes."""


class CompareScreen(StageScreen):
    """Shows the scores, the list of prompts with both answers, and the current prompt in full."""

    STAGE = "compare"
    SCOPE = "compare"
    BINDINGS = keys.bindings("compare")
    CSS_PATH = "compare.tcss"
    HELP = (
        "Base and tuned model answer the same held-out prompts. + begins an example that teaches what was missed "
        "here; the held-out prompt itself is never copied. The base model is asked once; answers are stored."
    )

    def __init__(self) -> None:
        super().__init__()
        self._comparisons: list[ModelComparison] = []
        self._index = 0
        self._result: Evaluation | None = None
        self._listed: list[int] = []
        """The prompts that pass the filter, by their index in the result."""
        self._filter = "all"
        self._last_asked: ModelComparison | None = None

    @property
    def _ledger(self) -> Ledger:
        return shell_of(self).job_watch.ledger

    @property
    def comparison(self) -> ModelComparison | None:
        """The two models and the prompts that are compared; None without a tuned model."""
        return self._comparisons[self._index] if self._index < len(self._comparisons) else None

    def compose_stage(self) -> ComposeResult:
        """The scores, the prompts, and the prompt under the cursor."""
        yield Static("", id="scores")
        yield LineList("answers", empty="")
        yield Static("", id="answer")

    def on_mount(self) -> None:
        """Focus the list of prompts."""
        self.query_one("#answers").focus()

    def on_screen_resume(self) -> None:
        """Read the runs again, since a training may have ended."""
        self.data_changed(Changed())

    def data_changed(self, changed: Changed) -> None:
        """Read the runs with a tuned model; compare at once where asking costs nothing."""
        before = self.comparison
        extra = [q for q in self._comparisons if q.title.startswith("file ")]
        try:
            self._comparisons = [*extra, *possible_comparisons(self._ledger, self.session.workspace)]
        except CuratorError as error:
            self._comparisons = extra
            self._say(error.message)
            return
        self._index = self._comparisons.index(before) if before in self._comparisons else 0
        if self.comparison is None:
            training = training_words(shell_of(self).job_watch)
            more = f"{training}. alt+4 shows it." if training else "T trains one on this data."
            self._say(f"No tuned model yet: {more}")
        elif self.comparison != self._last_asked:
            self._ask(self.comparison.provider == "local")

    def _say(self, text: str) -> None:
        self._result, self._listed = None, []
        self.query_one("#answers", LineList).say(text)
        self.query_one("#answers", LineList).show(0, lambda index, width: ())
        self.query_one("#scores", Static).update(self._head())
        self.query_one("#answer", Static).update("")

    def _head(self) -> Content:
        comparison = self.comparison
        if comparison is None:
            return Content("Compare")
        count = len(self._comparisons)
        more = f"  ({self._index + 1} of {count}, m for the next)" if count > 1 else ""
        models = f"{short_name(comparison.tuned)} against {short_name(comparison.base)}"
        words = f"Round {comparison.round} · {models}{more}"
        return Content.assemble((one_line(words), "bold"), "  ", (one_line(comparison.title), "$quiet"))

    @work(exclusive=True, group="compare", exit_on_error=False)
    async def _ask(self, allowed: bool, anew: bool = False) -> None:
        comparison = self.comparison
        if comparison is None:
            return
        self._last_asked = comparison
        if not allowed:
            self._say("Asking this provider costs money: r asks both models.")
            return
        self._say("asking both models …")
        try:
            workspace, waiting = self.session.workspace, self._waiting
            result = await compare(comparison, self._ledger, workspace, self._progress, anew=anew, waiting=waiting)
        except CuratorError as error:
            self._say("")
            self._last_asked = None
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
        self._listed = [at for at in range(len(result.prompts)) if self._passes_filter(result, at)]
        answers = self.query_one("#answers", LineList)
        answers.say("Nothing here: f shows others.")
        answers.show(len(self._listed), self._line)
        self._show_answer()

    def _passes_filter(self, result: Evaluation, at: int) -> bool:
        base, tuned = (scored.answers[at].strip() for scored in (result.models[0], result.models[-1]))
        if self._filter == "misses":
            return tuned != result.prompts[at].expected.strip()
        return self._filter == "all" or base != tuned

    def _line(self, index: int, width: int) -> Pieces:
        result = cast("Evaluation", self._result)
        at = self._listed[index]
        prompt = result.prompts[at]
        base, tuned = result.models[0].answers[at].strip(), result.models[-1].answers[at].strip()
        exact = tuned == prompt.expected.strip()
        keeps_contract = result.contract is None or result.contract.allows(tuned)
        mark = ("✓", "ok") if exact else ("~", "warning") if keeps_contract else ("✗", "error")
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
        return self._listed[cursor] if self._result is not None and cursor < len(self._listed) else None

    # Actions

    def action_filter(self) -> None:
        """Show the next of: all prompts, those the tuned model missed, those where the models differ."""
        self._filter = FILTERS[(FILTERS.index(self._filter) + 1) % len(FILTERS)]
        self._show()

    def action_next_model(self) -> None:
        """Compare the next run or checkpoint."""
        if len(self._comparisons) > 1:
            self._index = (self._index + 1) % len(self._comparisons)
            self._ask(self._comparisons[self._index].provider == "local")

    def action_ask_again(self) -> None:
        """Ask the tuned model again, and the base model if it was never asked."""
        self._ask(True, anew=True)

    async def action_new_example(self) -> None:
        """Open a new, empty example with this prompt's system message; its note quotes the prompt that was
        missed."""
        at = self._current()
        if at is None or self._result is None:
            return
        prompt = self._result.prompts[at]
        system = [message for message in prompt.messages if message.get("role") in SYSTEM_ROLES]
        empty = [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}]
        change = self.session.add(splice.dump({"messages": [*system, *empty]}), None)
        if change is None:
            return
        answer = one_line(self._result.models[-1].answers[at], _NOTED)
        miss = f"{one_line(prompt.text, _NOTED)} → {answer} (wanted {one_line(prompt.expected, _NOTED)})"
        self.session.note_quietly(change.ids, f"Teaches what was missed here: {miss}")
        self.session.label(change.ids, LABEL, True)
        await shell_of(self).show_example(change.ids[0], edit=True)
        self.session.toast(f"Another question of this kind, in your own words. Missed: {miss}")

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_other_file(self) -> None:
        """Compare the same models on the prompts of a file."""
        comparison = self.comparison
        if comparison is None:
            return
        path = await self.app.push_screen_wait(FileDialog())
        if path is not None:
            on_file = replace(comparison, where=path, title=f"file {path.name}")
            self._comparisons.insert(0, on_file)
            self._index = 0
            self._ask(comparison.provider == "local")

    def action_ask(self) -> None:
        """Open the dialog that asks both models a prompt typed there."""
        if self.comparison is not None:
            system = self._result.prompts[0].messages[:-1] if self._result else []
            self.app.push_screen(AskDialog(self.comparison, system))

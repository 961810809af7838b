"""`JudgeModelDialog`: a model judges two rows by a rubric of one's own; its price is seen before it is asked."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Select, Static
from textual.worker import Worker, get_current_worker

from curator.core.text import count_of, one_line, printable
from curator.errors import CuratorError, InputError, UsageError
from curator.tui.screens.compare.asking import until_cancelled
from curator.tui.screens.dialog import Confirm, Dialog
from curator.tui.stage_models.comparing.blind_pairs import answer_pairs
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from curator.jobs.findings.judge_task import JudgeTask
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.providers import Provider
    from curator.jobs.runs.board import BoardRow
    from curator.jobs.runs.questions import Report
    from curator.tui.stage_models.comparing.board import LoadedBoard

STORED = "ui.judge"
"""The workspace setting with the judge that was used last: provider, model and rubric as typed."""
_MOST_RUBRIC = 20_000
"""Most characters of a rubric: it is sent with every pair."""


class JudgeModelDialog(Dialog[None]):
    """Off until a model and a rubric are named. Every verdict is kept; esc stops, and the same again goes on."""

    HEADING = "A model judges"
    ACCEPT = "Ask it"
    HELP = (
        "The model compares both rows' answers by your rubric, each pair in both orders: what wins only where it "
        "stands first is a tie. It must be none of the models that are judged. Its score is shown only beside its "
        "agreement with at least 20 pairs that you judged yourself (b in Compare)."
    )

    def __init__(self, board: LoadedBoard, rows: tuple[BoardRow, BoardRow], ledger: Ledger) -> None:
        super().__init__()
        self._board, self._rows, self._ledger = board, rows, ledger
        self._asking: Worker[None] | None = None

    def compose_body(self) -> ComposeResult:
        """Which rows, which judge, what it would cost, and what came of it."""
        from curator.jobs import providers  # heavy

        stored = self.session.workspace.meta(STORED)
        begin: dict[str, Any] = stored if isinstance(stored, dict) else {}
        names = list(providers.load())
        last = str(begin.get("provider"))
        at = last if last in names else self.session.provider.name
        first, second = (one_line(row.label, 50) for row in self._rows)
        yield Static(Content(f"{first} against {second}"), id="judged-rows")
        options = [(Content(one_line(name, 40)), name) for name in names]
        yield self._field("Provider", DropDown(options, value=at, allow_blank=False, compact=True, id="provider"))
        yield self._field("Model", LineInput(str(begin.get("model") or ""), compact=True, id="model"))
        hint = "what makes an answer better, or a file with it"
        rubric = LineInput(str(begin.get("rubric") or ""), placeholder=hint, compact=True, id="rubric")
        yield self._field("Rubric", rubric)
        yield Static("", id="judge-cost", classes="estimate")
        yield Static("", id="judge-report")

    def _field(self, name: str, widget: Input | Select[str]) -> Horizontal:
        return Horizontal(Static(Content(name), classes="name"), widget, classes="field -tight")

    def on_mount(self) -> None:
        """Begin at the model, and tell what judging would cost."""
        self.query_one("#model").focus()
        self._tell_cost()

    @on(Input.Changed)
    @on(Select.Changed)
    def _tell_cost(self) -> None:
        try:
            words = self._judge_task().cost(self._ledger, self._provider()).words
            words = f"{words}, each pair in both orders"
        except (UsageError, InputError) as error:
            words = error.message
        self.query_one("#judge-cost", Static).update(Content.styled(printable(words), "$quiet"))

    def _provider(self) -> Provider:
        from curator.jobs import providers  # heavy

        return providers.get(str(self.query_one("#provider", Select).value))

    def _judge_task(self) -> JudgeTask:
        """What is to be judged by whom. Raises UsageError, InputError."""
        from curator.jobs.findings.judge_task import JudgeTask  # heavy
        from curator.jobs.findings.judging import Judge

        model = self.query_one("#model", Input).value.strip()
        if not model:
            raise UsageError("Nothing is asked yet: name the model that judges.")
        rubric = _read_rubric(self.query_one("#rubric", Input).value.strip())
        first, second = self._rows
        judge = Judge(model, rubric)
        return JudgeTask.make(
            judge, (first.name, second.name), answer_pairs(self._board, first, second), self._ledger
        )

    @property
    def is_asking(self) -> bool:
        """Whether the judge is being asked."""
        return self._asking is not None

    def action_accept(self) -> None:
        """Ask the judge, after the price was agreed to where there is one."""
        if self._asking is None:
            self._ask_after_consent()

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def _ask_after_consent(self) -> None:
        try:
            task, provider = self._judge_task(), self._provider()
            cost = task.cost(self._ledger, provider)
        except CuratorError as error:
            self.session.say(error)
            return
        if cost.questions and (cost.usd != 0 or cost.wants_consent):
            text = f"{cost.words}. Every verdict is kept; esc stops, and asking again goes on."
            if not await self.app.push_screen_wait(Confirm("Ask the judge", text, "Ask")):
                return
        choice = {name: self.query_one(f"#{name}", Input).value.strip() for name in ("model", "rubric")}
        with suppress(CuratorError):  # a workspace that is only read forgets it
            self.session.workspace.set_meta(STORED, {"provider": provider.name, **choice})
        self._say("asking …")
        self._asking = self._ask(task, provider)

    @work(thread=True, exclusive=True, group="judge", exit_on_error=False)
    def _ask(self, task: JudgeTask, provider: Provider) -> None:
        worker = get_current_worker()
        background = self.session.tasks.begin("asking a judge")

        def report(name: str, done: int, total: int) -> None:
            background.report(done / max(1, total))
            self.app.call_from_thread(self._say, f"{done:,} of {count_of(total, 'verdict')} · esc stops")

        try:
            words = asyncio.run(_judge(task, provider, self._ledger, report, lambda: worker.is_cancelled))
        except CuratorError as error:
            words = [f"Not finished: {error.message}"]
        finally:
            background.end()
        if not worker.is_cancelled:
            self.app.call_from_thread(self._finish, words)

    def _finish(self, words: list[str]) -> None:
        self._asking = None
        labels = {row.name: row.label for row in self._rows}
        text = " ".join(words)
        for name in sorted(labels, key=len, reverse=True):
            text = text.replace(one_line(name, 60), one_line(labels[name], 60))
        self._say(text)
        self._tell_cost()

    def _say(self, words: str) -> None:
        if self.is_mounted:
            self.query_one("#judge-report", Static).update(Content(printable(words)))

    def action_cancel(self) -> None:
        """Stop the asking; nothing runs: leave."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
            self._say("Stopped. Every verdict that came is kept; asking again goes on.")
        else:
            self.dismiss(None)


async def _judge(
    task: JudgeTask, provider: Provider, ledger: Ledger, report: Report, is_cancelled: Callable[[], bool]
) -> list[str]:
    """What came of it in sentences; none where it was cancelled. Raises ProviderError."""
    from curator.jobs.connections.connect import connect  # heavy

    async with await connect(provider) as client:
        outcome = await until_cancelled(task.run(client, ledger, report), is_cancelled)
        return outcome.words if outcome is not None else []


def _read_rubric(text: str) -> str:
    """The rubric as it was typed, or the text of the file that is named. Raises UsageError, InputError."""
    if not text:
        raise UsageError("Nothing is asked yet: write in your own words what makes an answer better.")
    path = Path(text).expanduser()
    try:
        if not path.is_file():
            return text
        rubric = path.read_text("utf-8").strip()
    except (OSError, ValueError) as error:
        if len(text) > 255 or "\0" in text:  # no name of a file
            return text
        raise InputError(f"{text} cannot be read: {error}") from None
    if not rubric or len(rubric) > _MOST_RUBRIC:
        raise InputError(f"{path.name} is no rubric: it must hold 1 to {_MOST_RUBRIC:,} characters")
    return rubric

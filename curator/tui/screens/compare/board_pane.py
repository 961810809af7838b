"""`BoardStage`: the upper half of the Compare stage, the board: loading it, ticking rows, asking them."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.content import Content
from textual.widgets import Static
from textual.worker import Worker, get_current_worker

from curator.core.text import count_of, one_line, printable
from curator.errors import CuratorError
from curator.tui.screens.compare.asking import Answered, Finished, Waiting, ask_in_thread, store_rows
from curator.tui.screens.compare.board_loading import BoardLoading
from curator.tui.screens.compare.dialogs import PromptsDialog, WayChoice, WayDialog
from curator.tui.screens.dialog import Confirm
from curator.tui.session.changed import Changed
from curator.tui.shell import shell_of
from curator.tui.stage_models.comparing import board as boards
from curator.tui.stage_models.comparing import board_words
from curator.tui.stage_models.loop.running_words import training_words
from curator.tui.stage_models.run_words import time_span
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.jobs.runs.board import BoardRow
    from curator.tui.stage_models.comparing.board import LoadedBoard

_DEAR = 0.05
"""US dollars above which asking is agreed to first; in a command, where one types what one wants, more."""
_LONGEST, _SHORTEST = 10, 6
"""Lines of the board, with its head, on a tall and on a low terminal."""


class BoardStage(BoardLoading):
    """Shows which models and ways of asking there are, what they scored, and asks those that are ticked."""

    _with_model: frozenset[str] = frozenset()
    """Runs whose model has joined the board while it was on the screen."""

    def __init__(self) -> None:
        super().__init__()
        self.troubles: dict[str, str] = {}
        """Why a row could not be asked, by its name."""
        self._asking: Worker[None] | None = None
        self._began = 0.0
        self._asked_by_itself: set[str] = set()
        self._ask_when_loaded = False
        """Whether the rows were to be asked while the board was still being read."""
        self._agreed: set[str] = set()
        """Rows that may be asked though nobody knows the price."""

    @property
    def row(self) -> BoardRow | None:
        """The row under the cursor of the board."""
        cursor = self.query_one("#board", LineList).cursor
        return self.rows[cursor] if cursor < len(self.rows) else None

    @property
    def is_asking(self) -> bool:
        """Whether rows are being asked."""
        return self._asking is not None

    # Loading

    def on_mount(self) -> None:
        """Follow the trainings: a new model joins the board."""
        shell_of(self).job_watch.changed.subscribe(self, self._take_new_model)

    def _take_new_model(self, run: str) -> None:
        """Read the board again where a training has made a model that is not on it."""
        made = any(each.run == run and each.fine_tuned_model for each in shell_of(self).job_watch.runs())
        if made and run not in self._with_model and self.app.screen is self and not self.is_asking:
            self._with_model |= {run}
            self.reload()

    def on_screen_resume(self) -> None:
        """Read the runs again, since a training may have ended."""
        self._pending = None
        self.data_changed(Changed())

    def data_changed(self, changed: Changed) -> None:
        """Read the board again; while rows are asked, only afterwards."""
        if not self.is_asking:
            self.reload()

    def take_rows(self, rows: list[BoardRow], ticked: set[str]) -> None:
        """Show the rows before anything else is known, where nothing is shown yet."""
        if self.board is None:
            self.rows, self.ticked = rows, ticked
            self._show_rows(0)
            self._say("reading …")

    def take(self, rows: list[BoardRow], ticked: set[str], board: LoadedBoard | None, trouble: str) -> None:
        """Show what was loaded; ask a newly tuned model by itself where that is free."""
        self._is_loading = board is not None and bool(board.unmeasured)
        first = self.board is None and board is not None
        before = self.row
        self.rows, self.ticked, self.board = rows, ticked, board
        names = [row.name for row in rows]
        place = names.index(before.name) if before is not None and not first and before.name in names else None
        if place is None:
            newest = (at for at, row in enumerate(rows) if row.name in ticked and row.kind != "checkpoint")
            place = max(newest, default=0)
        self._show_rows(place)
        self._say(trouble or self._sentence())
        self.show_title()
        self.show_answers()
        if first:
            answered = board is not None and any(board.answered(row.name) for row in rows)
            self.query_one("#answers" if answered else "#board").focus()
        if self._is_loading:
            return
        if self._ask_when_loaded and board is not None:
            self._ask_when_loaded = False
            self.action_ask_again()
        else:
            self._ask_by_itself()

    def _show_rows(self, place: int) -> None:
        """List the rows, with the cursor on one."""
        rows, board, lines = self.rows, self.board, self.query_one("#board", LineList)
        self._fit_board()
        lines.show(len(rows), self._board_line, cursor=place)
        lines.set_head(lambda width: board_words.board_head(board.columns if board else (), width))

    def on_resize(self) -> None:
        """Show more rows of the board on a taller terminal, and fewer on a lower one."""
        self._fit_board()

    def _fit_board(self) -> None:
        rows = min(len(self.rows) + 1, _LONGEST if self.size.height >= 32 else _SHORTEST)
        self.query_one("#board", LineList).styles.height = rows

    def _ask_by_itself(self) -> None:
        """Ask the ticked rows where a training has made a model that was never asked, and it costs nothing."""
        board = self.board
        newest = next((row for row in reversed(self.rows) if row.kind == "tuned"), None)
        if board is None or newest is None or newest.provider != "local" or newest.name not in self.ticked:
            return
        if board.prompts.source.kind == "test" or newest.name in self._asked_by_itself:
            return
        self._asked_by_itself.add(newest.name)
        if not board.answered(newest.name) and shell_of(self).job_watch.running() is None:
            self._ask([row for row in self.rows if row.name in self.ticked and row.provider == "local"])

    # Showing

    def show_title(self) -> None:
        """The set of prompts, its size and what it can tell."""
        board = self.board
        words = board.prompts.title if board else "Compare"
        if board and board.prompts.source.kind == "test":
            opened = self.ledger.times_opened()
            words += f" · opened {opened:,} time{'s' * (opened != 1)}"
        form = f"form: {one_line(board.prompts.form.words, 100)}" if board and board.prompts.form else ""
        title = self.query_one("#title", Static)
        title.update(Content.assemble((one_line(words, 200), "bold"), ("  " + form if form else "", "$quiet")))
        title.tooltip = Content(f"{one_line(words, 200)}\n{form}")  # a narrow terminal cuts it

    def show_answers(self) -> None:
        """Show the answers of the row under the board's cursor."""
        raise NotImplementedError

    def _board_line(self, index: int, width: int) -> Pieces:
        row = self.rows[index]
        trouble = self.troubles.get(row.name, "")
        return board_words.board_line(row, row.name in self.ticked, self.board, trouble, width)

    def _say(self, text: str) -> None:
        self.query_one("#meaning", Static).update(Content(printable(text)))

    def _sentence(self) -> str:
        """The sentence beside the board: what its scores mean, or the next step if there are none yet."""
        training = training_words(shell_of(self).job_watch)
        running = f"{training}, alt+4 shows it." if training else ""
        if self.board is None:
            nothing = "No example is held out to ask about: S splits the data, o takes a file."
            return f"{nothing} {running}".rstrip()
        if not self.rows:
            return "No model is known: m names one."
        from curator.jobs.runs.board import cost_of_rows  # heavy, and loaded with the board
        from curator.jobs.runs.evaluation import rejected_words

        is_tuned = any(row.kind == "tuned" for row in self.rows)
        more = "" if is_tuned else running or "T trains a model on this data."
        rejected = rejected_words(self.board.prompts.rejected)
        ticked = [row for row in self.rows if row.name in self.ticked and row.name in self.board.questions]
        faults = [f"{row.label}: {self.troubles[row.name]}" for row in ticked if row.name in self.troubles]
        if any(self.board.questions[row.name].unanswered for row in ticked):
            more = f"r asks the ticked rows: {cost_of_rows(ticked, self.board.questions).words}. {more}"
        return " ".join(filter(None, (*faults[:1], self.board.sentence, more, rejected)))

    @on(LineList.Highlighted, "#board")
    def _other_row(self) -> None:
        self.show_answers()

    # Asking

    def _ask(self, rows: Sequence[BoardRow]) -> None:
        """Ask what these rows have not answered yet."""
        board = self.board
        if board is None or self.is_asking:
            return
        rows = boards.rows_to_ask(board, self.rows, rows)
        if not rows:
            return
        for row in rows:
            self.troubles.pop(row.name, None)
        self._began = time.monotonic()
        self._say(f"asking {', '.join(one_line(row.label, 40) for row in rows)} … esc stops")
        self._asking = self._ask_in_thread(rows, board)

    @work(thread=True, exclusive=True, group="ask", exit_on_error=False, description="ask")
    def _ask_in_thread(self, rows: Sequence[BoardRow], board: LoadedBoard) -> None:
        worker = get_current_worker()
        task = self.session.tasks.begin("asking models", worker.cancel)
        try:
            troubles = ask_in_thread(rows, board.questions, self.post_message, lambda: worker.is_cancelled, task)
            if store_rows(rows, board, self.ledger, self._opening):
                self._opening = ""
        except CuratorError as error:
            troubles = {row.name: error.message for row in rows}
        except Exception as error:  # the top of a worker: the stage must not wait for ever
            troubles = {row.name: f"{type(error).__name__}: {error}" for row in rows}
        self.post_message(Finished(troubles))

    @on(Answered)
    def _answered(self, event: Answered) -> None:
        label = next((row.label for row in self.rows if row.name == event.name), event.name)
        seconds = time.monotonic() - self._began
        remaining = seconds / event.done * (event.total - event.done) if event.done else 0
        rest = f" · {time_span(remaining)} left" if remaining >= 1 else ""
        self._say(f"{one_line(label, 60)}: {event.done:,} of {count_of(event.total, 'answer')}{rest} · esc stops")
        self.query_one("#board").refresh()
        self.show_answers()

    @on(Waiting)
    def _waiting(self, event: Waiting) -> None:
        self._say(event.words)

    @on(Finished)
    def _finished(self, event: Finished) -> None:
        self._asking = None
        self.troubles |= event.troubles
        self.reload()

    def action_back(self) -> None:
        """Stop the asking; what was answered is kept. Otherwise as everywhere."""
        if self._asking is not None:
            self._asking.cancel()
            self._say("stopping …")
        else:
            super().action_back()

    # Actions

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_ask_again(self) -> None:
        """Ask what the ticked rows have not answered; where nothing is missing, ask the current row anew."""
        await self._ask_after_consent([row for row in self.rows if row.name in self.ticked])

    @on(LineList.Chosen, "#board")
    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def _ask_chosen(self) -> None:
        if self.row is not None:
            await self._ask_after_consent([self.row])

    async def _ask_after_consent(self, rows: list[BoardRow]) -> None:
        """Ask rows, after a question where that is dear or takes long."""
        from curator.jobs.runs.board import cost_of_rows  # heavy, and loaded with the board

        board, current = self.board, self.row
        if board is None or self.is_asking or self._is_loading:
            self._ask_when_loaded = not self.is_asking
            return
        rows = [row for row in rows if row.name in board.questions]
        if not any(board.questions[row.name].unanswered for row in rows):
            if current is None or current.name not in board.questions:
                return
            board.questions[current.name].answers.clear()
            rows = [current]
        cost = cost_of_rows(rows, board.questions)
        unknown = cost.usd is None and not self._agreed.issuperset(row.name for row in rows)
        if unknown or cost.wants_consent or (cost.usd or 0) > _DEAR:
            text = f"{cost.words}. Every answer is kept; esc stops, r goes on."
            if not await self.app.push_screen_wait(Confirm("Ask", text, "Ask")):
                self.reload()
                return
            self._agreed |= {row.name for row in rows}
        self._ask(rows)

    def action_tick(self) -> None:
        """Tick the row under the board's cursor, or take the tick away."""
        row, stored = self.row, self._stored()
        if row is not None:
            value = stored if isinstance(stored, dict) else {}
            ticks = dict(value.get("ticks") or {}) | {row.name: row.name not in self.ticked}
            self._store({"ways": list(value.get("ways") or []), "ticks": ticks})

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_add_row(self) -> None:
        """Add another model, or another way of asking the one under the cursor."""
        row, session = self.row, self.session
        base = row if row is not None and row.kind != "way" else next(iter(self.rows), None)
        begin = WayChoice(session.provider.name, session.model)
        if base is not None:
            begin = WayChoice(base.provider, base.way.model)
        entry = await self.app.push_screen_wait(WayDialog(begin))
        if entry is not None:
            self.add_way(entry)

    def add_way(self, entry: dict[str, Any]) -> None:
        """Put a row on the board."""
        self._store(boards.with_way(self._stored(), entry))

    def action_remove_row(self) -> None:
        """Take a row that was added by hand off the board; its answers stay stored."""
        if self.row is not None and self.row.kind == "way":
            self._store(boards.without_way(self._stored(), self.row, self.session.provider.name))
        else:
            self.session.toast("Models of this workspace stay; space takes the tick away.")

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_other_file(self) -> None:
        """Choose the prompts: a side of the split, what a training held out, or a file."""
        if self.is_asking:
            return
        opened = self.ledger.times_opened()
        source = await self.app.push_screen_wait(PromptsDialog(self._sources, opened))
        if source is None:
            return
        if source.kind == "test":
            times = f"{opened:,} time{'s' * (opened != 1)}"
            text = (
                f"The test side has been opened {times}. It tells how good a model is as long as nothing is "
                "decided by it: keep it for the end. This look is counted, and stands in the ledger."
            )
            if not await self.app.push_screen_wait(Confirm("Open the test side", text, "Open")):
                return
            self._opening = uuid.uuid4().hex
        self._source, self.board = source, None
        self.reload()

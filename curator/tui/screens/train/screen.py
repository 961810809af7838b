"""The Train stage: the runs of this workspace, on request all other jobs, and the current one in full."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.app import ComposeResult
from textual.timer import Timer

from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Confirm
from curator.tui.screens.panes import RememberedPanes
from curator.tui.screens.train.job_dialogs import DeleteDialog
from curator.tui.screens.train.model_actions import ModelActions
from curator.tui.screens.train.run_pane import RunPane
from curator.tui.session.changed import Changed
from curator.tui.shell import shell_of
from curator.tui.stage_models import run_notes
from curator.tui.stage_models.run_words import STATUS_MARKS
from curator.tui.stage_models.sent_lines import example_with_bytes, lines_in_error, sent_line
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Run
    from curator.jobs.runs.leftovers import Leftover
    from curator.tui.session.job_watch import JobWatch

_REST = 0.4
"""Seconds that the cursor must rest on a job of another workspace before Curator follows it."""
_LIST_EVERY = 60.0
"""Seconds between two requests for the providers' lists of jobs while they are shown."""
ALL_JOBS = "ui.all_jobs"
"""The workspace setting that stores whether other jobs are listed too."""


class TrainScreen(ModelActions):
    """Shows the list of jobs, and the events and curves of one."""

    STAGE = "train"
    SCOPE = "train"
    BINDINGS = keys.bindings("train")
    CSS_PATH = "train.tcss"
    HELP = (
        "Every training of this workspace, newest first; J adds all jobs of all providers. T starts one; it "
        "continues when Curator is closed. Events and curves are stored in the workspace and update by themselves."
    )

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[Run] = []
        self._own_count = 0
        """How many of `_runs` are of this workspace or its files; the others follow them."""
        self._numbers: dict[str, int] = {}
        """By run: its number in this workspace, which a run of `curator train FILE` has not."""
        self._rest_timer: Timer | None = None
        self._run_shown = ""
        self._fault_shown = ""

    @property
    def jobs(self) -> JobWatch:
        """The watch that follows jobs and publishes changes of runs."""
        return shell_of(self).job_watch

    def compose_stage(self) -> ComposeResult:
        """The list of runs, and the pane of the current one."""
        with RememberedPanes(id="train-panes"):
            yield LineList("runs", empty="No training yet: T starts one.")
            yield RunPane(id="run")

    def on_mount(self) -> None:
        """Subscribe to changes of runs, and start the timers."""
        self.jobs.changed.subscribe(self, self._news)
        self.set_interval(1.0, self._tick)
        self.set_interval(_LIST_EVERY, self._ask_all)
        self.query_one("#runs").focus()
        self._ask_all()

    def data_changed(self, changed: Changed) -> None:
        """Read the runs again; changed examples do not matter here."""
        self.reload()

    def _news(self, run: str) -> None:
        if self.app.screen is self:
            self.reload()

    def on_screen_resume(self) -> None:
        """Read the runs again: they may have changed while another screen was shown."""
        self.reload()

    def reload(self) -> None:
        current = self.current
        identity = (current.run, current.origin, current.job_id) if current else None
        self._read_runs()
        at = next((i for i, run in enumerate(self._runs) if identity and _is_same_run(run, identity)), 0)
        beyond = self._provider_lines() if self._lists_all else []
        lines = self.query_one("#runs", LineList)

        def line(index: int, width: int) -> Pieces:
            return self._run_line(index) if index < len(self._runs) else beyond[index - len(self._runs)]

        lines.say("The trainings cannot be read." if self.jobs.fault else "No training yet: T starts one.")
        if self.jobs.fault and self.jobs.fault != self._fault_shown:
            self.session.toast(self.jobs.fault, title="Train")
        self._fault_shown = self.jobs.fault
        lines.show(len(self._runs) + len(beyond), line, cursor=at)
        self.set_class(len(self._runs) + len(beyond) <= 2, "-few")
        self._show()

    def _read_runs(self) -> None:
        stored = self.jobs.runs()
        self._numbers = {run.run: len(stored) - at for at, run in enumerate(stored)}
        of_files = self.jobs.runs_of_files()
        own = sorted([*stored, *of_files], key=lambda run: -run.created_at) if of_files else stored
        others = self.jobs.other_jobs.runs if self._lists_all else []
        self._runs, self._own_count = [*own, *others], len(own)

    def _provider_lines(self) -> list[Pieces]:
        """Lines after the jobs: providers that could not be asked, and those that have not answered yet."""
        lines: list[Pieces] = [
            [("! ", "warning"), (words, "dim")] for words in self.jobs.other_jobs.troubles.values()
        ]
        if waiting := self.jobs.other_jobs.waiting:
            lines.append([("… ", "dim"), (f"asking {', '.join(sorted(waiting))}", "dim")])
        return lines

    @property
    def current(self) -> Run | None:
        """The run under the cursor."""
        at = self.query_one("#runs", LineList).cursor
        return self._runs[at] if at < len(self._runs) else None

    def choose(self, run: str) -> None:
        """Put the cursor on this run of the workspace."""
        self.reload()
        lines = self.query_one("#runs", LineList)
        lines.cursor = next((at for at, each in enumerate(self._runs) if each.run == run), lines.cursor)

    def matters(self, action: str) -> bool:
        """Whether an action, by its id, can do something with the run under the cursor."""
        run = self.current
        if action in ("train.cancel_job", "train.pause_job"):
            return run is not None and not run.closed
        if action in ("train.checkpoints", "train.accuracy", "train.smoothing", "train.log_scale"):
            return run is not None and run.job_id is not None
        return action not in ("train.compare", "train.export_model") or (
            run is not None and run.fine_tuned_model is not None
        )

    def why_not(self, action: str) -> str:
        """What the run under the cursor lacks for an action."""
        if self.matters(action):
            return ""
        if self.current is None:
            return "there is no run yet; T trains a model on this data"
        over = action in ("train.cancel_job", "train.pause_job")
        return f"the run under the cursor {'is over' if over else 'has no result yet'}"

    def _run_line(self, index: int) -> Pieces:
        run = self._runs[index]
        mark, kind = STATUS_MARKS.get(run.status, ("·", ""))
        when = time.strftime("%d %b %H:%M", time.localtime(run.created_at))
        own = index < self._own_count
        name = run.fine_tuned_model.split(":")[-1] if run.fine_tuned_model else ""
        examples = f"{run.examples or '?':>5} ex  " if own or run.examples else f"{'elsewhere':>8}  "
        return [
            (f"{mark} ", kind),
            (f"#{number:<3}" if (number := self._numbers.get(run.run)) else "    ", "accent"),
            (f"{run.status:<17}", kind),
            (f"{when}  {one_line(run.provider, 12):<6} ", "dim"),
            (examples, "" if own else "dim"),
            (name, "dim"),
        ]

    @on(LineList.Highlighted, "#runs")
    def _cursor_moved(self) -> None:
        self._show()

    @on(LineList.Chosen, "#runs")
    def _open_line(self) -> None:
        """Go to the example that the provider's error message names."""
        run = self.current
        lines = lines_in_error(run, self.jobs.ledger_of(run)) if run is not None else ()
        if run is not None and lines:
            self._show_sent(run, lines[0])

    @work(group="act", exit_on_error=False)
    async def _show_sent(self, run: Run, line: int) -> None:
        raw = sent_line(run, self.jobs.ledger_of(run), line)
        example = (
            await asyncio.to_thread(example_with_bytes, self.session.workspace, raw) if raw is not None else None
        )
        if example is not None:
            await shell_of(self).show_example(example)
        elif raw is None:
            self.session.toast(f"There is no copy of line {line:,} of the uploaded file here")
        else:
            self.session.toast(f"The example of line {line:,} was changed or deleted since the upload")

    def follow(self) -> Run | None:
        """Follow the job under the cursor if it is none of this workspace; returns the run as it is stored."""
        run = self.current
        if run is None or self.query_one("#runs", LineList).cursor < self._own_count:
            self.jobs.follow_guest(None)
            return run
        stored = self.jobs.follow_guest(run)
        if stored is not None and stored.run != run.run:
            self.reload()
        return stored

    def _show(self) -> None:
        run, pane = self.current, self.query_one(RunPane)
        if run is None or run.run != self._run_shown:
            self._run_shown = run.run if run is not None else ""
            if self._rest_timer is not None:
                self._rest_timer.stop()
            self._rest_timer = self.set_timer(_REST, self.follow)
        self.refresh_bindings()
        pane.display = run is not None
        if run is not None:
            ledger = self.jobs.ledger_of(run)
            notes = run_notes.notes(run, ledger, self.jobs.trouble.get(run.provider))
            exported = self.export_notes.get(run.run)
            pane.show(run, ledger, [exported, *notes] if exported else notes)

    def _tick(self) -> None:
        run = self.current
        if run is not None and self.app.screen is self:
            self.query_one(RunPane).tick(run, self.jobs.ledger_of(run))

    # All jobs of all providers

    @property
    def _lists_all(self) -> bool:
        return bool(self.session.workspace.meta(ALL_JOBS))

    def action_all_jobs(self) -> None:
        """List the jobs of all providers after those of this workspace, or stop listing them."""
        try:
            self.session.workspace.set_meta(ALL_JOBS, not self._lists_all)
        except CuratorError as error:
            self.session.say(error)
            return
        self._ask_all()
        self.reload()

    def _ask_all(self) -> None:
        if self._lists_all and self.app.screen is self:
            self._list_all()

    @work(exclusive=True, group="list", exit_on_error=False)
    async def _list_all(self) -> None:
        try:
            await self.jobs.other_jobs.look(self.jobs.ledger, self._listed)
        except CuratorError as error:
            self.session.say(error)
        self._listed()

    def _listed(self) -> None:
        if self.is_mounted:
            self.reload()

    # Actions

    def action_cancel_job(self) -> None:
        """Cancel the job, or give up a submission that has no job, after asking."""
        run = self.current
        if run is not None and run.job_id is None and not run.closed:
            self._give_up(run)
        else:
            self._steer("cancel")

    def action_pause_job(self) -> None:
        """Pause or resume the job, after asking."""
        run = self.current
        self._steer("resume" if run is not None and run.status == "paused" else "pause")

    def _steer(self, action: str) -> None:
        run = self.follow()
        if run is None or run.job_id is None or run.closed:
            self.session.toast("There is no running job under the cursor.")
            return

        def on_answer(yes: bool | None) -> None:
            if yes:
                self.carry_out(self.jobs.steer(run, action))

        title, words = f"{action.capitalize()} this job?", run_notes.consequence(run, action)
        self.app.push_screen(Confirm(title, words, action.capitalize()), on_answer)

    def _give_up(self, run: Run) -> None:
        from curator.jobs.runs import submission  # heavy

        if submission.is_submitting(run):
            self.session.toast("This run is being submitted now; there is nothing to cancel yet.")
            return

        async def abandon() -> None:
            from curator.jobs import providers  # heavy
            from curator.jobs.connections.connect import connect

            async with await connect(providers.get(run.provider)) as client:
                after = await submission.abandon(run, self.jobs.ledger_of(run), client)
            if after.job_id is not None:
                self.session.toast("Its job was found after all; c cancels it.")

        def on_answer(yes: bool | None) -> None:
            if yes:
                self.carry_out(abandon())

        words = run_notes.consequence(run, "give up")
        self.app.push_screen(Confirm("Give up this submission?", words, "Give up"), on_answer)

    def action_delete(self) -> None:
        """Delete, after asking, what the provider stores of this run: deployments, files, the tuned model."""
        from curator.jobs.runs import leftovers  # heavy

        run = self.follow()
        items = leftovers.list_leftovers(run, self.jobs.ledger_of(run)) if run is not None else []
        if run is None or not items:
            self.session.toast("There is nothing to delete at the provider.")
            return

        def on_answer(items_to_delete: list[Leftover] | None) -> None:
            if items_to_delete:
                request = leftovers.remove(items_to_delete, run, self.jobs.ledger_of(run))
                self.carry_out(request, "Deleted at the provider")

        self.app.push_screen(DeleteDialog(items), on_answer)

    @work(group="act", exit_on_error=False)
    async def carry_out(self, request: Coroutine[Any, Any, str | None], done: str = "") -> None:
        """Run a confirmed request, show its words or `done` after it, and read the runs again."""
        try:
            words = await request or done
        except CuratorError as error:
            self.session.say(error)
        else:
            if words:
                self.session.toast(words)
        self.jobs.poll_at_once()
        self.reload()

    def action_smoothing(self) -> None:
        """Use the next smoothing of the curves."""
        self.session.toast(f"Smoothing {self.query_one(RunPane).next_smoothing():g}")

    def action_next_value(self) -> None:
        """Tell the values at the next step of the curves."""
        self.query_one(RunPane).step_cursor(1)

    def action_previous_value(self) -> None:
        """Tell the values at the step before."""
        self.query_one(RunPane).step_cursor(-1)

    def action_back(self) -> None:
        """Show the legend again in place of the values of a step; otherwise as everywhere."""
        if not self.query_one(RunPane).hide_cursor():
            super().action_back()

    def action_log_scale(self) -> None:
        """Switch between a linear and a logarithmic scale."""
        self.query_one(RunPane).switch_log_scale()

    def action_accuracy(self) -> None:
        """Switch between loss and mean token accuracy."""
        self.query_one(RunPane).switch_metric()

    def action_checkpoints(self) -> None:
        """Switch between events and checkpoints."""
        self.query_one(RunPane).switch_checkpoints()

    async def action_compare(self) -> None:
        """Compare the model of the run under the cursor with its base."""
        run = self.current
        if run is not None and run.fine_tuned_model:
            is_own = self.query_one("#runs", LineList).cursor < self._own_count
            self.put_on_board(run, run.fine_tuned_model, is_own=is_own)
        await shell_of(self).go_to_stage("compare")

    async def action_take_checkpoint(self) -> None:
        """Compare the checkpoint that the curves recommend; `export_model` then writes that one."""
        run, point = self.current, self.query_one(RunPane).best_checkpoint
        if run is None or point is None or not point.model:
            self.session.toast("No checkpoint of this run is recommended before its last one.")
            return
        self.taken[run.run] = point.model
        self.put_on_board(run, point.model, is_own=True)
        await shell_of(self).go_to_stage("compare")
        self.session.toast(f"The checkpoint of step {point.step} is ticked: r asks it. X in Train exports it.")


def _is_same_run(run: Run, identity: tuple[str, str, str | None]) -> bool:
    return run.run == identity[0] or (run.job_id is not None and (run.origin, run.job_id) == identity[1:])

"""Train stage: the runs of this workspace, then all other jobs; the one under the cursor in full."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.timer import Timer

from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Confirm
from curator.tui.screens.stage import StageScreen
from curator.tui.screens.train.job_dialogs import DeleteDialog, DeployDialog
from curator.tui.session.changed import Changed
from curator.tui.shell import shell_of
from curator.tui.stage_models import run_notes
from curator.tui.stage_models.run_words import STATUS_MARKS
from curator.tui.stage_models.sent_lines import example_with_bytes, lines_in_error, sent_line
from curator.tui.widgets.line_list import LineList, Pieces
from curator.tui.widgets.run_pane import RunPane

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Run
    from curator.jobs.runs.leftovers import Leftover
    from curator.tui.session.job_watch import JobWatch

_REST = 0.4
"""Seconds that the cursor rests on another's job before it is followed."""
_AGAIN = 60.0
"""Seconds between two looks at the providers' lists while they are shown."""
ALL_JOBS = "ui.all_jobs"
"""What a workspace remembers: whether other jobs are listed too."""


class TrainScreen(StageScreen):
    """Jobs and their curves."""

    STAGE = "train"
    SCOPE = "train"
    BINDINGS = keys.bindings("train")
    CSS_PATH = "train.tcss"
    HELP = (
        "Every training of this workspace, newest first; J adds all jobs of all providers. T starts one; it runs "
        "on when Curator is closed. Events and curves are stored here and follow the job by themselves."
    )

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[Run] = []
        self._own = 0
        self._rest: Timer | None = None
        self._shown = ""
        self._told = ""

    @property
    def jobs(self) -> JobWatch:
        """The news about runs."""
        return shell_of(self).job_watch

    def compose_stage(self) -> ComposeResult:
        """Runs on the left or above; the chosen one beside or below."""
        with Horizontal(id="train-panes"):
            yield LineList("runs", empty="No training yet: T starts one.")
            yield RunPane(id="run")

    def on_mount(self) -> None:
        """Follow the watch; count the seconds."""
        self.jobs.changed.subscribe(self, self._news)
        self.set_interval(1.0, self._tick)
        self.set_interval(_AGAIN, self._ask_all)
        self.query_one("#runs").focus()
        self._ask_all()

    def data_changed(self, changed: Changed) -> None:
        """Runs are read anew; examples do not matter here."""
        self._reload()

    def _news(self, run: str) -> None:
        if self.app.screen is self:
            self._reload()

    def on_screen_resume(self) -> None:
        """Show what came meanwhile."""
        self._reload()

    def _reload(self) -> None:
        here = self.current
        known = (here.run, here.origin, here.job_id) if here else None
        own = self.jobs.runs()
        others = self.jobs.other_jobs.runs if self._all else []
        self._runs, self._own = [*own, *others], len(own)
        at = next((i for i, run in enumerate(self._runs) if known and _same(run, known)), 0)
        beyond = self._beyond() if self._all else []
        lines = self.query_one("#runs", LineList)

        def line(index: int, width: int) -> Pieces:
            return self._run_line(index) if index < len(self._runs) else beyond[index - len(self._runs)]

        lines.say("The trainings cannot be read." if self.jobs.fault else "No training yet: T starts one.")
        if self.jobs.fault and self.jobs.fault != self._told:
            self.session.toast(self.jobs.fault, title="Train")
        self._told = self.jobs.fault
        lines.show(len(self._runs) + len(beyond), line, cursor=at)
        self.set_class(len(self._runs) + len(beyond) <= 2, "-few")
        self._show()

    def _beyond(self) -> list[Pieces]:
        """Lines behind the jobs: who has not answered yet, and who cannot."""
        found: list[Pieces] = [
            [("! ", "warning"), (words, "dim")] for words in self.jobs.other_jobs.troubles.values()
        ]
        if waiting := self.jobs.other_jobs.waiting:
            found.append([("… ", "dim"), (f"asking {', '.join(sorted(waiting))}", "dim")])
        return found

    @property
    def current(self) -> Run | None:
        """The run under the cursor."""
        at = self.query_one("#runs", LineList).cursor
        return self._runs[at] if at < len(self._runs) else None

    def choose(self, run: str) -> None:
        """Put the cursor on this run of the workspace."""
        self._reload()
        lines = self.query_one("#runs", LineList)
        lines.cursor = next((at for at, each in enumerate(self._runs) if each.run == run), lines.cursor)

    def matters(self, action: str) -> bool:
        """What can be done to the run under the cursor."""
        run = self.current
        if action in ("train.cancel_job", "train.pause_job"):
            return run is not None and not run.closed
        if action in ("train.checkpoints", "train.accuracy", "train.smoothing", "train.log_scale"):
            return run is not None and run.job_id is not None
        return action != "train.compare" or (run is not None and run.fine_tuned_model is not None)

    def _run_line(self, index: int) -> Pieces:
        run = self._runs[index]
        mark, kind = STATUS_MARKS.get(run.status, ("·", ""))
        when = time.strftime("%d %b %H:%M", time.localtime(run.created_at))
        own = index < self._own
        name = run.fine_tuned_model.split(":")[-1] if run.fine_tuned_model else ""
        examples = f"{run.examples or '?':>5} ex  " if own or run.examples else f"{'elsewhere':>8}  "
        return [
            (f"{mark} ", kind),
            (f"#{self._own - index:<3}" if own else "    ", "accent"),
            (f"{run.status:<17}", kind),
            (f"{when}  {one_line(run.provider, 12):<6} ", "dim"),
            (examples, "" if own else "dim"),
            (name, "dim"),
        ]

    @on(LineList.Highlighted, "#runs")
    def _moved(self) -> None:
        self._show()

    @on(LineList.Chosen, "#runs")
    def _chosen(self) -> None:
        """Go to the example that the provider's message is about."""
        run = self.current
        lines = lines_in_error(run, self.jobs.ledger_of(run)) if run is not None else ()
        if run is not None and lines:
            self._show_sent(run, lines[0])

    @work(group="act", exit_on_error=False)
    async def _show_sent(self, run: Run, line: int) -> None:
        raw = sent_line(run, self.jobs.ledger_of(run), line)
        found = (
            await asyncio.to_thread(example_with_bytes, self.session.workspace, raw) if raw is not None else None
        )
        if found is not None:
            await shell_of(self).show_example(found)
        elif raw is None:
            self.session.toast(f"Line {line:,} of what was sent is not kept here")
        else:
            self.session.toast(f"The example of line {line:,} was changed or deleted since it was sent")

    def _follow(self) -> Run | None:
        """Watch the job under the cursor while it is another's; returns it as it is stored."""
        run = self.current
        if run is None or self.query_one("#runs", LineList).cursor < self._own:
            self.jobs.follow_guest(None)
            return run
        taken = self.jobs.follow_guest(run)
        if taken is not None and taken.run != run.run:
            self._reload()
        return taken

    def _show(self) -> None:
        run, pane = self.current, self.query_one(RunPane)
        if run is None or run.run != self._shown:
            self._shown = run.run if run is not None else ""
            if self._rest is not None:
                self._rest.stop()
            self._rest = self.set_timer(_REST, self._follow)
        self.refresh_bindings()
        pane.display = run is not None
        if run is not None:
            ledger = self.jobs.ledger_of(run)
            pane.show(run, ledger, run_notes.notes(run, ledger, self.jobs.trouble.get(run.provider)))

    def _tick(self) -> None:
        run = self.current
        if run is not None and self.app.screen is self:
            self.query_one(RunPane).tick(run, self.jobs.ledger_of(run))

    # All jobs of all providers

    @property
    def _all(self) -> bool:
        return bool(self.session.workspace.meta(ALL_JOBS))

    def action_all_jobs(self) -> None:
        """List the jobs of all providers behind those of this workspace, or no longer."""
        try:
            self.session.workspace.set_meta(ALL_JOBS, not self._all)
        except CuratorError as error:
            self.session.say(error)
            return
        self._ask_all()
        self._reload()

    def _ask_all(self) -> None:
        if self._all and self.app.screen is self:
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
            self._reload()

    # Actions

    def action_cancel_job(self) -> None:
        """Cancel the job, or give up a submission that came to no job, after asking."""
        run = self.current
        if run is not None and run.job_id is None and not run.closed:
            self._give_up(run)
        else:
            self._steer("cancel")

    def action_pause_job(self) -> None:
        """Pause the job, or let it go on, after asking."""
        run = self.current
        self._steer("resume" if run is not None and run.status == "paused" else "pause")

    def _steer(self, action: str) -> None:
        run = self._follow()
        if run is None or run.job_id is None or run.closed:
            self.session.toast("There is no running job under the cursor.")
            return

        async def act() -> None:
            from curator.jobs import providers
            from curator.jobs.connections.connect import connect
            from curator.jobs.runs import monitor

            async with await connect(providers.get(run.provider)) as client:
                await monitor.act(run, action, self.jobs.ledger_of(run), client)

        def answered(yes: bool | None) -> None:
            if yes:
                self._do(act())

        title, words = f"{action.capitalize()} this job?", run_notes.consequence(run, action)
        self.app.push_screen(Confirm(title, words, action.capitalize()), answered)

    def _give_up(self, run: Run) -> None:
        from curator.jobs.runs import submission

        if submission.is_submitting(run):
            self.session.toast("It is being submitted just now; there is nothing to cancel yet.")
            return

        async def abandon() -> None:
            from curator.jobs import providers
            from curator.jobs.connections.connect import connect

            async with await connect(providers.get(run.provider)) as client:
                left = await submission.abandon(run, self.jobs.ledger_of(run), client)
            if left.job_id is not None:
                self.session.toast("Its job was found after all; c cancels it.")

        def answered(yes: bool | None) -> None:
            if yes:
                self._do(abandon())

        words = run_notes.consequence(run, "give up")
        self.app.push_screen(Confirm("Give up this submission?", words, "Give up"), answered)

    def action_delete(self) -> None:
        """Delete, after asking, what the provider keeps of this run: deployments, files, the tuned model."""
        from curator.jobs.runs import leftovers

        run = self._follow()
        items = leftovers.list_leftovers(run, self.jobs.ledger_of(run)) if run is not None else []
        if run is None or not items:
            self.session.toast("There is nothing to delete at the provider.")
            return

        def answered(chosen: list[Leftover] | None) -> None:
            if chosen:
                self._do(leftovers.remove(chosen, run, self.jobs.ledger_of(run)), "Deleted at the provider")

        self.app.push_screen(DeleteDialog(items), answered)

    def action_deploy(self) -> None:
        """Deploy a model that was tuned at Azure, after its price was shown."""
        from curator.jobs import providers
        from curator.jobs.runs import azure_deployments as azure

        run = self._follow()
        if run is None or not run.fine_tuned_model:
            self.session.toast("There is no tuned model under the cursor.")
            return
        try:
            provider = providers.get(run.provider)
            if provider.kind != "azure":
                raise CuratorError(
                    "Only models tuned at Azure are deployed; this one answers by itself: C compares."
                )
        except CuratorError as error:
            self.session.say(error, title="Deploy")
            return
        model, ledger = run.fine_tuned_model, self.jobs.ledger_of(run)

        async def deploy(name: str, sku: str) -> None:
            async with azure.control_plane(provider) as plane:
                await plane.deploy(ledger, model, name, sku)
                self._reload()
                await plane.wait(name)

        def answered(chosen: tuple[str, str] | None) -> None:
            if chosen:
                self.session.toast("Deploying; that takes some minutes.")
                self._do(deploy(*chosen), f"{chosen[0]} is deployed: C compares it with its base.")

        self.app.push_screen(DeployDialog(run), answered)

    @work(group="act", exit_on_error=False)
    async def _do(self, request: Coroutine[Any, Any, None], done: str = "") -> None:
        """Carry out what was confirmed, then show how things stand."""
        try:
            await request
        except CuratorError as error:
            self.session.say(error)
        else:
            if done:
                self.session.toast(done)
        self.jobs.poll_at_once()
        self._reload()

    def action_smoothing(self) -> None:
        """Next smoothing."""
        self.session.toast(f"Smoothing {self.query_one(RunPane).next_smoothing():g}")

    def action_log_scale(self) -> None:
        """Linear or logarithmic."""
        self.query_one(RunPane).switch_log_scale()

    def action_accuracy(self) -> None:
        """Loss or mean token accuracy."""
        self.query_one(RunPane).switch_metric()

    def action_checkpoints(self) -> None:
        """Events or checkpoints."""
        self.query_one(RunPane).switch_checkpoints()

    async def action_compare(self) -> None:
        """Compare the tuned model with its base."""
        await shell_of(self).go_to_stage("compare")


def _same(run: Run, known: tuple[str, str, str | None]) -> bool:
    return run.run == known[0] or (run.job_id is not None and (run.origin, run.job_id) == known[1:])

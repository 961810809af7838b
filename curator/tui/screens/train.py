"""Train stage: the runs of this workspace, and the curves, events and verdict of the one under the cursor."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.run_words import STATUS_MARKS, cost_words, heading, span
from curator.tui.screens.dialog import Confirm
from curator.tui.screens.stage import StageScreen
from curator.tui.session import Changed
from curator.tui.widgets.curve_chart import SMOOTHINGS, CurveChart
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.ledger import Run
    from curator.tui.watch import Watch

_EVENTS = 200
_CONSEQUENCES = {
    "cancel": "The job stops at its next step and cannot go on; checkpoints made so far stay.",
    "pause": "The job saves its state and waits; resume goes on where it stopped.",
    "resume": "The job goes on where it stopped.",
}


class TrainScreen(StageScreen):
    """Jobs and their curves."""

    STAGE = "train"
    SCOPE = "train"
    BINDINGS = keys.bindings("train")
    CSS_PATH = "train.tcss"
    HELP = (
        "Every training of this workspace, newest first. T starts one; it runs on when Curator is closed. "
        "Events and curves are stored here and follow the job by themselves."
    )

    def __init__(self) -> None:
        super().__init__()
        self._runs: list[Run] = []

    @property
    def jobs(self) -> Watch:
        """The news about runs."""
        from curator.tui.app import CuratorApp

        return cast(CuratorApp, self.app).job_watch

    def compose_stage(self) -> ComposeResult:
        """Runs on the left or above; the chosen one beside or below."""
        with Horizontal(id="train-panes"):
            yield LineList("runs", empty="No training yet: T starts one.")
            with Vertical(id="run"):
                yield Static("", id="run-heading")
                yield CurveChart("curves")
                yield Static("", id="verdict")
                yield LineList("events", empty="No events yet.")

    def on_mount(self) -> None:
        """Follow the watch; count the seconds."""
        self.jobs.changed.subscribe(self, self._news)
        self.set_interval(1.0, self._tick)
        self.query_one("#runs").focus()

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
        here = self.current.run if self.current else None
        self._runs = self.jobs.runs()
        at = next((i for i, run in enumerate(self._runs) if run.run == here), 0)
        self.query_one("#runs", LineList).show(len(self._runs), self._run_line, cursor=at)
        self._show()

    @property
    def current(self) -> Run | None:
        """The run under the cursor."""
        at = self.query_one("#runs", LineList).cursor
        return self._runs[at] if at < len(self._runs) else None

    def _run_line(self, index: int, width: int) -> Pieces:
        run = self._runs[index]
        mark, kind = STATUS_MARKS.get(run.status, ("·", ""))
        when = time.strftime("%d %b %H:%M", time.localtime(run.created_at))
        round_number = len(self._runs) - index
        name = run.fine_tuned_model.split(":")[-1] if run.fine_tuned_model else ""
        return [
            (f"{mark} ", kind),
            (f"#{round_number:<3}", "accent"),
            (f"{run.status:<17}", kind),
            (f"{when}  ", "dim"),
            (f"{run.examples or '?':>5} ex  ", ""),
            (f"{run.provider}  {name}", "dim"),
        ]

    @on(LineList.Highlighted, "#runs")
    def _moved(self) -> None:
        self._show()

    def _show(self) -> None:
        run = self.current
        for name in ("#curves", "#verdict", "#events", "#run-heading"):
            self.query_one(name).display = run is not None
        if run is None:
            return
        ledger = self.jobs.ledger
        metrics = ledger.metrics(run.run)
        events = list(reversed(ledger.events(run.run)))[:_EVENTS]
        self.query_one("#curves", CurveChart).show(metrics)
        self._tick()

        def line(index: int, width: int) -> Pieces:
            event = events[index]
            kind = {"error": "error", "warn": "warning", "warning": "warning"}.get(event.level, "")
            clock = time.strftime("%H:%M:%S", time.localtime(event.created_at))
            return [(f"{clock}  ", "dim"), (event.message, kind)]

        self.query_one("#events", LineList).show(len(events), line)
        self._judge(run, metrics)

    def _judge(self, run: Run, metrics: list[dict[str, float]]) -> None:
        from curator.core.diagnosis import diagnose

        total = next(
            (e.data.get("total_steps") for e in reversed(self.jobs.ledger.events(run.run)) if e.data), None
        )
        rows = [{**row, "total_steps": total} for row in metrics]
        steps = [c.step for c in self.jobs.ledger.checkpoints(run.run) if c.step is not None]
        said = diagnose(rows, checkpoints=steps, finished=run.closed)
        lines = [Content.assemble((printable(said.sentence), "bold"), f" {printable(said.reason)}")]
        lines.append(Content.styled(f"→ {printable(said.next_step)}", "$accent"))
        if run.error and run.error.get("message"):
            lines = [Content.styled(printable(str(run.error["message"])), "$mark-error")]
        if unused := self.jobs.ledger.orphans(run.run):
            names = ", ".join(file_id for _, file_id, _ in unused)
            lines.append(
                Content.styled(printable(f"! uploaded and not used by any job: {names} (D deletes)"), "$quiet")
            )
        trouble = self.jobs.trouble.get(run.provider)
        if trouble and not run.closed:
            lines.append(Content.styled(printable(f"! {trouble} Trying again."), "$mark-warning"))
        self.query_one("#verdict", Static).update(Content("\n").join(lines))

    def _tick(self) -> None:
        run = self.current
        if run is None or self.app.screen is not self:
            return
        from curator.jobs import monitor

        left = None if run.closed else monitor.time_left(run, self.jobs.ledger)
        parts = [heading(run)]
        if left is not None:
            parts.append(f"about {span(left)} left")
        elif run.closed and run.finished_at:
            parts.append(f"took {span(run.finished_at - run.created_at)}")
        parts.append(cost_words(run))
        self.query_one("#run-heading", Static).update(Content(one_line(" · ".join(filter(None, parts)))))

    # Actions

    def action_cancel_job(self) -> None:
        """Cancel the job, after asking."""
        self._ask("cancel")

    def action_pause_job(self) -> None:
        """Pause the job, or let it go on, after asking."""
        run = self.current
        self._ask("resume" if run is not None and run.status == "paused" else "pause")

    def _ask(self, action: str) -> None:
        run = self.current
        if run is None or run.job_id is None or run.closed:
            self.session.toast("There is no running job under the cursor.")
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._act(run, action)

        title = f"{action.capitalize()} this job?"
        self.app.push_screen(Confirm(title, _CONSEQUENCES[action], action.capitalize()), answered)

    def action_delete(self) -> None:
        """Delete, after asking, what the provider keeps of this run: files that no job uses, else the model."""
        run = self.current
        if run is None:
            return
        unused = [file_id for _, file_id, _ in self.jobs.ledger.orphans(run.run)]
        if not unused and not (run.closed and run.fine_tuned_model):
            self.session.toast("There is nothing to delete: no unused file and no tuned model.")
            return
        what = f"Delete {', '.join(unused)}" if unused else f"Delete {run.fine_tuned_model}"
        consequence = "The files are gone at the provider; your data stays here."
        if not unused:
            consequence = "Nobody can use the model any more; its curves and answers stay here."

        def answered(yes: bool | None) -> None:
            if yes:
                self._delete(run, unused)

        self.app.push_screen(Confirm(f"{what}?", consequence, "Delete"), answered)

    @work(exclusive=True, group="act", exit_on_error=False)
    async def _delete(self, run: Run, unused: list[str]) -> None:
        from curator.jobs import providers, submission
        from curator.jobs.client import connect

        try:
            provider = providers.get(run.provider)
            async with await connect(provider) as client:
                for file_id in unused:
                    await submission.remove_orphan(provider, self.jobs.ledger, file_id, client)
                if not unused and run.fine_tuned_model:
                    await client.delete_model(run.fine_tuned_model)
        except CuratorError as error:
            self.session.say(error)
            return
        self.session.toast("Deleted at the provider")
        self._reload()

    @work(exclusive=True, group="act", exit_on_error=False)
    async def _act(self, run: Run, action: str) -> None:
        from curator.jobs import monitor, providers
        from curator.jobs.client import connect

        try:
            async with await connect(providers.get(run.provider)) as client:
                await monitor.act(run, action, self.jobs.ledger, client)
        except CuratorError as error:
            self.session.say(error)
        self.jobs.start()
        self._reload()

    def action_smoothing(self) -> None:
        """Next smoothing."""
        chart = self.query_one("#curves", CurveChart)
        at = SMOOTHINGS.index(chart.smoothing) if chart.smoothing in SMOOTHINGS else 0
        chart.smoothing = SMOOTHINGS[(at + 1) % len(SMOOTHINGS)]
        self.session.toast(f"Smoothing {chart.smoothing:g}")

    def action_log_scale(self) -> None:
        """Linear or logarithmic."""
        chart = self.query_one("#curves", CurveChart)
        chart.log_scale = not chart.log_scale

    def action_accuracy(self) -> None:
        """Loss or mean token accuracy."""
        chart = self.query_one("#curves", CurveChart)
        chart.accuracy = not chart.accuracy
        chart.border_title = "mean token accuracy" if chart.accuracy else "loss"

    async def action_compare(self) -> None:
        """Compare the tuned model with its base."""
        from curator.tui.app import CuratorApp

        await cast(CuratorApp, self.app).action_stage("compare")

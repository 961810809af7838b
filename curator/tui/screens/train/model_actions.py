"""What the Train stage does with a finished model: put it online at Azure, write it for other programs."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.errors import CuratorError
from curator.tui.screens.stage import StageScreen
from curator.tui.screens.train.curve_chart import CurveChart
from curator.tui.screens.train.job_dialogs import DeployDialog

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Run
    from curator.tui.screens.train.model_export import ModelExport
    from curator.tui.session.job_watch import JobWatch


class ModelActions(StageScreen):
    """The actions on the tuned model of the run under the cursor."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: dict[str, str] = {}
        """By run: the checkpoint that was taken in place of its last model."""
        self.export_notes: dict[str, tuple[str, str]] = {}
        """By run: how far the export of its model is or how it ended, as a sentence and its colour."""

    def put_on_board(self, run: Run, model: str, *, is_own: bool) -> None:
        """Tick a model on the board of Compare; one of another workspace gets a row of its own."""
        from curator.tui.stage_models.comparing import board as boards  # heavy

        workspace = self.session.workspace
        stored = workspace.meta(boards.STORED)
        if not is_own:
            stored = boards.with_way(stored, boards.way_entry(run.provider, model, None, 0, False))
        value = stored if isinstance(stored, dict) else {}
        ticks = dict(value.get("ticks") or {}) | ({model: True} if is_own else {})
        try:
            workspace.set_meta(boards.STORED, {"ways": list(value.get("ways") or []), "ticks": ticks})
        except CuratorError:
            return  # a workspace that is only read: the row can be ticked there

    @property
    def jobs(self) -> JobWatch:
        """The watch that follows jobs."""
        raise NotImplementedError

    @property
    def current(self) -> Run | None:
        """The run under the cursor."""
        raise NotImplementedError

    def follow(self) -> Run | None:
        """The run under the cursor as it is stored; from then on it is followed."""
        raise NotImplementedError

    def reload(self) -> None:
        """Read the runs again."""
        raise NotImplementedError

    def carry_out(self, request: Coroutine[Any, Any, str | None], done: str = "") -> Any:
        """Run a confirmed request; then show its words, or `done`."""
        raise NotImplementedError

    def action_deploy(self) -> None:
        """Deploy a model tuned at Azure, after showing the price."""
        from curator.jobs import providers  # heavy
        from curator.jobs.runs import azure_deployments as azure

        run = self.follow()
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
                self.reload()
                await plane.wait(name)

        def on_answer(name_and_sku: tuple[str, str] | None) -> None:
            if name_and_sku:
                self.session.toast("Deploying; that takes some minutes.")
                words = f"{name_and_sku[0]} is deployed: C compares it with its base."
                self.carry_out(deploy(*name_and_sku), words)

        self.app.push_screen(DeployDialog(run), on_answer)

    def action_export_model(self) -> None:
        """Write the tuned model for other programs, after asking for format and folder."""
        from curator.tui.screens.train.model_export import ModelExportDialog  # heavy

        run = self.follow()
        model = self.taken.get(run.run, run.fine_tuned_model) if run is not None else None
        if run is None or not model:
            self.session.toast("There is no tuned model under the cursor.")
            return
        if not _is_local(run):
            self.session.toast(f"{run.provider} keeps its models: only those tuned on this machine are exported.")
            return

        def on_answer(export: ModelExport | None) -> None:
            if export:
                self.session.toast("Exporting; the status line tells how far it is.")
                self.carry_out(self._export(run, model, export))

        folder = self.session.workspace.path.parent / f"{model.split(':')[-1]}-model"
        self.app.push_screen(ModelExportDialog(model, folder), on_answer)

    async def _export(self, run: Run, model: str, export: ModelExport) -> str:
        """Export a model and return a sentence; the run's notes tell of it too. Raises CuratorError."""
        from curator.tui.screens.train.model_export import run_export  # heavy

        task = self.session.tasks.begin("export")
        self.export_notes[run.run] = (f"… Exporting to {export.folder}", "$quiet")
        self.reload()
        try:
            words = await run_export(model, export, self._prompts(run), task.report)
        except CuratorError as error:
            self.export_notes[run.run] = (f"! {error.message}", "$mark-error")
            raise
        finally:
            task.end()
        self.export_notes[run.run] = (f"✓ {words}", "$mark-ok")
        return words

    def action_write_chart(self) -> None:
        """Write the curves on the screen to a file, as a picture or a table."""
        from curator.core.charts.curve_picture import draw_curves  # heavy
        from curator.core.charts.tables import curves_table
        from curator.tui.screens.chart_dialog import ChartDialog, ChartToWrite

        run = self.current
        if run is None:
            self.session.toast("There is no run under the cursor.")
            return
        chart = self.query_one("#curves", CurveChart)
        what = "Token accuracy" if chart.accuracy else "Loss"
        title, series, words = f"{what}: {run.fine_tuned_model or run.model}", chart.series, chart.axis_words
        log, smoothing = chart.log_scale, chart.smoothing
        smooth = f", smoothed {smoothing:g} (CSV: as measured)" if smoothing else ""
        chart_to_write = ChartToWrite(
            f"{title}{smooth}",
            lambda: draw_curves(series, title, words, log=log, smoothing=smoothing),
            lambda: curves_table(series, words.x),
        )
        path = self.session.workspace.path.parent / f"{what.split()[0].lower()}-{run.job_id or run.run}.svg"
        self.app.push_screen(ChartDialog(chart_to_write, path))

    def _prompts(self, run: Run) -> Path:
        """The held-out examples of a run; the workspace where it had none."""
        held_out = self.jobs.ledger_of(run).datasets / f"{run.validation_sha256}.jsonl"
        return held_out if held_out.is_file() else self.session.workspace.path


def _is_local(run: Run) -> bool:
    from curator.jobs import providers  # heavy

    try:
        return providers.get(run.provider).kind == "local"
    except CuratorError:  # its provider is no longer configured
        return False

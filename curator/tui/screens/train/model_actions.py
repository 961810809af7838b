"""What the Train stage does with a finished model: put it online at Azure, write it for other programs."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.errors import CuratorError
from curator.tui.screens.stage import StageScreen
from curator.tui.screens.train.job_dialogs import DeployDialog

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Run
    from curator.tui.screens.train.model_export import ModelExport
    from curator.tui.session.job_watch import JobWatch


class ModelActions(StageScreen):
    """The actions on the tuned model of the run under the cursor."""

    @property
    def jobs(self) -> JobWatch:
        """The watch that follows jobs."""
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
        from curator.tui.screens.train.model_export import ModelExportDialog, run_export  # heavy

        run = self.follow()
        model = run.fine_tuned_model if run is not None else None
        if run is None or not model:
            self.session.toast("There is no tuned model under the cursor.")
            return
        if not _is_local(run):
            self.session.toast(f"{run.provider} keeps its models: only those tuned on this machine are exported.")
            return

        def on_answer(export: ModelExport | None) -> None:
            if export:
                self.session.toast("Exporting; that takes a minute or two.")
                self.carry_out(run_export(model, export, self._prompts(run)))

        folder = self.session.workspace.path.parent / f"{model.split(':')[-1]}-model"
        self.app.push_screen(ModelExportDialog(model, folder), on_answer)

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

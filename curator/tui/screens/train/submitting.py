"""The dialog that submits a training: shows each step, and after a failure how to continue."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, ProgressBar, Static

from curator.core.text import one_line, printable
from curator.errors import CuratorError, ProviderError
from curator.tui.screens.dialog import Dialog
from curator.tui.shell import shell_of

if TYPE_CHECKING:
    from pathlib import Path

    from curator.jobs.http.upload import Pace, SubmissionProgress
    from curator.jobs.planning.make_plan import Wish
    from curator.jobs.planning.plan import TrainingPlan


class SubmitDialog(Dialog[None]):
    """Downloads a missing base model, uploads the data, creates the job, then goes to the Train stage.

    Escape stops it; starting the same training again continues after the last finished step.
    """

    HEADING = "Starting the training"
    ACCEPT = "Train it here instead"
    CANCEL = "Back"

    def __init__(self, plan: TrainingPlan, wish: Wish, data: Path | None = None) -> None:
        """`data`: the file that is trained on in place of the workspace."""
        super().__init__()
        self._data = data
        self._plan, self._wish = plan, wish
        self._pace: Pace | None = None

    def compose_body(self) -> ComposeResult:
        """The present step, its progress, and a place for failures."""
        yield Static("getting ready …", id="doing")
        yield ProgressBar(id="progress", show_eta=True)
        yield Static("", id="trouble")

    def on_mount(self) -> None:
        """Start submitting."""
        self.query_one("#progress").display = False
        self.query_one("#accept").display = False
        self._carry_out()

    def action_accept(self) -> None:
        """After a failure: train on the same data on this machine."""
        if self.query_one("#accept").display:
            self._train_here()

    @work(exclusive=True, group="submit", exit_on_error=False)
    async def _train_here(self) -> None:
        planning = await asyncio.to_thread(importlib.import_module, "curator.jobs.planning.make_plan")
        wish = replace(self._wish, provider="local", model=None)
        try:
            ledger = shell_of(self).job_watch.ledger
            plan = await planning.plan(self._data or self.session.workspace.path, wish, ledger)
        except CuratorError as error:
            self._show_failure(error)
            return
        self.app.switch_screen(SubmitDialog(plan, wish, self._data))

    @work(exclusive=True, group="submit", exit_on_error=False)
    async def _carry_out(self) -> None:
        shell = shell_of(self)
        submission = await asyncio.to_thread(importlib.import_module, "curator.jobs.runs.submission")
        try:
            if self._plan.missing_model:
                await self._fetch(self._plan.missing_model)
            run = await submission.submit(self._plan, shell.job_watch.ledger, self._report)
        except (CuratorError, OSError) as error:
            self._show_failure(error)
            return
        shell.job_watch.changed.publish(run.run)
        shell.job_watch.start()
        self.dismiss(None)
        await shell.show_run(run.run)

    async def _fetch(self, model: str) -> None:
        from curator.jobs.connections import local_server as local  # heavy

        self._say(f"fetching the base model {model} (93 MB, once) …")
        process = await asyncio.create_subprocess_exec(
            *local.pull_command(model),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=local.child_environment(),
        )
        _, stderr = await process.communicate()
        if process.returncode:
            last = stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no reason was given"]
            raise ProviderError(f"The base model could not be fetched: {last[0].removeprefix('curator: ')}")

    def _report(self, progress: SubmissionProgress) -> None:
        from curator.jobs.http.upload import Pace  # heavy

        self._pace = self._pace or Pace()
        self._say(f"{self._pace.words(progress)} …")
        bar = self.query_one("#progress", ProgressBar)
        bar.display = bool(progress.total)
        if progress.total:
            bar.update(total=progress.total, progress=progress.done)

    def _say(self, text: str) -> None:
        self.query_one("#doing", Static).update(Content(one_line(text)))

    def _show_failure(self, error: Exception) -> None:
        """Show what went wrong, what is left at the provider, and how to continue."""
        for name in ("#progress", "#doing"):
            self.query_one(name).display = False
        self.query_one(".box").border_title = Content(one_line(getattr(error, "title", "") or "Not started"))
        words = [Content.styled(printable(getattr(error, "plain", str(error))), "$mark-error")]
        if isinstance(error, ProviderError) and self._plan.provider.kind != "local":
            words.append(Content("Enter trains on the same data on this machine instead, free of charge."))
            self.query_one("#accept").display = True
        words.append(Content.styled(printable(" ".join(self._sentences_on_remains(error))), "$quiet"))
        self.query_one("#trouble", Static).update(Content("\n\n").join(words))
        self.query_one("#accept" if self.query_one("#accept").display else "#cancel", Button).focus()

    def _sentences_on_remains(self, error: Exception) -> Iterator[str]:
        """Sentences: what is at the provider now, and how to continue this submission."""
        watch = shell_of(self).job_watch
        run = next((run for run in watch.runs() if run.fingerprint == self._plan.fingerprint), None)
        if run is None:
            yield "Nothing was sent."
            return
        files = [file_id for _, file_id, _ in watch.ledger.orphans(run.run)]
        if files:
            yield f"Uploaded and not used by any job: {', '.join(files)}; D on the Train stage deletes it."
        elif run.training_file is None:
            yield "Nothing was uploaded and nothing was paid."
        if run.status == "unclear":
            yield "T with the same values looks for the job once more and never creates a second one."
        elif not run.closed:
            yield "After fixing this, T with the same values continues where it stopped."
        if getattr(error, "status", None) == 401:
            yield "P stores a new key."

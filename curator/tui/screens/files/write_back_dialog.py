"""The dialog that replaces an imported file by the workspace's examples, after a backup of it."""

from __future__ import annotations

import asyncio

from textual import work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.core.text import count_of, printable
from curator.errors import CuratorError, Stopped
from curator.tui.screens.dialog import Dialog
from curator.tui.shell import shell_of
from curator.tui.widgets.progress_line import ProgressLine
from curator.workspace.exchange.write_back import WriteBack, plan_write_back, write_back


class WriteBackDialog(Dialog[None]):
    """Names the file, the number of examples and the backup; on accept replaces the file of `source`."""

    HEADING = "Write back"
    ACCEPT = "Replace the file"
    HELP = "The imported file is only ever written here, after a copy of it was made and synced beside it."

    def __init__(self, source: int = 1) -> None:
        super().__init__()
        self._source = source
        self._plan: WriteBack | None = None

    def compose_body(self) -> ComposeResult:
        """What is replaced, and the progress."""
        yield Static("", id="about")
        yield ProgressLine("writing back")

    def on_mount(self) -> None:
        """Plan the change, or show why it cannot be made."""
        try:
            plan = self._plan = plan_write_back(self.session.workspace, self._source)
        except CuratorError as error:
            self.query_one("#about", Static).update(Content(printable(error.message)))
            self.query_one("#accept").display = False
            self.query_one("#cancel").focus()
            return
        text = (
            f"{plan.origin}\nis replaced by the {count_of(len(plan.ids))} that this workspace has of it.\n"
            f"The file as it is now is kept as\n{plan.backup.name}"
        )
        self.query_one("#about", Static).update(Content(printable(text)))
        self.query_one("#cancel").focus()

    def action_accept(self) -> None:
        """Start writing."""
        if self._plan is not None and not self.query_one(ProgressLine).working:
            self._write(self._plan)

    @work(exclusive=True, group="export", exit_on_error=False)
    async def _write(self, plan: WriteBack) -> None:
        progress = self.query_one(ProgressLine)
        progress.begin("Writing", len(plan.ids))
        try:
            report = await asyncio.to_thread(write_back, self.session.workspace, plan, progress.tick)
        except Stopped as stopped:
            self.session.toast(stopped.message)
            return
        except CuratorError as error:
            self.session.say(error, title="Not written")
            return
        finally:
            progress.end()
        shell_of(self).source_watch.look()
        self.dismiss(None)
        backup_line = f"\nbefore: {report.backup.name}" if report.backup is not None else ""
        self.app.notify(printable(report.words + backup_line), title="Written back", markup=False, timeout=12)

    def action_cancel(self) -> None:
        """Stop writing, which leaves the file as it was; otherwise close the dialog."""
        progress = self.query_one(ProgressLine)
        if progress.working:
            progress.stop()
        else:
            self.dismiss(None)

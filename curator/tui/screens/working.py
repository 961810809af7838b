"""`Working`: the dialog of `Shell.run_long`, which shows the progress of a thread; escape stops it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from curator.core.text import printable
from curator.tui.screens.dialog import Dialog
from curator.tui.session.changing import FAILURES
from curator.tui.widgets.progress_line import ProgressLine


class Working(Dialog[Any]):
    """Runs a job in a thread and dismisses with its result, or with the exception that ended it."""

    ACCEPT = ""
    CANCEL = "Stop"
    AUTO_FOCUS: ClassVar[str | None] = ""
    """Nothing has the focus, so that keys typed ahead cannot press the button that stops the work."""

    def __init__(self, heading: str, job: Callable[[], Any]) -> None:
        super().__init__()
        self._heading, self._job = heading, job

    def compose_body(self) -> ComposeResult:
        """The line with the progress."""
        yield ProgressLine()

    def on_mount(self) -> None:
        """Begin after the dialog is drawn: once the thread works, drawing the list may have to wait for it."""
        self.query_one(".box", Vertical).border_title = Content(printable(self._heading))
        self.call_after_refresh(self._work)

    @work(exclusive=True, group="working")
    async def _work(self) -> None:
        progress, session = self.query_one(ProgressLine), self.session
        progress.work = self._heading[:1].lower() + self._heading[1:]
        progress.begin("Working")
        progress.phase("Working", 0, 0)

        def job() -> Any:
            with session.workspace.reporting_to(progress.phase):
                result = self._job()
            session.workspace.counts()  # in this thread too: the status line would have to wait for them
            return result

        session.busy = True
        try:
            result = await asyncio.to_thread(job)
        except FAILURES as error:
            result = error
        finally:
            session.busy = False
            progress.end()
        self.dismiss(result)

    def action_accept(self) -> None:
        """Do nothing: there is no question to accept."""

    def action_cancel(self) -> None:
        """Stop the work, which it heeds as long as nothing is saved."""
        self.query_one(ProgressLine).stop()

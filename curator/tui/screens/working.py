"""A box over everything while a thread changes many examples: how far it is, and escape stops it."""

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
    """Does a job and dismisses with its result, or with the failure that ended it."""

    ACCEPT = ""
    CANCEL = "Stop"
    AUTO_FOCUS: ClassVar[str | None] = ""
    """No key but escape does anything: what was typed ahead must not stop the work."""

    def __init__(self, heading: str, job: Callable[[], Any]) -> None:
        super().__init__()
        self._heading, self._job = heading, job

    def compose_body(self) -> ComposeResult:
        """How far it is."""
        yield ProgressLine()

    def on_mount(self) -> None:
        """Begin once the box is drawn: what draws the list may have to wait for the thread from then on."""
        self.query_one(".box", Vertical).border_title = Content(printable(self._heading))
        self.call_after_refresh(self._work)

    @work(exclusive=True, group="working")
    async def _work(self) -> None:
        progress, session = self.query_one(ProgressLine), self.session
        progress.begin("Working")
        progress.phase("Working", 0, 0)

        def job() -> Any:
            with session.workspace.reporting_to(progress.phase):
                done = self._job()
            session.workspace.counts()  # nobody has to wait for them either
            return done

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
        """Nothing is asked here."""

    def action_cancel(self) -> None:
        """Stop it, as long as nothing is saved."""
        self.query_one(ProgressLine).stop()

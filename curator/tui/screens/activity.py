"""`ActivityDialog`: where one is in the loop, what goes on in the background, and everything that was said."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Confirm, Dialog
from curator.tui.session.telling.message_log import SaidMessage
from curator.tui.shell import shell_of
from curator.tui.stage_models.loop.loop_state import loop_state
from curator.tui.stage_models.loop.running_words import RunningTask, running_tasks
from curator.tui.stage_models.run_notes import consequence
from curator.tui.widgets.line_list import LineList, Pieces
from curator.tui.widgets.message_line import MARKS

LOOK = 1.0
"""Seconds between two looks at what goes on."""
BAR = 20
"""Cells of a bar that shows a share."""


class ActivityDialog(Dialog[None]):
    """Lists tasks above messages; the message under the cursor is shown in full below."""

    SCOPE = "activity"
    BINDINGS = keys.bindings("activity")
    HEADING = "What goes on"
    ACCEPT = ""
    CANCEL = "Close"
    HELP = (
        "Everything that runs, with its share and the time left, and every message since the start, latest first. "
        "c stops the task under the cursor; enter on a training goes to it."
    )
    AUTO_FOCUS: ClassVar[str | None] = "#said"

    def __init__(self) -> None:
        super().__init__()
        self._said: Sequence[SaidMessage] = ()
        self._tasks: list[RunningTask] = []

    def compose_body(self) -> ComposeResult:
        """The state of the loop, the tasks, the messages, the full text of one."""
        yield Static("", id="loop")
        yield LineList("tasks", empty="Nothing runs in the background.")
        yield LineList("said", empty="Nothing was said yet.")
        yield Static("", id="full-text")

    def on_mount(self) -> None:
        """Show all of it, and how far the tasks are once a second."""
        self._said = list(shell_of(self).message_log)
        self._look()
        self.set_interval(LOOK, self._look)
        self.query_one("#said", LineList).show(len(self._said), self._message_line)
        if self._tasks:
            self.query_one("#tasks").focus()
        self._show_text(0)

    def _look(self) -> None:
        shell, session = shell_of(self), self.session
        state = loop_state(session.summary(), session.workspace, shell.job_watch)
        self.query_one("#loop", Static).update(Content.styled(state.sentence, "bold"))
        self._tasks = running_tasks(session, shell.job_watch)
        tasks = self.query_one("#tasks", LineList)
        tasks.styles.height = max(1, min(6, len(self._tasks)))
        tasks.show(len(self._tasks), self._task_line)

    def _task_line(self, index: int, width: int) -> Pieces:
        task = self._tasks[index]
        filled = round((task.share or 0) * BAR)
        bar = f"{'█' * filled}{'·' * (BAR - filled)} " if task.share is not None else " " * (BAR + 1)
        key = " · c stops it" if task.stop or task.run else ""
        return [(bar, "train"), (task.sentence, ""), (key, "dim")]

    def _message_line(self, index: int, width: int) -> Pieces:
        message = self._said[index]
        kind = {"error": "error", "warning": "warning"}.get(message.severity, "accent")
        clock = time.strftime("%H:%M:%S", time.localtime(message.at))
        title = f"{message.title}: " if message.title else ""
        mark = f"{MARKS[message.severity][0]} "
        return [(f"{clock} ", "dim"), (mark, kind), (one_line(f"{title}{message.text}"), "")]

    @on(LineList.Highlighted, "#said")
    def _moved(self, event: LineList.Highlighted) -> None:
        self._show_text(event.index)

    def _show_text(self, index: int) -> None:
        text = printable(self._said[index].text) if index < len(self._said) else ""
        self.query_one("#full-text", Static).update(Content.styled(text, "$quiet"))

    @property
    def _current(self) -> RunningTask | None:
        """The task under the cursor."""
        at = self.query_one("#tasks", LineList).cursor
        return self._tasks[at] if at < len(self._tasks) else None

    def action_stop(self) -> None:
        """Stop the task under the cursor; a training is cancelled after a question."""
        task = self._current
        if task is None:
            self.session.toast("Nothing runs that could be stopped")
        elif task.run is not None:
            self._cancel_training(task)
        elif task.stop is None:
            self.session.toast(f"This cannot be stopped: {task.words}")
        else:
            task.stop()
            self.session.toast(f"Stopping: {task.words}")

    @work(group="dialog", exit_on_error=False)
    async def _cancel_training(self, task: RunningTask) -> None:
        assert task.run is not None
        jobs = shell_of(self).job_watch
        words = consequence(task.run, "cancel")
        if await self.app.push_screen_wait(Confirm("Cancel this job?", words, "Cancel the job")):
            try:
                await jobs.steer(task.run, "cancel")
            except CuratorError as error:
                self.session.say(error)
            jobs.poll_at_once()

    @on(LineList.Chosen, "#tasks")
    async def _show_training(self) -> None:
        task = self._current
        if task is None or task.run is None:
            return
        shell = shell_of(self)
        self.dismiss(None)
        await shell.show_run(task.run.run)

    def action_accept(self) -> None:
        """Enter closes it too."""
        self.dismiss(None)

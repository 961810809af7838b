"""`ActivityDialog`: where one is in the loop, what goes on in the background, and everything that was said."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.core.text import one_line, printable
from curator.tui.screens.dialog import Dialog
from curator.tui.session.telling.message_log import SaidMessage
from curator.tui.shell import shell_of
from curator.tui.stage_models.loop.loop_state import loop_state
from curator.tui.stage_models.loop.running_words import RunningTask, running_tasks
from curator.tui.widgets.line_list import LineList, Pieces
from curator.tui.widgets.message_line import MARKS

LOOK = 1.0
"""Seconds between two looks at what goes on."""
BAR = 20
"""Cells of a bar that shows a share."""


class ActivityDialog(Dialog[None]):
    """Lists tasks above messages; the message under the cursor is shown in full below."""

    HEADING = "What goes on"
    ACCEPT = ""
    CANCEL = "Close"
    HELP = (
        "Everything that runs, with its share and the time left, and every message since the start, latest first."
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
        return [(bar, "train"), (task.sentence, "")]

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

    def action_accept(self) -> None:
        """Enter closes it too."""
        self.dismiss(None)

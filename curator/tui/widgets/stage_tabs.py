"""`StageTabs`: the line at the top with the program's name, the stages and the dataset's file name."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.events import Click
from textual.widgets import Static

from curator.core.text import one_line, printable
from curator.tui import stage_list
from curator.tui.shell import shell_of


class StageTab(Static):
    """One stage; a click shows it."""

    def __init__(self, entry: stage_list.Entry, current: bool) -> None:
        super().__init__(Content(f" {entry.key} {entry.title} "), classes="-current" if current else "")
        self.entry = entry
        self.tooltip = Content(f"{entry.title}: alt+{entry.key}")

    async def on_click(self, event: Click) -> None:
        """Go to the stage."""
        event.stop()
        await self.run_action(f"app.stage({self.entry.name!r})")


class StageTabs(Horizontal):
    """All stages, the current one marked."""

    def __init__(self, current: str) -> None:
        super().__init__()
        self._current = current

    def compose(self) -> ComposeResult:
        """Name, tabs, file."""
        yield Static(Content("▚ curator"), id="brand")
        for entry in stage_list.STAGES.values():
            yield StageTab(entry, entry.name == self._current)
        yield Static("", id="source")

    def on_mount(self) -> None:
        """Show the file's name, and again after each change."""
        shell_of(self).session.changed.subscribe(self, lambda _: self._show_source())
        self._show_source()

    def _show_source(self) -> None:
        workspace = shell_of(self).session.workspace
        if shell_of(self).source_watch.changed:
            words = Content.styled("file changed", "$mark-warning bold")
        else:
            lock = "read only: " if workspace.read_only else ""
            words = Content(one_line(f"{lock}{workspace.source_name}"))
        source = self.query_one("#source", Static)
        if not (
            isinstance(source.content, Content) and words.is_same(source.content)
        ):  # else all of the screen would be laid out anew
            source.update(words)
            source.tooltip = Content(printable(str(workspace.path)))

    @on(Click, "#source")
    async def _source_clicked(self) -> None:
        if shell_of(self).source_watch.changed:
            await self.run_action("app.dialog('source')")

"""A source's file that was changed outside: what is new and gone there; merge it, or keep what is here."""

from __future__ import annotations

import asyncio

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, Static

from curator.core.text import one_line
from curator.errors import CuratorError, Stopped
from curator.tui.screens.dialog import Dialog
from curator.tui.session.source_watch import SourceWatch
from curator.tui.shell import shell_of
from curator.tui.widgets.progress_line import ProgressLine
from curator.workspace.exchange.merge_source import Comparison, compare
from curator.workspace.storage.sources import Source


class SourceDialog(Dialog[None]):
    """The first source that was changed."""

    HEADING = "File changed outside"
    ACCEPT = "Merge"
    CANCEL = "Later"
    HELP = (
        "Merging adds the lines that are new in the file behind those they follow, and deletes the examples whose "
        "line is gone, unless they were edited here; it is one change. Keeping leaves everything as it is here."
    )

    def __init__(self) -> None:
        super().__init__()
        self._found: Comparison | None = None

    @property
    def _watch(self) -> SourceWatch:
        return shell_of(self).source_watch

    @property
    def _source(self) -> Source | None:
        changed = self._watch.changed
        return next((source for source in self.session.workspace.stored.sources if source.id in changed), None)

    def compose_body(self) -> ComposeResult:
        """The file, what is new there, and a third way out."""
        yield Static("", id="about")
        yield ProgressLine()
        yield Button(Content("Keep what is here; do not ask about this again"), id="keep", compact=True)

    def on_mount(self) -> None:
        """Compare."""
        self._watch.look()
        source = self._source
        self.query_one("#keep").display = source is not None
        if source is None:
            self.query_one("#accept").display = False
            self._say("Every file that was imported is as it was then.")
            self.query_one("#cancel").focus()
        else:
            self.query_one("#accept").focus()
            self._compare(source)

    @work(exclusive=True, group="compare", exit_on_error=False)
    async def _compare(self, source: Source) -> None:
        progress = self.query_one(ProgressLine)
        progress.begin("Comparing", source.line_file.lines)
        try:
            self._found = await asyncio.to_thread(compare, self.session.workspace, source.id, progress.tick)
        except Stopped:
            self.dismiss(None)
            return
        except CuratorError as error:
            self._say(f"{source.origin} was changed. {error.message}.")
            self.query_one("#accept").display = False
            return
        finally:
            progress.end()
        self._say(f"{source.origin}\n{self._found.words}")

    def _say(self, text: str) -> None:
        self.query_one("#about", Static).update(Content("\n".join(map(one_line, text.split("\n")))))

    def action_accept(self) -> None:
        """Merge."""
        source = self._source
        if source is not None and self._found is not None:
            self.session.merge(source.id, self._found, lambda: self._merged(source.id))

    def _merged(self, source: int) -> None:
        self._watch.look()
        if source not in self._watch.changed:
            self.dismiss(None)

    @on(Button.Pressed, "#keep")
    def _keep(self, event: Button.Pressed) -> None:
        event.stop()
        source = self._source
        try:
            if source is not None:
                self.session.workspace.accept_origin(source.id, self._found.stat if self._found else None)
        except (CuratorError, OSError) as error:
            self.session.say(error, title="Not saved")
        else:
            self._watch.look()
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Stop comparing; else decide later."""
        progress = self.query_one(ProgressLine)
        if progress.working:
            progress.stop()
        else:
            self.dismiss(None)

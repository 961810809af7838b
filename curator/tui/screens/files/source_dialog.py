"""The dialog for an imported file that was changed outside: shows the differences, then merges or ignores them."""

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
    """Compares the first changed file with its examples, and merges it or marks it as seen."""

    HEADING = "File changed outside"
    ACCEPT = "Merge"
    CANCEL = "Later"
    HELP = (
        "Merging adds the new lines of the file at their places, and deletes the examples whose line was removed "
        "from it, unless they were edited here; it is one change. Keeping leaves all examples as they are."
    )

    def __init__(self) -> None:
        super().__init__()
        self._comparison: Comparison | None = None

    @property
    def _watch(self) -> SourceWatch:
        return shell_of(self).source_watch

    @property
    def _source(self) -> Source | None:
        changed = self._watch.changed
        return next((source for source in self.session.workspace.stored.sources if source.id in changed), None)

    def compose_body(self) -> ComposeResult:
        """The differences, the progress, and the button that keeps the examples."""
        yield Static("", id="about")
        yield ProgressLine("comparing the file")
        yield Button(Content("Keep what is here; do not ask about this again"), id="keep", compact=True)

    def on_mount(self) -> None:
        """Start comparing, or say that no file was changed."""
        self._watch.look()
        source = self._source
        self.query_one("#keep").display = source is not None
        if source is None:
            self.query_one("#accept").display = False
            self._say("No imported file has new changes.")
            self.query_one("#cancel").focus()
        else:
            self.query_one("#accept").focus()
            self._compare(source)

    @work(exclusive=True, group="compare", exit_on_error=False)
    async def _compare(self, source: Source) -> None:
        progress = self.query_one(ProgressLine)
        progress.begin("Comparing", source.line_file.lines)
        try:
            self._comparison = await asyncio.to_thread(compare, self.session.workspace, source.id, progress.tick)
        except Stopped:
            self.dismiss(None)
            return
        except CuratorError as error:
            self._say(f"{source.origin} was changed. {error.message}.")
            self.query_one("#accept").display = False
            return
        finally:
            progress.end()
        self._say(f"{source.origin}\n{self._comparison.words}")

    def _say(self, text: str) -> None:
        self.query_one("#about", Static).update(Content("\n".join(map(one_line, text.split("\n")))))

    def action_accept(self) -> None:
        """Merge the file's changes, as one change."""
        source = self._source
        if source is not None and self._comparison is not None:
            self.session.merge(source.id, self._comparison, lambda: self._merged(source.id))

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
                stat = self._comparison.stat if self._comparison else None
                self.session.workspace.accept_origin(source.id, stat)
        except (CuratorError, OSError) as error:
            self.session.say(error, title="Not saved")
        else:
            self._watch.look()
            self.dismiss(None)

    def action_cancel(self) -> None:
        """Stop comparing; otherwise close the dialog and decide later."""
        progress = self.query_one(ProgressLine)
        if progress.working:
            progress.stop()
        else:
            self.dismiss(None)

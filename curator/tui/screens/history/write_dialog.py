"""The dialog that writes a round's data, or a card of the run, its model or its data, to a file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Select, Static

from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tui.screens.dialog import Confirm, Dialog
from curator.tui.shell import shell_of
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput, Paths, path_of

if TYPE_CHECKING:
    from curator.jobs.rounds.rounds import Round


class WriteDialog(Dialog[None]):
    """Asks what to write, and where."""

    ACCEPT = "Write"
    HELP = (
        "The data is written byte for byte, with the sha256 that the ledger tells. Cards are Markdown under the "
        "headings of the Hugging Face Hub, with the training curve; what only you know is left to be filled in."
    )

    def __init__(self, each: Round) -> None:
        super().__init__()
        self._round = each

    def compose_body(self) -> ComposeResult:
        """What to write, and the path."""
        from curator.jobs.rounds.files import KINDS, file_name  # heavy

        kinds = [kind for kind in KINDS if kind != "validation" or self._round.run.validation_sha256]
        options = [(Content(KINDS[kind]), kind) for kind in kinds]
        what = DropDown(options, value="data", allow_blank=False, compact=True, id="what")
        path = self.session.workspace.path.parent / file_name("data", self._round.number)
        field = LineInput(str(path), suggester=Paths(), compact=True, id="path")
        for name, widget in (("What", what), ("File", field)):
            yield Horizontal(Static(Content(name), classes="name"), widget, classes="field -tight")

    def on_mount(self) -> None:
        """Show the round's number."""
        self.query_one(".box", Vertical).border_title = Content(f"Write about round {self._round.number}")
        self.query_one("#what").focus()

    @on(Select.Changed, "#what")
    def _match_name(self, event: Select.Changed) -> None:
        """Give the file the usual name of what is written, in the same folder."""
        from curator.jobs.rounds.files import file_name  # heavy

        field = self.query_one("#path", LineInput)
        field.value = str(Path(field.value).with_name(file_name(str(event.value), self._round.number)))

    def action_accept(self) -> None:
        """Write, after asking where a file would be replaced."""
        self._write()

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def _write(self) -> None:
        from curator.jobs.rounds.files import write_about  # heavy
        from curator.jobs.rounds.rounds import Basis
        from curator.jobs.side_effects.of_a_run import known_words

        kind = str(self.query_one("#what", Select).value)
        path, workspace = path_of(self.query_one("#path", LineInput)), self.session.workspace
        if path.exists() and not await self.app.push_screen_wait(
            Confirm("Replace?", f"{one_line(str(path))} will be replaced.", "Replace")
        ):
            return
        ledger, each = shell_of(self).job_watch.ledger, self._round

        def write() -> str:
            effects = known_words(each.run, each.model, ledger, Basis.of(workspace).contract)
            name, reviewed = workspace.source_name, workspace.counts().reviewed
            return write_about(kind, each, ledger, path, name=name, reviewed=reviewed, side_effects=effects)

        try:
            words = await asyncio.to_thread(write)
        except CuratorError as error:
            self.session.say(error, title="Not written")
            return
        self.dismiss(None)
        self.session.toast(words)

"""`ChartDialog`: writes a chart to a file: SVG, PNG, or CSV, by its ending."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from curator import atomic
from curator.core.text import one_line
from curator.tui.screens.dialog import Confirm, Dialog
from curator.tui.widgets.line_input import LineInput, Paths, path_of

if TYPE_CHECKING:
    from curator.core.charts.picture import Picture

ENDINGS = (".svg", ".png", ".csv")


class ChartToWrite(NamedTuple):
    """A chart in words, and what makes its picture and its table when they are wanted."""

    words: str
    picture: Callable[[], Picture | None]
    """None where there is nothing to draw."""
    table: Callable[[], str]


class ChartDialog(Dialog[None]):
    """Asks for the path."""

    HEADING = "Write the chart"
    ACCEPT = "Write"
    HELP = "A picture with titles and units as SVG or PNG, or all values as CSV: the ending of the name decides."

    def __init__(self, chart: ChartToWrite, path: Path) -> None:
        super().__init__()
        self._chart, self._path = chart, path

    def compose_body(self) -> ComposeResult:
        """What is written, and the path."""
        yield Static(Content(one_line(f"{self._chart.words}. The ending decides: {', '.join(ENDINGS)}", 300)))
        field = LineInput(str(self._path), suggester=Paths(), compact=True, id="path")
        yield Horizontal(Static(Content("File"), classes="name"), field, classes="field -tight")

    def on_mount(self) -> None:
        """Focus the path."""
        self.query_one("#path").focus()

    def action_accept(self) -> None:
        """Write the file, after a question where it exists."""
        self._write()

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def _write(self) -> None:
        path = path_of(self.query_one("#path", LineInput))
        if path.suffix.lower() not in ENDINGS:
            self.session.toast(f"The name must end in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}.")
            return
        picture = self._chart.picture()
        if picture is None:
            self.session.toast("There are no values to draw yet.")
            return
        if path.exists() and not await self.app.push_screen_wait(
            Confirm("Replace?", f"{path} exists.", "Replace")
        ):
            return
        ending = path.suffix.lower()
        data = self._chart.table().encode() if ending == ".csv" else None
        try:
            atomic.write_bytes(path, data or (picture.svg() if ending == ".svg" else picture.png()))
        except OSError as error:
            self.session.say(OSError(f"{path} cannot be written: {error.strerror or error}"))
            return
        self.dismiss(None)
        self.session.toast(f"Written: {path}")

"""`ChartDialog`: writes the curves of a run to a file: SVG, PNG, or CSV, by its ending."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from curator import atomic
from curator.core.scores.chart import Series
from curator.core.text import one_line
from curator.tui.screens.dialog import Confirm, Dialog
from curator.tui.widgets.line_input import LineInput, Paths, path_of

ENDINGS = (".svg", ".png", ".csv")


class ChartDialog(Dialog[None]):
    """Asks for the path."""

    HEADING = "Write the curves"
    ACCEPT = "Write"
    HELP = "A picture with titles and units as SVG or PNG, or all values as CSV: the ending of the name decides."

    def __init__(
        self, series: Sequence[Series], title: str, unit: str, path: Path, *, log: bool, smoothing: float
    ) -> None:
        super().__init__()
        self._series, self._title, self._unit, self._path = series, title, unit, path
        self._log, self._smoothing = log, smoothing

    def compose_body(self) -> ComposeResult:
        """What is written, and the path."""
        smooth = f", smoothed {self._smoothing:g} (CSV: as measured)" if self._smoothing else ""
        yield Static(Content(one_line(f"{self._title}{smooth}. The ending decides: {', '.join(ENDINGS)}", 300)))
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
        if path.exists() and not await self.app.push_screen_wait(
            Confirm("Replace?", f"{path} exists.", "Replace")
        ):
            return
        data = self._file(path.suffix.lower())
        if data is None:
            self.session.toast("There are no values to draw yet.")
            return
        try:
            atomic.write_bytes(path, data)
        except OSError as error:
            self.session.say(OSError(f"{path} cannot be written: {error.strerror or error}"))
            return
        self.dismiss(None)
        self.session.toast(f"Written: {path}")

    def _file(self, ending: str) -> bytes | None:
        """The file's bytes; None where there is nothing to draw."""
        from curator.core.scores import chart_files  # heavy: csv, zlib

        if ending == ".csv":
            return chart_files.to_csv(self._series, "step").encode() if self._series else None
        words = chart_files.ChartWords(self._title, "step", self._unit)
        plot = chart_files.lay_out(self._series, words, log=self._log, smoothing=self._smoothing)
        if plot is None:
            return None
        return chart_files.to_svg(plot).encode() if ending == ".svg" else chart_files.to_png(plot)

"""Writing the examples of the present view to a file."""

from __future__ import annotations

from pathlib import Path

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Checkbox, Input, Select, Static

from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui.screens.dialog import Confirm, Dialog

FORMATS = (
    ("as they are, byte for byte", ""),
    ("chat", "chat"),
    ("preference", "preference"),
    ("completion", "completion"),
    ("ShareGPT", "sharegpt"),
    ("Alpaca", "alpaca"),
    ("CSV", "csv"),
)


class ExportDialog(Dialog[None]):
    """A path, a format, and whether train and validation go to files of their own."""

    HEADING = "Export"
    ACCEPT = "Write"
    HELP = "Writes what the Data stage lists, in that order. A file is written whole or not at all."

    def compose_body(self) -> ComposeResult:
        """What, where, how."""
        session = self.session
        stem = Path(session.workspace.source_name).stem or "examples"
        path = session.workspace.path.parent / f"{stem}-export.jsonl"
        query = f" that match {session.query}" if session.query else ""
        yield Static(Content.styled(one_line(f"{session.view.total:,} examples{query}"), "bold"))
        yield Horizontal(
            Static(Content("File"), classes="name"),
            Input(str(path), compact=True, id="path"),
            classes="field -tight",
        )
        options = [(Content(title), value) for title, value in FORMATS]
        yield Horizontal(
            Static(Content("Format"), classes="name"),
            Select(options, value="", allow_blank=False, compact=True, id="format"),
            classes="field -tight",
        )
        split = session.workspace.counts().validation > 0
        yield Checkbox(
            Content("train and validation as two files"), split, compact=True, id="sides", disabled=not split
        )

    def on_mount(self) -> None:
        """The path is what one changes."""
        self.query_one("#path").focus()

    def action_accept(self) -> None:
        """Ask before an old file is replaced, then write."""
        self._write(
            Path(self.query_one("#path", Input).value.strip()).expanduser(),
            str(self.query_one("#format", Select).value) or None,
            self.query_one("#sides", Checkbox).value,
        )

    @work(exclusive=True, group="export", exit_on_error=False)
    async def _write(self, path: Path, target: str | None, sides: bool) -> None:
        import asyncio

        jobs = self._files(path, sides)
        there = [one_line(file.name) for file, _ in jobs if file.exists()]
        if there and not await self.app.push_screen_wait(
            Confirm("Replace?", f"{' and '.join(there)} will be replaced.", "Replace")
        ):
            return
        try:
            said = [await asyncio.to_thread(self._export, file, query, target) for file, query in jobs]
        except CuratorError as error:
            self.session.say(error, title="Not written")
            return
        self.dismiss(None)
        self.app.notify(printable("\n".join(said)), title="Exported", markup=False, timeout=8)

    def _files(self, path: Path, sides: bool) -> list[tuple[Path, str]]:
        """Files and the queries of what goes into each."""
        query = self.session.query
        if not sides:
            return [(path, query)]
        inside = f"({query}) " if query else ""
        return [
            (path.with_name(f"{path.stem}-{side}{path.suffix}"), f"{inside}split:{side}")
            for side in ("train", "validation")
        ]

    def _export(self, path: Path, query: str, target: str | None) -> str:
        from curator.workspace.exporter import export

        session = self.session
        view = session.workspace.view(query, session.sort, session.descending)
        report = export(session.workspace, view.ids, path, target)  # type: ignore[arg-type]
        left = f", {len(report.skipped):,} left out that the format cannot hold" if report.skipped else ""
        return f"{report.path.name}: {report.examples:,} examples{left}, sha256 {report.sha256[:12]}"

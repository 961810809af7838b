"""The dialog that writes examples to a file: the view, the selection, all of them, or the sides of the split."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Select, Static

from curator.core.query.query import grouped
from curator.core.text import count_of, one_line, printable
from curator.errors import CuratorError, Stopped
from curator.tui.screens.dialog import Confirm, Dialog
from curator.tui.shell import shell_of
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput, Paths, path_of
from curator.tui.widgets.progress_line import ProgressLine

FORMATS = (
    ("as they are, byte for byte", ""),
    ("chat", "chat"),
    ("preference", "preference"),
    ("completion", "completion"),
    ("ShareGPT", "sharegpt"),
    ("Alpaca", "alpaca"),
    ("CSV", "csv"),
    ("TRL", "trl"),
    ("Axolotl", "axolotl"),
    ("LLaMA-Factory", "llamafactory"),
    ("Unsloth", "unsloth"),
    ("Together", "together"),
    ("Mistral", "mistral"),
    ("Gemini", "gemini"),
    ("Bedrock", "bedrock"),
)


MARKS = (
    ("stay here", ""),
    ("in a file beside it", "sidecar"),
    ("under a key of each example", "keys"),
)
"""Where labels, ratings, reviews and notes go, as `export --marks` has it."""


class ExportDialog(Dialog[None]):
    """Asks which examples to write, the path and the format; shows the progress of writing."""

    HEADING = "Export"
    ACCEPT = "Write"
    HELP = (
        "Writes the examples in the order of the Data stage. A file is written whole or not at all. What a format "
        "cannot hold (tools in Alpaca) is left out and counted. Labels, ratings, reviews and notes stay here "
        "unless you choose a place for them; an import brings them back."
    )

    def compose_body(self) -> ComposeResult:
        """The examples, the path, the format, and the progress."""
        stem = Path(self.session.workspace.source_name).stem or "examples"
        path = self.session.workspace.path.parent / f"{stem}-export.jsonl"
        choices = self._choices()
        what = DropDown(
            [(Content(one_line(title, 60)), value) for value, title in choices.items()],
            value=next(value for value in ("selection", "sides", "view") if value in choices),
            allow_blank=False, compact=True, id="what",
        )  # fmt: skip
        options = [(Content(title), value) for title, value in FORMATS]
        form = DropDown(options, value="", allow_blank=False, compact=True, id="format")
        marks = DropDown(
            [(Content(title), value) for title, value in MARKS],
            value="", allow_blank=False, compact=True, id="marks",
        )  # fmt: skip
        field = LineInput(str(path), suggester=Paths(), compact=True, id="path")
        for name, widget in (("Examples", what), ("File", field), ("Format", form), ("Marks", marks)):
            yield Horizontal(Static(Content(name), classes="name"), widget, classes="field -tight")
        yield ProgressLine("exporting")

    def _choices(self) -> dict[str, str]:
        """The sets of examples to choose from, each with its words: number and query."""
        session, counts = self.session, self.session.workspace.counts()
        self._selected = shell_of(self).selected
        query = f" that match {session.query}" if session.query else ""
        choices = {"view": f"{count_of(session.view.total)}{query}"}
        if self._selected:
            choices["selection"] = count_of(len(self._selected), "selected example")
        if session.query:
            choices["all"] = f"all {count_of(counts.examples)}"
        if self._sides():
            totals = {side: session.workspace.view(_to_train(side)).total for side in ("train", *self._sides())}
            rejected = counts.train + counts.validation + counts.test - sum(totals.values())
            without = f", without {rejected:,} rejected" if rejected else ""
            choices["sides"] = f"{' and '.join(totals)} of these as {len(totals)} files{without}"
            choices["train"] = f"{count_of(totals['train'])} to train on"
            words = {"validation": "held-out examples", "test": "test examples"}
            choices |= {side: f"{totals[side]:,} {words[side]}" for side in self._sides()}
        return choices

    def on_mount(self) -> None:
        """Focus the path, the field that is changed most."""
        self.query_one("#path").focus()

    @on(Select.Changed, "#format")
    def _match_suffix(self, event: Select.Changed) -> None:
        """Give the path the suffix of the format, .csv or .jsonl."""
        field = self.query_one("#path", LineInput)
        path, suffix = Path(field.value), ".csv" if event.value == "csv" else ".jsonl"
        if path.suffix in (".csv", ".jsonl"):
            field.value = str(path.with_suffix(suffix))

    def action_accept(self) -> None:
        """Write, after asking where a file would be replaced."""
        if not self.query_one(ProgressLine).working:
            self._write(path_of(self.query_one("#path", LineInput)))

    def action_cancel(self) -> None:
        """Stop writing, which leaves the file as it was; otherwise close the dialog."""
        progress = self.query_one(ProgressLine)
        if progress.working:
            progress.stop()
        else:
            self.dismiss(None)

    @work(exclusive=True, group="export", exit_on_error=False)
    async def _write(self, path: Path) -> None:
        source = self._source_at(path)
        if source is not None:
            from curator.tui.screens.files.write_back_dialog import WriteBackDialog  # heavy

            self.app.switch_screen(WriteBackDialog(source))
            return
        target = str(self.query_one("#format", Select).value)
        marks = str(self.query_one("#marks", Select).value)
        if marks and target == "csv":
            words = "A CSV file holds no marks: let them stay here, or choose another format."
            self.session.say(CuratorError(words), title="Not written")
            return
        exports = self._files(path, str(self.query_one("#what", Select).value))
        existing = [one_line(file.name) for file in _written(exports, marks) if file.exists()]
        if existing and not await self.app.push_screen_wait(
            Confirm("Replace?", f"{' and '.join(existing)} will be replaced.", "Replace")
        ):
            return
        progress = self.query_one(ProgressLine)
        report_lines = []
        try:
            for file, ids in exports:
                progress.begin("Writing")
                report_lines.append(await asyncio.to_thread(self._export, file, ids, (target, marks), progress))
        except Stopped:
            self.session.toast("\n".join([*report_lines, "stopped; this file is as it was"]))
            return
        except CuratorError as error:
            self.session.say(error, title="Not written")
            return
        finally:
            progress.end()
        self.dismiss(None)
        self.app.notify(printable("\n".join(report_lines)), title="Exported", markup=False, timeout=12)

    def _sides(self) -> list[str]:
        """The held-out sides that have examples."""
        counts = self.session.workspace.counts()
        return [side for side, count in (("validation", counts.validation), ("test", counts.test)) if count]

    def _source_at(self, path: Path) -> int | None:
        """The id of the source that was imported from this path, which is written back instead; else None."""
        sources = self.session.workspace.stored.sources
        return next((source.id for source in sources if source.origin == str(path.resolve())), None)

    def _files(self, path: Path, what: str) -> list[tuple[Path, Callable[[], Sequence[int]]]]:
        """(path, function that returns the ids) for each file to write."""
        session = self.session
        inside = grouped(session.query)
        sort = (session.sort, session.descending)

        def view(query: str) -> Callable[[], Sequence[int]]:
            return lambda: session.workspace.view(query, *sort).ids

        if what == "selection":
            return [(path, lambda: self._selected)]
        if what == "sides":
            return [
                (path.with_name(f"{path.stem}-{side}{path.suffix}"), view(f"{inside}{_to_train(side)}"))
                for side in ("train", *self._sides())
            ]
        return [
            (path, view({"view": session.query, "all": ""}[what] if what in ("view", "all") else _to_train(what)))
        ]

    def _export(
        self, path: Path, ids: Callable[[], Sequence[int]], form: tuple[str, str], progress: ProgressLine
    ) -> str:
        """Write one file in a format, with its marks; what was written, in words."""
        from curator.workspace.exchange.export import export  # heavy

        chosen_ids = ids()
        progress.begin("Writing", len(chosen_ids))
        target, marks = (part or None for part in form)
        report = export(self.session.workspace, chosen_ids, path, target, progress.tick, marks)  # type: ignore[arg-type]
        words = report.words
        if report.marks is not None:
            words += f"\nlabels, ratings, reviews and notes: {report.marks.name}"
        if report.unmarked:
            words += (
                f"\n! marks left out: {count_of(report.unmarked, 'broken line has', 'broken lines have')} no keys"
            )
        rejected = self.session.workspace.rejected_among(chosen_ids)
        return f"{words}\n! {rejected:,} of these were rejected in review" if rejected else words


def _written(exports: list[tuple[Path, Callable[[], Sequence[int]]]], marks: str) -> list[Path]:
    """The files that an export writes: each, and the marks beside it."""
    from curator.workspace.exchange.marks_file import marks_path  # heavy

    files = [file for file, _ in exports]
    return [*files, *map(marks_path, files)] if marks == "sidecar" else files


def _to_train(side: str) -> str:
    """The query for what a training takes of a side of the split: rejected examples are left out."""
    return f"split:{side} -review:rejected"

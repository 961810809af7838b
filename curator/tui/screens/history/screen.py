"""The History stage: all changes and trainings, newest first; goes back to the state after any change."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static
from typing_extensions import TypeIs

from curator.core.text import one_line, printable
from curator.tui import keys
from curator.tui.screens.dialog import Confirm
from curator.tui.screens.stage import StageScreen
from curator.tui.session.changed import Changed
from curator.tui.shell import shell_of
from curator.tui.stage_models.run_words import STATUS_MARKS
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Run
    from curator.workspace.records import Change

_MOST = 2_000
_ASK_FROM = 10
"""Going back over at least this many changes asks first."""


class HistoryScreen(StageScreen):
    """Shows changes and trainings in one list, and the current one in a line below."""

    STAGE = "history"
    SCOPE = "history"
    BINDINGS = keys.bindings("history")
    CSS_PATH = "history.tcss"
    HELP = (
        "Every change of this workspace and every training, newest first. Enter goes back to the state after the "
        "change under the cursor; undone changes stay listed, dimmed, and enter on one of them does it again. "
        "d compares the examples as they were after that change with the present ones."
    )

    def __init__(self) -> None:
        super().__init__()
        self._entries: list[Change | Run] = []

    def compose_stage(self) -> ComposeResult:
        """The list, and a line about the change under the cursor."""
        yield LineList("changes", empty="Nothing was changed yet.")
        yield Static("", id="change")

    def on_mount(self) -> None:
        """Focus the list."""
        self.query_one("#changes").focus()

    def data_changed(self, changed: Changed) -> None:
        """Read changes and trainings again."""
        entries: list[Change | Run] = list(self.session.workspace.history(_MOST))
        if (self.session.workspace.path / "runs.db").exists():
            entries += shell_of(self).job_watch.runs()
        self._entries = sorted(entries, key=lambda entry: entry.created_at, reverse=True)
        self.query_one("#changes", LineList).show(len(self._entries), self._line)
        self._describe()

    def _line(self, index: int, width: int) -> Pieces:
        entry = self._entries[index]
        when = time.strftime("%d %b %H:%M", time.localtime(entry.created_at))
        if _is_run(entry):
            mark, kind = STATUS_MARKS.get(entry.status, ("·", ""))
            return [
                (f"{when}  ", "dim"),
                (f"{mark} ", kind),
                (f"Training: {entry.status}, {entry.examples or '?'} examples, {entry.model}", "accent"),
            ]
        mark = "↶" if entry.undone else "·"
        return [(f"{when}  ", "dim"), (f"{mark} ", "dim"), (entry.label, "dim" if entry.undone else "")]

    @on(LineList.Highlighted, "#changes")
    def _describe(self) -> None:
        entry = self._current()
        words = Content("")
        if entry is not None and _is_run(entry):
            model = entry.fine_tuned_model or entry.model
            words = Content(
                printable(f"{model} at {entry.provider}; dataset {(entry.dataset_sha256 or '?')[:12]}")
            )
        elif entry is not None:
            ids = ", ".join(map(str, entry.ids[:12])) + (" …" if len(entry.ids) > 12 else "")
            state = "taken back" if entry.undone else "in force"
            words = Content(one_line(f"Change {entry.id}, {state}; {len(entry.ids):,} examples: {ids}"))
        self.query_one("#change", Static).update(words)

    def _current(self) -> Change | Run | None:
        cursor = self.query_one("#changes", LineList).cursor
        return self._entries[cursor] if cursor < len(self._entries) else None

    @on(LineList.Chosen, "#changes")
    def _go(self) -> None:
        entry = self._current()
        if entry is not None and not _is_run(entry):
            self._travel(entry)

    @work(exclusive=True, group="travel", exit_on_error=False)
    async def _travel(self, target: Change) -> None:
        changes = [entry for entry in self._entries if not _is_run(entry)]
        if target.undone:
            steps = sum(1 for change in changes if change.undone and change.id <= target.id)
        else:
            steps = sum(1 for change in changes if not change.undone and change.id > target.id)
        if not steps:
            self.session.toast("This is the present state.")
            return
        words = f"{'Bring back' if target.undone else 'Take back'} {steps} change{'s' * (steps != 1)}?"
        if steps >= _ASK_FROM and not await self.app.push_screen_wait(
            Confirm("Go to another point", f"{words} It can be undone the same way.", "Go")
        ):
            return
        self.session.go_back_to(target.id)

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_diff(self) -> None:
        """Compare the dataset after the change under the cursor with the present one, in a dialog."""
        from curator.tui.screens.history.version_dialog import VersionDialog  # heavy

        entry = self._current()
        if entry is None or _is_run(entry):
            self.session.toast("There is no change under the cursor")
            return
        example = await self.app.push_screen_wait(VersionDialog(entry.id, self.session.workspace.revision()))
        if example is not None:
            await shell_of(self).show_example(example)

    async def action_show(self) -> None:
        """Go to the first example of the change that still exists."""
        entry = self._current()
        if entry is None or _is_run(entry) or not entry.ids:
            return
        live = [i for i in entry.ids if not self.session.workspace.record(i).deleted]
        if live:
            await shell_of(self).show_example(live[0])
        else:
            self.session.toast("These examples are deleted; is:deleted lists them.")


def _is_run(entry: object) -> TypeIs[Run]:
    return hasattr(entry, "provider")

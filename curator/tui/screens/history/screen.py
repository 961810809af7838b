"""The History stage: the rounds of the loop, and all changes, newest first; goes back to any of both."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import get_current_worker

from curator.core.text import count_of, one_line
from curator.tui import keys
from curator.tui.screens.dialog import Confirm
from curator.tui.screens.history.rounds import ONE_ROUND, Rounds
from curator.tui.screens.panes import RememberedPanes
from curator.tui.session.changed import Changed
from curator.tui.shell import shell_of
from curator.tui.stage_models.change_groups import ChangeGroup, group_changes, matching
from curator.tui.widgets.line_input import PlainInput
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.workspace.records import Change

_MOST = 2_000
"""Changes that are listed."""
_AT_ONCE = 250
_ASK_FROM = 10
"""Going back over at least this many changes asks first."""


class HistoryScreen(Rounds):
    """Lists rounds and changes, and tells of the change under the cursor in a line below."""

    STAGE = "history"
    SCOPE = "history"
    BINDINGS = keys.bindings("history")
    CSS_PATH = "history.tcss"
    HELP = (
        "Above, once there was a training: the rounds, newest first, with what changed in the data, the scores, "
        "and how many prompts each fixed and broke; enter opens one. Below: every change. Enter goes back to the "
        "state after the change under the cursor, or opens a group; undone changes stay listed, dimmed, and enter "
        "on one of them does it again. d compares two rounds, or the examples after a change with today's."
    )

    def __init__(self) -> None:
        super().__init__()
        self._changes: list[Change] = []
        self._entries: list[Change | ChangeGroup] = []
        self._opened: set[int] = set()
        """The groups that are open, by the id of their first change."""

    def compose_stage(self) -> ComposeResult:
        """Rounds, the words that filter the changes, the changes, a line about the one under the cursor."""
        with RememberedPanes(id="history-panes"):
            yield self.rounds_list()
            yield PlainInput(id="words", placeholder="words of the change", compact=True)
            yield LineList("changes", empty="reading …")
            yield Static("", id="change")

    def on_mount(self) -> None:
        """Focus the changes."""
        self.query_one("#words").display = False
        self.query_one("#changes").focus()
        self.follow_runs()

    def data_changed(self, changed: Changed) -> None:
        """Read changes and rounds again."""
        self._read_changes()
        self.read_rounds()

    @work(thread=True, exclusive=True, group="changes", exit_on_error=False)
    def _read_changes(self) -> None:
        """Read them in a thread, some at a time, so that nobody waits for the workspace meanwhile."""
        worker = get_current_worker()
        changes: list[Change] = []
        while len(changes) < _MOST and not worker.is_cancelled:
            before = changes[-1].id if changes else None
            more = self.session.workspace.history(_AT_ONCE, before)
            changes += more
            if len(more) < _AT_ONCE:
                break
        if not worker.is_cancelled:
            self.app.call_from_thread(self._take_changes, changes)

    def _take_changes(self, changes: list[Change]) -> None:
        if self.is_mounted:
            self._changes = changes
            self._show_changes()

    def matters(self, action: str) -> bool:
        """Rounds have keys of their own; the others are for changes."""
        return self.in_rounds if action in ONE_ROUND else action != "history.show" or not self.in_rounds

    def why_not(self, action: str) -> str:
        """What the action needs, for the palette."""
        if action not in ONE_ROUND or self._rounds:
            return ""
        return "there is no round yet; T trains a model on this data"

    def _show_changes(self) -> None:
        words = self.query_one("#words", Input).value
        groups = group_changes(matching(self._changes, words))
        entries: list[Change | ChangeGroup] = []
        for group in groups:
            entries += [group] if group.grouped else group.members
            if group.grouped and group.members[-1].id in self._opened:
                entries += group.members
        self._entries = entries
        lines = self.query_one("#changes", LineList)
        lines.say(
            "No change has these words; esc shows all."
            if words.strip()
            else "Nothing was changed yet: changes stand here, and u takes them back."
        )
        lines.show(len(entries), self._line)
        self._describe()

    def _line(self, index: int, width: int) -> Pieces:
        entry = self._entries[index]
        change = entry.newest if isinstance(entry, ChangeGroup) else entry
        when = time.strftime("%d %b %H:%M", time.localtime(change.created_at))
        mark = "↶" if change.undone else "·"
        words, kind = change.label, "dim" if change.undone else ""
        if isinstance(entry, ChangeGroup):
            mark = "▾" if entry.members[-1].id in self._opened else "▸"
            words = entry.words + (", undone" if change.undone else "")
        return [(f"{when}  ", "dim"), (f"{mark} ", "dim"), (words, kind)]

    @on(LineList.Highlighted, "#changes")
    def _describe(self) -> None:
        entry = self._current()
        words = ""
        if isinstance(entry, ChangeGroup):
            last, first = entry.newest.id, entry.members[-1].id
            words = f"Changes {first} to {last}; enter {'closes' if first in self._opened else 'opens'} the group"
        elif entry is not None:
            ids = ", ".join(map(str, entry.ids[:12])) + (" …" if len(entry.ids) > 12 else "")
            state = "taken back" if entry.undone else "in force"
            words = f"Change {entry.id}, {state}; {count_of(entry.examples)}{f': {ids}' if ids else ''}"
        self.query_one("#change", Static).update(Content(one_line(words)))

    def _current(self) -> Change | ChangeGroup | None:
        cursor = self.query_one("#changes", LineList).cursor
        return self._entries[cursor] if cursor < len(self._entries) else None

    @on(LineList.Chosen, "#changes")
    def _go(self) -> None:
        entry = self._current()
        if isinstance(entry, ChangeGroup):
            self._opened ^= {entry.members[-1].id}
            self._show_changes()
        elif entry is not None:
            self._travel(entry)

    @work(exclusive=True, group="travel", exit_on_error=False)
    async def _travel(self, target: Change) -> None:
        if target.undone:
            steps = sum(1 for change in self._changes if change.undone and change.id <= target.id)
        else:
            steps = sum(1 for change in self._changes if not change.undone and change.id > target.id)
        if not steps:
            self.session.toast("This is the present state.")
            return
        words = f"{'Bring back' if target.undone else 'Take back'} {steps} change{'s' * (steps != 1)}?"
        if steps >= _ASK_FROM and not await self.app.push_screen_wait(
            Confirm("Go to another point", f"{words} It can be undone the same way.", "Go")
        ):
            return
        self.session.go_back_to(target.id)

    def action_diff(self) -> None:
        """Compare two rounds, or the dataset after the change under the cursor with the present one."""
        if self.in_rounds:
            self.compare_rounds()
        else:
            self._compare_versions()

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def _compare_versions(self) -> None:
        from curator.tui.screens.history.version_dialog import VersionDialog  # heavy

        entry = self._current()
        if entry is None:
            self.session.toast("There is no change under the cursor")
            return
        # a group is compared as it was before its first change: what it did is part of the difference
        revision = entry.members[-1].id - 1 if isinstance(entry, ChangeGroup) else entry.id
        example = await self.app.push_screen_wait(VersionDialog(revision, self.session.workspace.revision()))
        if example is not None:
            await shell_of(self).show_example(example)

    async def action_show(self) -> None:
        """Go to the first example of the change that still exists."""
        entry = self._current()
        changes = entry.members if isinstance(entry, ChangeGroup) else (entry,) if entry is not None else ()
        ids = [example for change in changes for example in change.ids]
        if not ids:
            return
        live = next((i for i in ids if not self.session.workspace.record(i).deleted), None)
        if live is not None:
            await shell_of(self).show_example(live)
        else:
            self.session.toast("These examples are deleted; is:deleted lists them.")

    # Filtering by words

    def action_filter(self) -> None:
        """Ask for words, and list the changes that have them."""
        field = self.query_one("#words", Input)
        field.display = True
        field.focus()

    @on(Input.Changed, "#words")
    def _filter(self) -> None:
        self._show_changes()

    @on(Input.Submitted, "#words")
    def _to_matches(self, event: Input.Submitted) -> None:
        event.stop()
        self.query_one("#changes").focus()

    def action_back(self) -> None:
        """Show all changes again; then as everywhere."""
        field = self.query_one("#words", Input)
        if field.display:
            field.value = ""
            field.display = False
            self.query_one("#changes").focus()
        else:
            super().action_back()

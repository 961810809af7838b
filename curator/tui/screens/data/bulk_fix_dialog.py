"""`BulkFixDialog`: every change that a rule's fix makes in the view, before it is made."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Button, Static

from curator.core.example import parse
from curator.core.text import one_line
from curator.tui.examples.blocks import blocks_of
from curator.tui.screens.data.fix_dialog import change_lines, changes
from curator.tui.screens.dialog import Dialog
from curator.tui.stage_models.many.bulk_fix import BulkFix
from curator.tui.widgets.line_list import LineList, Pieces

LISTED = 6
"""Most lines of the list; it scrolls."""


class BulkFixDialog(Dialog[bool]):
    """Dismisses with True if the fix is to be applied to all."""

    HEADING = "Fix all"
    HELP = "Each line is an example that changes; below, the one under the cursor before and after."

    def __init__(self, plan: BulkFix) -> None:
        super().__init__()
        self._plan = plan

    def compose_body(self) -> ComposeResult:
        """The question, all changes, and the current one in full."""
        yield Static(Content(self._plan.words))
        yield LineList("fix-changes")
        yield Vertical(id="fix-detail")

    def on_mount(self) -> None:
        """List the changes."""
        count = len(self._plan.fixes)
        listed = self.query_one("#fix-changes", LineList)
        listed.styles.height = max(1, min(LISTED, count))
        listed.show(count, self._line)
        listed.focus()
        self.query_one("#accept", Button).label = Content(self._plan.accept)
        self._show_change(0)

    def _line(self, index: int, width: int) -> Pieces:
        change = self._plan.fixes[index]
        line = self.session.workspace.record(change.id).line
        where = f"line {line}" if line is not None else "new"
        pieces: list[tuple[str, str]] = [("! " if change.loses else "  ", "warning"), (f"{where:<10} ", "dim")]
        for sign, block in changes(blocks_of(change.before), blocks_of(parse(change.fixed)))[:2]:
            kind = "delete" if sign == "-" else "insert"
            pieces.append((f"{sign}{one_line(f'{block.role}: {block.text}', max(8, width // 2 - 8))} ", kind))
        return pieces

    @on(LineList.Highlighted, "#fix-changes")
    def _moved(self, event: LineList.Highlighted) -> None:
        self._show_change(event.index)

    def _show_change(self, index: int) -> None:
        change, detail = self._plan.fixes[index], self.query_one("#fix-detail", Vertical)
        detail.remove_children()
        detail.mount_all(change_lines(blocks_of(change.before), blocks_of(parse(change.fixed))))

    @on(LineList.Chosen, "#fix-changes")
    def action_accept(self) -> None:
        """Apply the fix."""
        self.dismiss(True)

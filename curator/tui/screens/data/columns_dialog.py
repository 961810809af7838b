"""`ColumnsDialog`: which columns the list has, in which order, and how wide they are."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Dialog
from curator.tui.stage_models.list_columns import ALL, CAN_HIDE, SIZABLE, STORED, ColumnLayout
from curator.tui.widgets.line_list import LineList, Pieces

WORDS = {
    "marks": "check, review, change, contradiction or copy",
    "line": "line of the file",
    "roles": "one letter for each message; only in a wide list",
    "prompt": "what is asked",
    "answer": "what is answered",
    "tokens": "tokens of the example",
    "label": "labels and stars",
    "split": "side of the split",
}
STEP = 5


class ColumnsDialog(Dialog[None]):
    """Changes the list behind it at once; what is chosen is kept with the workspace."""

    SCOPE = "columns"
    BINDINGS = keys.bindings("columns")
    HEADING = "Columns"
    ACCEPT = ""
    CANCEL = "Close"
    HELP = (
        "Columns that do not fit are left out in a narrow list, whatever is ticked. In the list itself a click on "
        "a name sorts, and the edges between the names can be dragged."
    )

    def __init__(self) -> None:
        super().__init__()
        self._layout_chosen = ColumnLayout()

    def compose_body(self) -> ComposeResult:
        """One line a column, and the answer's share."""
        yield LineList("columns")
        yield Static("", id="share")

    def on_mount(self) -> None:
        """List the columns."""
        self._layout_chosen = ColumnLayout.of(self.session.workspace)
        columns = self.query_one("#columns", LineList)
        columns.styles.height = len(ALL)
        columns.focus()
        self._show(0)

    def _show(self, cursor: int) -> None:
        self.query_one("#columns", LineList).show(len(ALL), self._line, cursor=cursor)
        words = (
            f"The answer has {self._layout_chosen.answer_share} % of the room for words. + and - size a column."
        )
        self.query_one("#share", Static).update(Content(words))

    def _line(self, index: int, width: int) -> Pieces:
        name = self._layout_chosen.order[index]
        tick = "[ ] " if name in self._layout_chosen.hidden else "[x] " if name in CAN_HIDE else " ·  "
        cells = f"{self._layout_chosen.width_of(name):>3} " if name in SIZABLE else "  · "
        return [(tick, "accent"), (f"{name:<8} ", ""), (cells, "accent"), (WORDS[name], "dim")]

    def _store(self, layout: ColumnLayout, cursor: int | None = None) -> None:
        try:
            self.session.workspace.set_meta(STORED, layout.to_json())
        except CuratorError as error:
            self.session.say(error)
            return
        self._layout_chosen = layout
        self._show(self._cursor if cursor is None else cursor)
        self.session.publish(())

    @property
    def _cursor(self) -> int:
        return self.query_one("#columns", LineList).cursor

    def action_tick(self) -> None:
        """Show the column, or hide it."""
        layout, name = self._layout_chosen, self._layout_chosen.order[self._cursor]
        if name in CAN_HIDE:
            self._store(layout._replace(hidden=layout.hidden ^ {name}))
        else:
            self.session.toast(f"The column {name} always stays.")

    def action_move(self, step: int) -> None:
        """Move the column to the left (-1) or to the right (1)."""
        order, at = list(self._layout_chosen.order), self._cursor
        if 0 <= at + step < len(order):
            order[at], order[at + step] = order[at + step], order[at]
            self._store(self._layout_chosen._replace(order=tuple(order)), at + step)

    def action_size(self, step: int) -> None:
        """Give the column under the cursor more room (1) or less (-1); the prompt's is what the answer leaves."""
        layout, name = self._layout_chosen, self._layout_chosen.order[self._cursor]
        if name in SIZABLE:
            self._store(layout.with_width(name, layout.width_of(name) + step))
        else:
            self._store(layout.with_share(layout.answer_share + (-STEP if name == "prompt" else STEP) * step))

    @on(LineList.Chosen)
    def action_accept(self) -> None:
        """Enter closes: everything is kept already."""
        self.dismiss(None)

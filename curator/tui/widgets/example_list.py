"""`ExampleList`: the list of examples of the Data stage.

It holds the ids of a view and asks the workspace only for the rows on the screen, so a million examples cost no
more than a screenful.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.cache import LRUCache
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.session.session import Session
from curator.tui.stage_models import answer_cells, label_keys
from curator.tui.stage_models.list_columns import ROW_STYLES, STORED, AnswerCell, ColumnLayout, Columns, cells
from curator.tui.stage_models.selection import Selection
from curator.tui.widgets.cursor_list import SizedColumns
from curator.workspace.records import Row
from curator.workspace.search.view import View
from curator.workspace.storage import surprises

SHIFT = 8
"""How many characters one press of left or right scrolls prompt and answer."""


class ExampleList(SizedColumns):
    """One line an example, below a line with the names of the columns."""

    SCOPE = "list"
    HELP = (
        "Each line is one example. Marks: E error, W warning, ✓ nothing found, · not checked yet; then "
        "✓ accepted, ✗ rejected, ! flagged, ? changed since; then ~ edited, + new; then ≈ duplicate, ≠ the same "
        "prompt has another answer. "
        "● is selected: what you press then works on all selected examples. Sorted by answer, the first line of "
        "each answer tells how many give it, ″ stands for the others; } and { go from answer to answer."
    )
    BINDINGS = keys.bindings("list")
    COMPONENT_CLASSES = {
        "list--head",
        "list--row",
        "list--cursor",
        "list--blurred",
        "list--selected",
        *ROW_STYLES,
    }

    @dataclass
    class Highlighted(Message):
        """The cursor moved to this example; None where the view is empty."""

        example: int | None

    @dataclass
    class Activated(Message):
        """An example was double-clicked."""

        example: int

    @dataclass
    class SortRequested(Message):
        """The user clicked the name of a column that can be sorted by."""

        field: str

    @dataclass
    class SelectionChanged(Message):
        """The selection changed; `count` examples are selected now."""

        count: int

    def __init__(self, session: Session, dom_id: str = "list") -> None:
        super().__init__(id=dom_id)
        self._session = session
        self._view = View(())
        self._ids: Sequence[int] = ()
        self._strips: LRUCache[tuple[object, ...], Strip] = LRUCache(400)
        """Lines as drawn, by everything that they depend on."""
        self._rows: dict[int, Row] = {}
        """Rows of the examples on the screen, by id."""
        self._answer_cells = answer_cells.AnswerCells(session.workspace)
        self._colours = label_keys.colours_by_name(session.workspace)
        self._layout_of_columns = ColumnLayout.of(session.workspace)
        self.selection = Selection()
        self.shift = 0
        """How many characters prompt and answer are scrolled to the right."""

    # Contents

    def show(self, view: View, keep: int | None = None) -> None:
        """List a view, with the cursor on the example `keep` or, if it is not listed, on the same line."""
        self._view, ids = view, view.ids
        self._ids = ids
        self._forget()
        self.virtual_size = Size(self.size.width, len(ids) + 1)
        index = self._index(keep)
        index = min(self.cursor if index is None else index, max(0, len(ids) - 1))
        if index == self.cursor:
            self.announce()
        self.cursor = index
        self.reveal()
        self.refresh()

    def refresh_rows(self, ids: frozenset[int] = frozenset()) -> None:
        """Read these rows again, all with no ids, and draw; does nothing where none of them is on the screen."""
        if ids and ids.isdisjoint(self._rows):
            return
        self._colours = label_keys.colours_by_name(self._session.workspace)
        self._forget()
        self.refresh()

    def _forget(self) -> None:
        """Forget the lines as drawn and the rows as read."""
        self._strips.clear()
        self._rows.clear()
        self._answer_cells.forget()

    def read_layout_if_other(self) -> None:
        """Draw anew where somebody wants other columns by now."""
        layout = ColumnLayout.of(self._session.workspace)
        if layout != self._layout_of_columns:
            self._layout_of_columns = layout
            self.refresh_rows()

    @property
    def current(self) -> int | None:
        """The example under the cursor."""
        return self._ids[self.cursor] if self.cursor < len(self._ids) else None

    @property
    def targets(self) -> Iterable[int]:
        """The ids that an action applies to: the selected examples, else the one under the cursor."""
        self.selection.end_range(self._ids, self.cursor)
        if self.selection:
            return self.selection.among(self._ids)
        return () if self.current is None else (self.current,)

    def _index(self, example: int | None) -> int | None:
        """Index of an example in the view; None where the view does not hold it."""
        if example is None:
            return None
        if self.cursor < len(self._ids) and self._ids[self.cursor] == example:
            return self.cursor
        try:
            return self._ids.index(example)
        except ValueError:
            return None

    def go_to(self, example: int) -> bool:
        """Put the cursor on an example; False where the view does not hold it."""
        index = self._index(example)
        if index is not None:
            self.cursor = index
        return index is not None

    @property
    def above(self) -> int:
        """How many lines are between the top of the visible list and the cursor."""
        return max(0, self.cursor - int(self.scroll_offset.y))

    def scroll_to_show(self, above: int) -> None:
        """Scroll so that `above` lines are visible above the cursor."""
        self.scroll_to(y=max(0, self.cursor - above), animate=False, force=True)
        self.reveal()

    # Drawing

    def render_line(self, y: int) -> Strip:
        """The names of the columns, or one example."""
        width = self.scrollable_content_region.width
        columns = self.drawn_columns
        if y == 0:
            return self._head(columns, width)
        index = y - 1 + self.scroll_offset.y
        if index >= len(self._ids):
            return self._below(index, width)
        example = self._ids[index]
        selected = self.selection.holds(example, index, self.cursor)
        state = (index == self.cursor, self.has_focus, selected)
        key = (example, width, self.shift, y == 1, *state)
        strip = self._strips.get(key)
        if strip is None and self._session.busy and example not in self._rows:
            return Strip.blank(width, self.rich_style)  # a thread has the workspace: the list is drawn again later
        if strip is None:
            row = self._row_of(example)
            room = columns.width_of("answer")
            answer = self._answer_cells.choose(row, self._view, index, room, is_first=y == 1)
            strip = self._draw_row(row, columns, width, answer, *state)
            self._strips[key] = strip
        return strip

    def _below(self, index: int, width: int) -> Strip:
        """A line below the last example: empty, but the first line of an empty view says what to do."""
        if self._ids or index != 1:
            return Strip.blank(width, self.rich_style)
        text = (
            "Nothing matches: esc shows everything"
            if self._session.query
            else "No examples yet: I imports, + makes one"
        )
        return Strip([Segment(f"  {text}", self.get_component_rich_style("list--dim"))]).adjust_cell_length(
            width, self.rich_style
        )

    @property
    def drawn_columns(self) -> Columns:
        """The columns that fit."""
        workspace, width = self._session.workspace, self.scrollable_content_region.width
        studied = bool(surprises.read(workspace.path).examples)
        return Columns.fit(width, len(workspace.ids(deleted=True)), self._layout_of_columns, studied)

    @property
    def column_layout(self) -> ColumnLayout:
        """The layout of the columns."""
        return self._layout_of_columns

    def use_layout(self, layout: ColumnLayout, *, keep: bool) -> None:
        """Draw the columns by another layout, and perhaps store it in the workspace."""
        self._layout_of_columns = layout
        self.refresh_rows()
        if keep:
            try:
                self._session.workspace.set_meta(STORED, layout.to_json())
            except CuratorError as error:
                self._session.say(error)

    def _head(self, columns: Columns, width: int) -> Strip:
        style = self.get_component_rich_style("list--head")
        text = columns.head(self._session.sort, self._session.descending)
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

    def _draw_row(
        self,
        row: Row,
        columns: Columns,
        width: int,
        answer: AnswerCell | None,
        cursor: bool,
        focus: bool,
        selected: bool,
    ) -> Strip:
        name = "list--cursor" if cursor and focus else "list--blurred" if cursor else "list--row"
        base = self.get_component_rich_style(name)
        if selected and not cursor:
            base = self.get_component_rich_style("list--selected")
        background = Style(bgcolor=base.bgcolor, bold=base.bold, underline=base.underline, reverse=base.reverse)
        segments = [Segment("›" if cursor else " ", base), Segment("●" if selected else " ", base)]
        for text, kind in cells(row, columns, self.shift, self._colours, answer):
            style = base if kind is None else self.get_component_rich_style(kind) + background
            segments.append(Segment(text, style))
        return Strip(segments).adjust_cell_length(width, base)

    def _row_of(self, example: int) -> Row:
        """The row of an example, read together with all others on the screen in a few SQL statements."""
        if example not in self._rows:
            top = self.scroll_offset.y
            page = self._ids[top : top + self.page]
            ids = page if example in page else [example]
            self._rows = {row.id: row for row in self._session.workspace.rows(ids)}
            unknown = [row.id for row in self._rows.values() if row.errors is None or row.tokens is None]
            if unknown:
                self._session.look_first(unknown)
        return self._rows[example]

    def notify_style_update(self) -> None:
        """The theme changed: forget the lines as drawn."""
        self._strips.clear()
        super().notify_style_update()

    # Cursor

    @property
    def count(self) -> int:
        """How many examples the view has."""
        return len(self._ids)

    @property
    def head_lines(self) -> int:
        """One: the names of the columns."""
        return 1

    def watch_cursor(self, old: int, new: int) -> None:
        """Draw only the two lines that changed, unless a range is being selected, and announce."""
        self.reveal()
        if self.selection.anchor is not None:
            self.refresh()
            self._announce_selection()
        for row in (old, new):
            self.refresh_line(row + 1)
        self.announce()

    def announce(self) -> None:
        """Post `Highlighted` with the example under the cursor."""
        self.post_message(self.Highlighted(self.current))

    def on_resize(self) -> None:
        """Fit the columns to the new width."""
        self._answer_cells.forget()
        self.virtual_size = Size(self.size.width, len(self._ids) + 1)
        self.reveal()

    # Actions

    def action_next_group(self) -> None:
        """Go to the first example with another answer."""
        self._step_group(1)

    def action_previous_group(self) -> None:
        """Go to the first example with this answer, then with the answer before."""
        self._step_group(-1)

    def _step_group(self, step: int) -> None:
        if not self._view.group_starts:
            self._session.toast("Nothing is grouped: b groups by answer")
        self.cursor = answer_cells.next_group(self._view, self.cursor, step)

    def action_left(self) -> None:
        """Scroll prompt and answer left."""
        self.shift = max(0, self.shift - SHIFT)
        self.refresh_rows()

    def action_right(self) -> None:
        """Scroll prompt and answer right."""
        self.shift += SHIFT
        self.refresh_rows()

    def action_select(self) -> None:
        """Select the example, or deselect it, and go to the next line."""
        if self.current is not None:
            self.selection.toggle(self.current)
            self.refresh_line(self.cursor + 1)
            self._announce_selection()
            self.cursor += 1

    def action_range(self) -> None:
        """Start selecting a range at the cursor, or end it there."""
        if self.selection.anchor is None:
            self.selection.anchor = self.cursor
        else:
            self.selection.end_range(self._ids, self.cursor)
        self.refresh()
        self._announce_selection()

    def action_select_all(self) -> None:
        """Select all examples of the view; if all are selected already, none."""
        if self.selection.count(self._ids, self.cursor) == len(self._ids):
            self.selection.clear()
        else:
            self.selection.select_all()
        self.refresh()
        self._announce_selection()

    def clear_selection(self) -> bool:
        """Deselect all examples; returns False where none was selected."""
        if not self.selection:
            return False
        self.selection.clear()
        self.refresh()
        self._announce_selection()
        return True

    def _announce_selection(self) -> None:
        self.post_message(self.SelectionChanged(self.selected))

    @property
    def selected(self) -> int:
        """How many examples are selected."""
        return self.selection.count(self._ids, self.cursor)

    # Mouse

    def on_click(self, event: events.Click) -> None:
        """Move the cursor; ctrl selects, shift selects a range, a double click edits; on a column's name: sort."""
        if event.y == 0:
            field = self.drawn_columns.field_at(event.x)
            if field and not self._was_dragged:
                self.post_message(self.SortRequested(field))
            return
        index = self.index_at(event.y)
        if index is None:
            return
        if event.shift:
            self.selection.anchor = self.cursor
            self.cursor = index
            self.action_range()
            return
        self.cursor = index
        if event.ctrl:
            self.action_select()
        elif event.chain == 2:
            self.post_message(self.Activated(self._ids[index]))

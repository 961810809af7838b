"""`CursorList`: a list with a cursor that draws only the lines on the screen; `SizedColumns`: one with columns."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.scroll_view import ScrollView

from curator.tui.stage_models.list_columns import ColumnLayout, Columns


class CursorList(ScrollView, can_focus=True):
    """Moves and shows the cursor; a subclass defines `count` and draws the lines in `render_line`."""

    cursor: reactive[int] = reactive(0, repaint=False)
    """Index of the current line, 0 in an empty list. Setting it scrolls there and calls `announce`."""

    @property
    def count(self) -> int:
        """How many lines the list has, those that are scrolled out of sight included."""
        raise NotImplementedError

    @property
    def head_lines(self) -> int:
        """How many lines at the top are a head that does not scroll."""
        return 0

    def announce(self) -> None:
        """Post the message that the cursor is on another line."""
        raise NotImplementedError

    @property
    def page(self) -> int:
        """How many lines of the list are visible, at least 1."""
        return max(1, self.size.height - self.head_lines)

    def place_cursor(self, cursor: int) -> None:
        """Put the cursor on a line of a list that has changed, without announcing it."""
        self.set_reactive(CursorList.cursor, self.validate_cursor(cursor))
        self.reveal()
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        """The nearest index inside the list."""
        return max(0, min(cursor, self.count - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Scroll to the cursor, draw, announce."""
        self.reveal()
        self.refresh()
        self.announce()

    def reveal(self) -> None:
        """Scroll by as little as makes the current line visible."""
        top = self.scroll_offset.y
        if not top <= self.cursor < top + self.page:
            y = self.cursor if self.cursor < top else self.cursor - self.page + 1
            self.scroll_to(y=y, animate=False, force=True)

    def index_at(self, y: int) -> int | None:
        """Index of the line that is drawn at row `y` of the widget; None on the head and below the last line."""
        index = y - self.head_lines + self.scroll_offset.y
        return index if y >= self.head_lines and index < self.count else None

    def on_focus(self) -> None:
        """The cursor looks different with focus."""
        self.refresh_line(self.cursor + self.head_lines)

    def on_blur(self) -> None:
        """The cursor looks different without focus."""
        self.refresh_line(self.cursor + self.head_lines)

    def action_up(self) -> None:
        """Previous line."""
        self.cursor -= 1

    def action_down(self) -> None:
        """Next line."""
        self.cursor += 1

    def action_first(self) -> None:
        """First line."""
        self.cursor = 0

    def action_last(self) -> None:
        """Last line."""
        self.cursor = self.count - 1


class PagedList(CursorList):
    """A `CursorList` whose page keys move the cursor too."""

    def action_page_up(self) -> None:
        """One screen up."""
        self.cursor -= max(1, self.size.height - 1)

    def action_page_down(self) -> None:
        """One screen down."""
        self.cursor += max(1, self.size.height - 1)


class SizedColumns(PagedList):
    """A list whose columns are sized with the mouse, at the gaps between their names.

    A subclass draws the columns and keeps their layout.
    """

    ON_AN_EDGE: ClassVar = Content("Drag this edge to size the column")
    ON_A_NAME: ClassVar = Content("A click sorts by this column; drag an edge to size it")

    _drag: tuple[Columns, ColumnLayout, int, int] | None = None
    """While an edge is dragged: the columns, the layout and the cell where that began, and the edge."""
    _was_dragged = False
    """Whether the mouse button, when it was last held down, moved an edge."""

    @property
    def drawn_columns(self) -> Columns:
        """The columns as they are drawn."""
        raise NotImplementedError

    @property
    def column_layout(self) -> ColumnLayout:
        """The layout that they are drawn for."""
        raise NotImplementedError

    def use_layout(self, layout: ColumnLayout, *, keep: bool) -> None:
        """Draw the columns by another layout, and perhaps store it."""
        raise NotImplementedError

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to drag where the pointer is on the edge of a column."""
        self._was_dragged = False
        edge = self.drawn_columns.edge_at(event.x) if event.y == 0 else None
        if edge is not None:
            self._drag = (self.drawn_columns, self.column_layout, event.x, edge)
            self.capture_mouse()
            event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the edge with the pointer; without a button, tell what a click does."""
        if self._drag is None:
            on_edge = event.y == 0 and self.drawn_columns.edge_at(event.x) is not None
            self.tooltip = None if event.y else self.ON_AN_EDGE if on_edge else self.ON_A_NAME
            return
        event.stop()
        columns, layout, began, edge = self._drag
        if event.x != began:
            self._was_dragged = True
        if self._was_dragged:
            self.use_layout(columns.dragged(layout, edge, event.x - began), keep=False)

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """The edge stays where it is; the layout is stored."""
        if self._drag is not None:
            self._drag = None
            self.release_mouse()
            event.stop()
            if self._was_dragged:
                self.use_layout(self.column_layout, keep=True)

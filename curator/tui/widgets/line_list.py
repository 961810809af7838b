"""`LineList`: a list of lines in pieces of different colours: runs, duplicate groups, changes, answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from curator.core.text import one_line
from curator.tui import keys
from curator.tui.widgets.cursor_list import PagedList

Pieces = Sequence[tuple[str, str]]
"""A line as (text, kind) pieces; `lines--KIND` is in `LineList.COMPONENT_CLASSES`, "" is the list's own colour."""


class LineList(PagedList):
    """`show` gets a function that makes the line at an index, of at most `width` cells, when it is drawn.

    Control characters in the pieces are replaced when they are drawn.
    """

    SCOPE = "lines"
    BINDINGS = keys.bindings("lines")
    COMPONENT_CLASSES = {
        "lines--head",
        "lines--cursor",
        "lines--blurred",
        "lines--dim",
        "lines--ok",
        "lines--error",
        "lines--warning",
        "lines--accent",
        "lines--insert",
        "lines--delete",
        "lines--train",
        "lines--validation",
    }

    @dataclass
    class Highlighted(Message):
        """The cursor moved to this line."""

        lines: LineList
        index: int

        @property
        def control(self) -> LineList:
            """The list, so that `@on(…, "#id")` can select by it."""
            return self.lines

    @dataclass
    class Chosen(Message):
        """Enter was pressed or the mouse double-clicked on this line."""

        lines: LineList
        index: int

        @property
        def control(self) -> LineList:
            """The list, so that `@on(…, "#id")` can select by it."""
            return self.lines

    def __init__(self, dom_id: str, *, empty: str = "", head: str = "") -> None:
        super().__init__(id=dom_id)
        self._count = 0
        self._line: Callable[[int, int], Pieces] = lambda index, width: ()
        self._empty = empty
        self._head: str | Callable[[int], str] = head
        """The head, or what makes one for a width."""
        self._page_before = 1
        """`page` when the list was laid out last."""

    def show(self, count: int, line: Callable[[int, int], Pieces], *, cursor: int | None = None) -> None:
        """Show other lines; without `cursor` it stays on the same index."""
        self._count, self._line = count, line
        self.virtual_size = Size(0, count + self.head_lines)
        self.place_cursor(self.cursor if cursor is None else cursor)

    def on_resize(self) -> None:
        """Where there was room for one line, begin at the first line that leaves the current one visible."""
        if self._page_before == 1:
            self.scroll_to(y=max(0, self.cursor - self.page + 1), animate=False, force=True)
        self._page_before = self.page

    def say(self, empty: str) -> None:
        """Set the text that an empty list shows."""
        self._empty = empty
        self.refresh()

    def set_head(self, head: str | Callable[[int], str]) -> None:
        """Set the head; a list that was made without one must not get one while it is scrolled."""
        self._head = head
        self.virtual_size = Size(0, self._count + self.head_lines)
        self.refresh()

    @property
    def count(self) -> int:
        """How many lines there are."""
        return self._count

    @property
    def head_lines(self) -> int:
        """One where the list was made with a head."""
        return 1 if self._head else 0

    def render_line(self, y: int) -> Strip:
        """The head, a line of the list, or the text of an empty list."""
        width = self.scrollable_content_region.width
        if self._head and y == 0:
            head = self._head if isinstance(self._head, str) else self._head(width)
            return Strip([Segment(one_line(head), self._kind("head"))]).adjust_cell_length(
                width, self._kind("head")
            )
        index = y - self.head_lines + self.scroll_offset.y
        if not self._count and y == self.head_lines:
            return Strip([Segment(f" {self._empty}", self._kind("dim"))]).adjust_cell_length(
                width, self.rich_style
            )
        if index >= self._count:
            return Strip.blank(width, self.rich_style)
        here = index == self.cursor
        base = self._kind("cursor" if self.has_focus else "blurred") if here else self.rich_style
        segments, room = [Segment("›" if here else " ", base)], width - 1
        for text, kind in self._line(index, width - 1):
            printable = one_line(text)
            if cell_len(printable) > room:
                printable = set_cell_size(printable, room)
            room -= cell_len(printable)
            style = (self._kind(kind) if kind else base) + Style(bgcolor=base.bgcolor)
            segments.append(Segment(printable, base if here and self.has_focus and kind == "dim" else style))
        return Strip(segments).adjust_cell_length(width, base)

    def _kind(self, name: str) -> Style:
        return self.get_component_rich_style(f"lines--{name}")

    def announce(self) -> None:
        """Post `Highlighted`, unless the list is empty."""
        if self._count:
            self.post_message(self.Highlighted(self, self.cursor))

    def action_choose(self) -> None:
        """Post `Chosen` for the line under the cursor."""
        if self._count:
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """Move the cursor; a double click chooses."""
        index = self.index_at(event.y)
        if index is not None:
            self.cursor = index
            if event.chain == 2:
                self.action_choose()

"""`LineList`: a list with a cursor that draws only the lines on screen; for runs, groups, changes, answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from curator.core.text import one_line
from curator.tui import keys

Pieces = Sequence[tuple[str, str]]
"""A line as (text, kind) pieces; kinds are names of `LineList.COMPONENT_CLASSES` behind `lines--`, or empty."""


class LineList(ScrollView, can_focus=True):
    """`show(count, line)` with `line(index, width) -> Pieces`; nothing else is kept. Made printable here."""

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

    cursor: reactive[int] = reactive(0, repaint=False)
    """Index of the current line."""

    @dataclass
    class Highlighted(Message):
        """The cursor is on this line."""

        lines: LineList
        index: int

        @property
        def control(self) -> LineList:
            """The list, so that handlers can select it."""
            return self.lines

    @dataclass
    class Chosen(Message):
        """Enter, or a double click, on this line."""

        lines: LineList
        index: int

        @property
        def control(self) -> LineList:
            """The list, so that handlers can select it."""
            return self.lines

    def __init__(self, dom_id: str, *, empty: str = "", head: str = "") -> None:
        super().__init__(id=dom_id)
        self._count = 0
        self._line: Callable[[int, int], Pieces] = lambda index, width: ()
        self._empty, self._head = empty, head

    def show(self, count: int, line: Callable[[int, int], Pieces], *, cursor: int | None = None) -> None:
        """Show other lines; the cursor stays where it is unless told."""
        self._count, self._line = count, line
        self.virtual_size = Size(0, count + self._top)
        self.set_reactive(LineList.cursor, self.validate_cursor(self.cursor if cursor is None else cursor))
        self._reveal()
        self.refresh()

    def say(self, empty: str) -> None:
        """What an empty list shows."""
        self._empty = empty
        self.refresh()

    @property
    def count(self) -> int:
        """How many lines there are."""
        return self._count

    @property
    def _top(self) -> int:
        return 1 if self._head else 0

    def render_line(self, y: int) -> Strip:
        """The head, a line, or what an empty list says."""
        width = self.scrollable_content_region.width
        if self._head and y == 0:
            return Strip([Segment(self._head, self._kind("head"))]).adjust_cell_length(width, self._kind("head"))
        index = y - self._top + self.scroll_offset.y
        if not self._count and y == self._top:
            return Strip([Segment(f" {self._empty}", self._kind("dim"))]).adjust_cell_length(
                width, self.rich_style
            )
        if index >= self._count:
            return Strip.blank(width, self.rich_style)
        here = index == self.cursor
        base = self._kind("cursor" if self.has_focus else "blurred") if here else self.rich_style
        segments, room = [Segment("›" if here else " ", base)], width - 1
        for text, kind in self._line(index, width - 1):
            shown = one_line(text)
            if cell_len(shown) > room:
                shown = set_cell_size(shown, room)
            room -= cell_len(shown)
            style = (self._kind(kind) if kind else base) + Style(bgcolor=base.bgcolor)
            segments.append(Segment(shown, base if here and self.has_focus and kind == "dim" else style))
        return Strip(segments).adjust_cell_length(width, base)

    def _kind(self, name: str) -> Style:
        return self.get_component_rich_style(f"lines--{name}")

    def validate_cursor(self, cursor: int) -> int:
        """Stay inside the list."""
        return max(0, min(cursor, self._count - 1))

    def watch_cursor(self) -> None:
        """Show the line and say that the cursor is there."""
        self._reveal()
        self.refresh()
        if self._count:
            self.post_message(self.Highlighted(self, self.cursor))

    def _reveal(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height - self._top)
        if not top <= self.cursor < top + height:
            y = self.cursor if self.cursor < top else self.cursor - height + 1
            self.scroll_to(y=y, animate=False, force=True)

    def on_focus(self) -> None:
        """The cursor looks different with focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor looks different without focus."""
        self.refresh()

    def action_up(self) -> None:
        """Previous line."""
        self.cursor -= 1

    def action_down(self) -> None:
        """Next line."""
        self.cursor += 1

    def action_page_up(self) -> None:
        """One screen up."""
        self.cursor -= max(1, self.size.height - 1)

    def action_page_down(self) -> None:
        """One screen down."""
        self.cursor += max(1, self.size.height - 1)

    def action_first(self) -> None:
        """First line."""
        self.cursor = 0

    def action_last(self) -> None:
        """Last line."""
        self.cursor = self._count - 1

    def action_choose(self) -> None:
        """Choose the line."""
        if self._count:
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """Go to a line; twice chooses it."""
        index = event.y - self._top + self.scroll_offset.y
        if 0 <= index < self._count:
            self.cursor = index
            if event.chain == 2:
                self.action_choose()

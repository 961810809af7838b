"""`Conversation`: one example as blocks with a gutter in the role's colour, each problem below its message.

It draws single lines (Textual's line API), so a long transcript costs no more than its visible lines.
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from curator.tui import keys
from curator.tui.examples.transcript import Line, Transcript

_STYLES = (
    *("text", "json", "note", "dim", "blank", "match", "space", "current"),
    *("trained", "untrained", "mark", "beyond"),
    *("error", "error-mark", "warning", "warning-mark", "info", "info-mark"),
    *("system", "user", "assistant", "tool", "rejected", "other"),
    *("system-name", "user-name", "assistant-name", "tool-name", "rejected-name", "other-name"),
)


LOW = 14
"""A pane of fewer lines than this shows each system prompt in one line."""


class Conversation(ScrollView, can_focus=True):
    """Shows one example; the cursor is on one of its messages."""

    SCOPE = "conversation"
    HELP = "The example as a conversation. The thick gutter is the current message: y copies it, e edits it."
    BINDINGS = keys.bindings("conversation")
    COMPONENT_CLASSES = {f"talk--{name}" for name in _STYLES}

    block: reactive[int] = reactive(0, repaint=False)
    """Index of the current message."""

    @dataclass
    class EditRequested(Message):
        """The user double-clicked a message."""

        block: int

    def __init__(self, dom_id: str = "conversation") -> None:
        super().__init__(id=dom_id)
        self._transcript: Transcript | None = None
        self._lines: list[Line] = []
        """The transcript wrapped at the pane's width."""
        self._wrapped_at = (0, False)
        """The width, and whether system prompts were shortened, when the lines were made."""
        self._empty = ""
        self._match = -1
        """Index of the line of the match that was shown last; -1 before the first."""

    def show(self, transcript: Transcript | None, *, same: bool = False) -> None:
        """Show an example (None: none); `same` keeps the cursor and the scroll position."""
        self._transcript = transcript
        if not same:
            self._match = -1
            self.set_reactive(Conversation.block, 0)
            self.scroll_to(y=0, animate=False, force=True)
        elif transcript is not None:
            self.set_reactive(Conversation.block, min(self.block, max(0, len(transcript.blocks) - 1)))
        self._lay_out()

    def say(self, empty: str) -> None:
        """Set what stands here without an example: what to do next."""
        self._empty = empty
        self.refresh()

    def _lay_out(self) -> None:
        """Wrap the lines, beside the scroll bar only where they will need one."""
        self._wrap(self._room)
        bar = self.styles.scrollbar_size_vertical
        if self.size.height and self.show_vertical_scrollbar != (len(self._lines) > self.size.height):
            self._wrap(max(10, self._room + (bar if self.show_vertical_scrollbar else -bar)))
        self._set_virtual_size(Size(self.size.width, len(self._lines)))
        self.refresh()

    def _wrap(self, room: int) -> None:
        self._wrapped_at = (room, self._brief)
        self._lines = self._transcript.lines(*self._wrapped_at) if self._transcript else []

    def _set_virtual_size(self, size: Size) -> None:
        """Set `virtual_size`. Textual lays the whole screen out again for that; here it does so only where the
        scroll bar appears or disappears, because this is called at each step through the list."""
        before, room = self.virtual_size, self.container_size.height
        if room and before.width == size.width and (before.height > room) == (size.height > room):
            self.set_reactive(Conversation.virtual_size, size)
            self._scroll_update(size)
        else:
            self.virtual_size = size

    @property
    def _room(self) -> int:
        return max(10, self.scrollable_content_region.width - 2)

    @property
    def _brief(self) -> bool:
        """Whether the pane is so low that system prompts, which seldom differ, are shortened to one line."""
        return 0 < self.size.height < LOW

    def on_resize(self) -> None:
        """Wrap the lines at the new width."""
        self._lay_out()

    def render_line(self, y: int) -> Strip:
        """One line of the transcript: margin, gutter, pieces."""
        width = self.scrollable_content_region.width
        if self._wrapped_at != (self._room, self._brief):  # shown at another width than it was filled at
            self.call_later(self._lay_out)
        index = y + self.scroll_offset.y
        if index >= len(self._lines):
            if not self._lines and y == 0:
                return Strip([Segment(f"  {self._empty}", self._style("dim"))]).adjust_cell_length(
                    width, self.rich_style
                )
            return Strip.blank(width, self.rich_style)
        line = self._lines[index]
        current = line.block == self.block and self.has_focus
        segments = [Segment(" ", self.rich_style)]
        if line.gutter:
            segments.append(Segment("┃ " if current else "│ ", self._style(line.gutter)))
        segments += [Segment(piece.text, self._style(piece.kind)) for piece in line.pieces]
        background = self._style("current") if current and line.gutter else self.rich_style
        if current and line.gutter:
            over = Style(bgcolor=background.bgcolor)
            segments = segments[:1] + [Segment(s.text, (s.style or Style()) + over) for s in segments[1:]]
        return Strip(segments).adjust_cell_length(width, background)

    def _style(self, kind: str) -> Style:
        return self.get_component_rich_style(f"talk--{kind}")

    def watch_block(self) -> None:
        """Scroll so that the whole current message is visible, or its beginning where it is too long."""
        rows = [at for at, line in enumerate(self._lines) if line.block == self.block]
        if rows:
            top, height = self.scroll_offset.y, max(1, self.size.height)
            if rows[0] < top or rows[-1] - rows[0] >= height:
                self.scroll_to(y=rows[0], animate=False, force=True)
            elif rows[-1] >= top + height:
                self.scroll_to(y=rows[-1] - height + 1, animate=False, force=True)
        self.refresh()

    def validate_block(self, block: int) -> int:
        """The nearest index inside the example."""
        last = len(self._transcript.blocks) - 1 if self._transcript else 0
        return max(0, min(block, last))

    def go_to(self, block: int, *, beyond: bool = False) -> None:
        """Put the cursor on a message; `beyond` scrolls to where the text exceeds the model's context."""
        self.block = block
        cut = (at for at, line in enumerate(self._lines) if any(piece.kind == "beyond" for piece in line.pieces))
        first = next(cut, None) if beyond else None
        if first is not None:
            self.scroll_to(y=max(0, first - self.size.height // 2), animate=False, force=True)

    def on_focus(self) -> None:
        """The current message is marked only while the pane has the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The current message is marked only while the pane has the focus."""
        self.refresh()

    def step_match(self, step: int) -> bool:
        """Scroll to the next (1) or previous (-1) line with a match of the query; False where there is none."""
        rows = [at for at, line in enumerate(self._lines) if any(piece.kind == "match" for piece in line.pieces)]
        further = [at for at in rows if (at > self._match if step > 0 else at < self._match)]
        if not further:
            self._match = -1 if step > 0 else len(self._lines)
            return False
        self._match = further[0] if step > 0 else further[-1]
        self.block = max(0, self._lines[self._match].block)
        self.scroll_to(y=max(0, self._match - self.size.height // 2), animate=False, force=True)
        return True

    # Actions

    def action_up(self) -> None:
        """Previous message; inside a long one, scroll first."""
        if not self._scroll_inside(-1):
            self.block -= 1

    def action_down(self) -> None:
        """Next message; inside a long one, scroll first."""
        if not self._scroll_inside(1):
            self.block += 1

    def _scroll_inside(self, direction: int) -> bool:
        """Scroll by three lines if the current message goes on in that direction; False where it does not."""
        rows = [at for at, line in enumerate(self._lines) if line.block == self.block]
        if not rows:
            return False
        top, height = self.scroll_offset.y, max(1, self.size.height)
        hidden = rows[-1] >= top + height if direction > 0 else rows[0] < top
        if hidden:
            self.scroll_to(y=top + direction * 3, animate=False, force=True)
        return hidden

    def action_page_up(self) -> None:
        """One screen up."""
        self.scroll_page_up(animate=False)

    def action_page_down(self) -> None:
        """One screen down."""
        self.scroll_page_down(animate=False)

    def action_first(self) -> None:
        """First message."""
        self.block = 0

    def action_last(self) -> None:
        """Last message."""
        self.block = len(self._transcript.blocks) - 1 if self._transcript else 0

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a message; a double click edits it."""
        index = event.y + self.scroll_offset.y
        if index < len(self._lines) and self._lines[index].block >= 0:
            self.block = self._lines[index].block
            if event.chain == 2:
                self.post_message(self.EditRequested(self.block))

"""`Panes`: the list beside or above the example; the line between them can be dragged with the mouse."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events
from textual.containers import Horizontal
from textual.message import Message


class Panes(Horizontal):
    """Its first child is the list. Posts `Dragged` while the border is moved."""

    @dataclass
    class Dragged(Message):
        """The border was moved: the list shall have `share` percent of the room."""

        share: int

    _dragging = False

    def _is_border(self, x: int, y: int) -> bool:
        """Whether a place of the screen is the gap beside the list, or the line below it."""
        first = self.children[0].region
        if not self.region.contains(x, y):
            return False
        beside = first.width < self.region.width
        return first.right <= x <= first.right + 1 if beside else y == first.bottom

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Begin to drag on the border."""
        if self._is_border(event.screen_x, event.screen_y):
            self._dragging = True
            self.capture_mouse()
            event.stop()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Move the border with the pointer."""
        if not self._dragging:
            return
        event.stop()
        beside = self.children[0].region.width < self.region.width
        at, room = (
            (event.screen_x - self.region.x, self.region.width)
            if beside
            else (event.screen_y - self.region.y, self.region.height)
        )
        self.post_message(self.Dragged(round(100 * at / max(1, room))))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """The border stays where it is."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()
            event.stop()

"""`Panes`: one pane beside or above others; the line between them is dragged with the mouse, or moved by keys."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Any

from textual import events
from textual.containers import Horizontal
from textual.message import Message

from curator.errors import CuratorError
from curator.tui.shell import shell_of

LEAST, MOST = 10, 90
"""Percent of the room that the first pane may take."""
KEY = "ui.panes"
"""The workspace's meta value with the shares that people chose."""


class Panes(Horizontal):
    """Its first child is the pane that gets a share of the room. Posts `Dragged` while the border is moved."""

    @dataclass
    class Dragged(Message):
        """The border was moved: the first pane shall have `share` percent of the room."""

        share: int

    _dragging = False

    @property
    def beside(self) -> bool:
        """Whether the panes are beside each other, not one below the other."""
        return self.children[0].region.width < self.region.width

    def _is_border(self, x: int, y: int) -> bool:
        """Whether a place of the screen is the gap beside the first pane, or the line below it."""
        first = self.children[0]
        if not self.region.contains(x, y) or not first.display:
            return False
        right, bottom = first.region.right, first.region.bottom - bool(first.styles.border_bottom[0])
        return right <= x <= right + 1 if self.beside else y == bottom

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
        at, room = (
            (event.screen_x - self.region.x, self.region.width)
            if self.beside
            else (event.screen_y - self.region.y, self.region.height)
        )
        self.post_message(self.Dragged(round(100 * at / max(1, room))))

    def on_mouse_up(self, event: events.MouseUp) -> None:
        """The border stays where it is."""
        if self._dragging:
            self._dragging = False
            self.release_mouse()
            event.stop()
            self.let_go()

    def let_go(self) -> None:
        """The border has got its place."""


class RememberedPanes(Panes):
    """Panes whose border stays where it was put, also at the next start: once beside, once below each other."""

    _alone = False
    """Whether one pane fills the screen."""

    @property
    def _way(self) -> str:
        return (
            f"{self.id}.{'beside' if self.styles.layout and self.styles.layout.name == 'horizontal' else 'below'}"
        )

    def _shares(self) -> dict[str, Any]:
        values = shell_of(self).session.workspace.meta(KEY)
        return values if isinstance(values, dict) else {}

    @property
    def share(self) -> int | None:
        """The percent that the first pane was given; None where it has the size that the stage gives it."""
        share = self._shares().get(self._way)
        return max(LEAST, min(MOST, share)) if isinstance(share, int) else None

    def on_resize(self) -> None:
        """The panes may have come to lie another way."""
        self.call_after_refresh(self.place)

    def place(self, share: int | None = None, *, alone: bool | None = None) -> None:
        """Give the first pane a share, by default the one that was chosen; none of them while one is `alone`."""
        self._alone = self._alone if alone is None else alone
        share = None if self._alone else share or self.share
        first, beside = self.children[0].styles, self._way.endswith(".beside")
        first.width = f"{share}%" if share and beside else None
        first.height = f"{share}%" if share and not beside else None
        first.max_height = "100%" if share and not beside else None
        self.set_class(share is not None, "-shared")

    def on_panes_dragged(self, event: Panes.Dragged) -> None:
        """Follow the pointer."""
        event.stop()
        self.place(max(LEAST, min(MOST, event.share)))

    def let_go(self) -> None:
        """Remember the place."""
        first, whole = self.children[0].region, self.region
        at, room = (first.width, whole.width) if self.beside else (first.height, whole.height)
        self._remember(ceil(100 * at / max(1, room)))

    def move(self, by: int) -> None:
        """Give the first pane more or less percent, a cell at least, and remember it."""
        first, whole = self.children[0].region, self.region
        size, room = (first.width, whole.width) if self.beside else (first.height, whole.height)
        step = max(abs(by), ceil(100 / max(1, room)))
        share = max(LEAST, min(MOST, ceil(100 * size / max(1, room)) + (step if by > 0 else -step)))
        self.place(share)
        self._remember(share)

    def _remember(self, share: int) -> None:
        """Store it; does nothing in a read-only workspace or on a full disk."""
        workspace = shell_of(self).session.workspace
        with suppress(CuratorError):
            workspace.set_meta(KEY, {**self._shares(), self._way: share})

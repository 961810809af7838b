"""`TooSmall`: shown instead of a screen in a terminal of less than 60×16 cells."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class TooSmall(Static):
    """Hidden unless the screen has the class `-tiny` or `-flat`."""

    def render(self) -> Content:
        """The size that is needed and the terminal's size."""
        size = self.app.size
        return Content(f"Curator needs 60×16.\nThis terminal is {size.width}×{size.height}.")

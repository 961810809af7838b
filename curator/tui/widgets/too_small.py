"""What is shown instead of a screen in a terminal below 60×16."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static


class TooSmall(Static):
    """Hidden unless the screen has the class `-tiny` or `-flat`."""

    def render(self) -> Content:
        """The size that is there and the size that is needed."""
        size = self.app.size
        return Content(f"Curator needs 60×16.\nThis terminal is {size.width}×{size.height}.")

"""`Tick`: a checkbox whose mark tells its state, not the mark's colour alone."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox


class Tick(Checkbox):
    """As Textual's, but drawn as [x] or [ ]."""

    def render(self) -> Content:
        """The box as it stands, and its label."""
        return Content.assemble(("[x] " if self.value else "[ ] ", "bold"), Content(str(self.label)))

"""`Tick`: a checkbox whose character shows its state; Textual's own shows it by colour alone."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox


class Tick(Checkbox):
    """A checkbox drawn as [x] or [ ]."""

    def render(self) -> Content:
        """The box and its label."""
        return Content.assemble(("[x] " if self.value else "[ ] ", "bold"), Content(str(self.label)))

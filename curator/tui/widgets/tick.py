"""`Tick`: a checkbox whose character shows its state; Textual's own shows it by colour alone."""

from __future__ import annotations

from textual.binding import Binding
from textual.content import Content
from textual.widgets import Checkbox


class Tick(Checkbox, inherit_bindings=False):
    """A checkbox drawn as [x] or [ ]. Space ticks it; enter is left to the dialog, which it accepts."""

    BINDINGS = [Binding("space", "toggle_button", "Tick", show=False)]

    def render(self) -> Content:
        """The box and its label."""
        return Content.assemble(("[x] " if self.value else "[ ] ", "bold"), Content(str(self.label)))


class DeletionTick(Tick):
    """A tick at something that is to be deleted: enter ticks it too, and so never deletes by mistake."""

    BINDINGS = [Binding("enter", "toggle_button", "Tick", show=False)]

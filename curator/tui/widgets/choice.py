"""`DropDown`: a drop-down list that leaves enter to its dialog."""

from __future__ import annotations

from typing import TypeVar

from textual.binding import Binding
from textual.widgets import Select

Value = TypeVar("Value")


class DropDown(Select[Value], inherit_bindings=False):
    """A Select that space, up and down open; while it is closed, enter accepts the dialog."""

    BINDINGS = [Binding("space,down,up", "show_overlay", "Open", show=False)]

"""Choosing the colours: what is under the cursor is shown at once; escape puts the old ones back."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from curator.tui.screens.dialog import Dialog
from curator.tui.shell import shell_of


class ThemePicker(Dialog[None]):
    """All themes by name."""

    HEADING = "Theme"
    ACCEPT = "Keep"

    def compose_body(self) -> ComposeResult:
        """Our own first, then Textual's."""
        names = sorted(self.app.available_themes, key=lambda name: (not name.startswith("curator"), name))
        yield OptionList(*(Option(Content(name), id=name) for name in names), compact=True)

    def on_mount(self) -> None:
        """Start at the theme of now."""
        self._before = self.app.theme
        options = self.query_one(OptionList)
        options.highlighted = options.get_option_index(self._before)
        options.focus()

    @on(OptionList.OptionHighlighted)
    def _preview(self, event: OptionList.OptionHighlighted) -> None:
        if event.option.id and self.app.theme != event.option.id:
            self.app.theme = event.option.id

    @on(OptionList.OptionSelected)
    def _keep(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """Keep it, also for the next start."""
        memory = shell_of(self).memory
        memory.theme = self.app.theme
        memory.save()
        self.dismiss(None)

    def action_cancel(self) -> None:
        """The old one again."""
        self.app.theme = self._before
        self.dismiss(None)

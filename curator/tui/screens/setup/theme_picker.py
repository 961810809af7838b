"""The dialog that chooses the theme: previews the theme under the cursor; escape restores the old one."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from curator.tui.screens.dialog import Dialog
from curator.tui.shell import shell_of


class ThemePicker(Dialog[None]):
    """Lists all themes by name."""

    HEADING = "Theme"
    ACCEPT = "Keep"

    def compose_body(self) -> ComposeResult:
        """Curator's themes first, then the others."""
        names = sorted(self.app.available_themes, key=lambda name: (not name.startswith("curator"), name))
        yield OptionList(*(Option(Content(name), id=name) for name in names), compact=True)

    def on_mount(self) -> None:
        """Put the cursor on the present theme."""
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
        """Keep the theme, also for the next start."""
        memory = shell_of(self).memory
        memory.theme = self.app.theme
        memory.save()
        self.dismiss(None)

    def action_cancel(self) -> None:
        """Restore the theme from before."""
        self.app.theme = self._before
        self.dismiss(None)

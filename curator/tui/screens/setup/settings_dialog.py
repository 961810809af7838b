"""The settings dialog of a workspace: provider, model, and the profile of rules."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Select, Static

from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput

PROFILES = ("openai", "azure", "local")


class SettingsScreen(Dialog[None]):
    """Asks for the provider, the model, and the profile that decides which rules apply."""

    HEADING = "Settings of this workspace"
    ACCEPT = "Save"

    def compose_body(self) -> ComposeResult:
        """One line a setting."""
        from curator.jobs import providers  # heavy

        context = self.session.workspace.context()
        names = [(Content(one_line(name, 40)), name) for name in providers.load()]
        profiles = [(Content(name), name) for name in PROFILES]
        yield self._line(
            "Provider",
            DropDown(names, value=self.session.provider.name, allow_blank=False, compact=True, id="provider"),
        )
        yield self._line("Model", LineInput(self.session.model, compact=True, id="model"))
        yield self._line(
            "Rules for",
            DropDown(profiles, value=context.profile, allow_blank=False, compact=True, id="profile"),
        )
        yield Static(
            Content("The model decides how tokens are counted, where examples are cut, and what training costs."),
            classes="hint",
        )

    def _line(self, name: str, field: Input | Select[str]) -> Horizontal:
        return Horizontal(Static(Content(name), classes="name"), field, classes="field")

    def action_accept(self) -> None:
        """Store the settings; examples are checked again by the new rules."""
        workspace = self.session.workspace
        context = {**(workspace.meta("context") or {}), "profile": self.query_one("#profile", Select).value}
        context["model"] = self.query_one("#model", Input).value.strip()
        try:
            workspace.set_meta("ui.provider", self.query_one("#provider", Select).value)
            workspace.set_meta("context", context)
        except CuratorError as error:
            self.session.say(error)
            return
        self.dismiss(None)
        self.session.publish(None)

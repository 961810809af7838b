"""The forms for a provider's settings and for its key. Both dismiss with a sentence: what was stored where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Select, Static

from curator import settings, settings_file
from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput

if TYPE_CHECKING:
    from curator.jobs.providers import Provider

KINDS = ("openai", "azure", "compatible", "local")
_FIELDS = (
    ("Address", "base_url"),
    ("Model", "model"),
    ("Key variable", "api_key_env"),
)
_AZURE = (
    ("API version", "api_version"),
    ("Subscription", "subscription"),
    ("Resource group", "resource_group"),
    ("Account", "account"),
)
_CHOICES = (
    ("Sign in by", "auth", ("key", "entra"), "an API key"),
    ("Training type", "training_type", ("Standard", "GlobalStandard", "Developer"), "the service's default"),
)
"""(title, setting, values, words for no value) of the settings that are chosen from a list; Azure only."""


class ProviderForm(Dialog[str]):
    """Edits a provider's table in config.toml. Empty fields are not written; other lines of the file stay."""

    HEADING = "Provider"
    ACCEPT = "Save"
    HELP = "Empty fields use the built-in default or an environment variable. K in the list sets the key."

    def __init__(self, provider: Provider | None) -> None:
        super().__init__()
        self._provider = provider

    def compose_body(self) -> ComposeResult:
        """One line a setting; some of them only for Azure."""
        from curator.settings import ProviderSettings  # heavy

        provider = self._provider
        kind = provider.kind if provider else "compatible"
        written = settings.load().providers.get(provider.name) if provider else None
        written = written or ProviderSettings(kind)
        name = LineInput(
            one_line(provider.name) if provider else "", compact=True, id="name", disabled=provider is not None
        )
        yield self._line("Name", name)
        kinds = [(Content(word), word) for word in KINDS]
        yield self._line("Kind", DropDown(kinds, value=kind, allow_blank=False, compact=True, id="kind"))
        for title, key in (*_FIELDS, *_AZURE):
            value, usual = getattr(written, key) or "", getattr(provider.config, key) if provider else None
            field = LineInput(value, placeholder=one_line(usual or ""), compact=True, id=key)
            yield self._line(title, field, azure=(title, key) in _AZURE)
        for title, key, words, unset in _CHOICES:
            options = [(Content(word), word) for word in words]
            select: Select[str] = DropDown(options, prompt=unset, compact=True, id=key)
            if value := getattr(written, key):
                select.value = value
            yield self._line(title, select, azure=True)
        yield Static("", id="trouble")

    def _line(self, name: str, field: Input | Select[str], *, azure: bool = False) -> Horizontal:
        classes = "field -tight -azure" if azure else "field -tight"
        return Horizontal(Static(Content(name), classes="name"), field, classes=classes)

    def on_mount(self) -> None:
        """Focus the address, or the name of a new provider."""
        self._show_fields_of_kind()
        self.query_one("#base_url" if self._provider else "#name").focus()

    @on(Select.Changed, "#kind")
    def _show_fields_of_kind(self) -> None:
        for line in self.query(".-azure"):
            line.display = self.query_one("#kind", Select).value == "azure"

    def action_accept(self) -> None:
        """Check the fields and write them to config.toml, or show what is wrong."""
        from curator.jobs import providers  # heavy

        name = self.query_one("#name", Input).value.strip()
        values: dict[str, settings_file.Value | None] = {"kind": str(self.query_one("#kind", Select).value)}
        fields = _FIELDS if values["kind"] != "azure" else (*_FIELDS, *_AZURE)
        for _, key in fields:
            values[key] = self.query_one(f"#{key}", Input).value.strip() or None
        if values["kind"] == "azure":
            for _, key, *_ in _CHOICES:
                choice = self.query_one(f"#{key}", Select).value
                values[key] = choice if isinstance(choice, str) else None
        try:
            providers.check_name(name)
            if values["base_url"]:
                providers.check_address(name, str(values["base_url"]))
            file = settings_file.change(("providers", name), values)
        except CuratorError as error:
            self.query_one("#trouble", Static).update(Content.styled(printable(error.message), "$mark-error"))
            return
        self.dismiss(f"Written to {file}.")


class KeyForm(Dialog[str]):
    """Asks for a provider's key, hidden, and for where to store it."""

    HEADING = "Key"
    ACCEPT = "Store"
    HELP = "The key is never shown again, neither here nor in a log, a workspace or an export."

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider

    def compose_body(self) -> ComposeResult:
        """The key, the place, and a warning if an environment variable overrides it."""
        from curator.jobs import keys  # heavy

        path, user = (
            keys.key_file(self._provider.name),
            self._provider.config.api_key_keyring or self._provider.name,
        )
        places = [(Content("a file that only you can read"), "file"), (Content("the system's keyring"), "keyring")]
        place = "keyring" if self._provider.config.api_key_keyring else "file"
        yield self._line("Key", LineInput(password=True, compact=True, id="key"))
        yield self._line("Store it in", DropDown(places, value=place, allow_blank=False, compact=True, id="place"))
        words = f"The file is {path}; in the keyring it is {keys.SERVICE}/{user}."
        yield Static(Content.styled(printable(words), "$quiet"))
        if variable := self._provider.overriding_variable:
            yield Static(Content.styled(printable(f"! The {variable} is set and is used first."), "$mark-warning"))
        yield Static("", id="trouble")

    def _line(self, name: str, field: Input | Select[str]) -> Horizontal:
        return Horizontal(Static(Content(name), classes="name"), field, classes="field")

    def on_mount(self) -> None:
        """Focus the key."""
        self.query_one("#key").focus()

    def action_accept(self) -> None:
        """Store the key; the field is emptied in any case."""
        field = self.query_one("#key", Input)
        typed, field.value = field.value, ""
        try:
            place = self._provider.store_key(typed, keyring=self.query_one("#place", Select).value == "keyring")
        except (CuratorError, OSError) as error:
            self.query_one("#trouble", Static).update(Content.styled(printable(str(error)), "$mark-error"))
            return
        self.dismiss(f"The key of {self._provider.name} is stored in: {place}.")

"""The Providers dialog: lists and tests providers, shows their models, opens the forms for settings and keys."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Dialog
from curator.tui.screens.setup.provider_forms import KeyForm, ProviderForm
from curator.tui.shell import shell_of
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.connections.doctor import ProviderReport
    from curator.jobs.planning.offers import ModelOffer
    from curator.jobs.providers import Provider

_STATES = {"ok": ("✓", "ok"), "off": ("·", "dim"), "bad": ("✗", "error")}


class ProvidersDialog(Dialog[None]):
    """Shows the list of providers, and below it the result of the last test or change."""

    SCOPE = "providers"
    BINDINGS = keys.bindings("providers")
    HEADING = "Providers"
    ACCEPT = "Change"
    HELP = (
        "Where models are trained and asked. A key is stored in a file that only you can read or in the system's "
        "keyring, and is never shown again. A test starts and changes nothing."
    )

    def __init__(self) -> None:
        super().__init__()
        self._providers: list[Provider] = []
        self._findings: dict[str, ProviderReport] = {}

    def compose_body(self) -> ComposeResult:
        """The list, a place for sentences, and the keys."""
        yield LineList("providers", empty="None yet: + adds one.")
        yield Static("", id="said")
        yield Static(Content.styled("t test · m models · K key · enter change · + new", "$quiet"))

    def on_mount(self) -> None:
        """Read the configuration; no provider is asked yet."""
        self._read()
        self.query_one("#providers").focus()

    def _read(self) -> None:
        from curator.jobs import providers  # heavy

        try:
            self._providers = list(providers.load().values())
        except CuratorError as error:
            self._say(Content.styled(printable(error.message), "$mark-error"))
            return
        self.query_one("#providers", LineList).show(len(self._providers), self._line)
        self._show_current()

    def _line(self, index: int, width: int) -> Pieces:
        provider = self._providers[index]
        finding = self._findings.get(provider.name)
        mark, kind = _STATES[finding.state] if finding else (" ", "")
        where = provider.config.base_url or ("this machine" if provider.managed else "no address yet")
        used = "● " if provider.name == self.session.provider.name else "  "
        return [
            (f"{mark} ", kind),
            (used, "accent"),
            (f"{one_line(provider.name, 16):<16} ", "accent" if used.strip() else ""),
            (f"{provider.kind:<11}", "dim"),
            (where, "dim"),
        ]

    @property
    def current(self) -> Provider | None:
        """The provider under the cursor."""
        at = self.query_one("#providers", LineList).cursor
        return self._providers[at] if at < len(self._providers) else None

    @on(LineList.Highlighted, "#providers")
    def _show_current(self) -> None:
        provider = self.current
        finding = self._findings.get(provider.name) if provider else None
        if provider is None or finding is None:
            self._say(Content.styled("t tests whether it answers.", "$quiet"))
            return
        colour = {"ok": "$mark-ok", "bad": "$mark-error"}.get(finding.state, "$quiet")
        self._say(
            Content.styled(printable(f"{_STATES[finding.state][0]} {provider.name}: {finding.words}"), colour)
        )

    def _say(self, content: Content) -> None:
        self.query_one("#said", Static).update(content)

    def action_test(self) -> None:
        """Test the provider under the cursor."""
        if self.current is not None:
            self._say(Content.styled(printable(f"asking {self.current.name} …"), "$quiet"))
            self._test(self.current)

    @work(exclusive=True, group="test", exit_on_error=False)
    async def _test(self, provider: Provider) -> None:
        checkup = await asyncio.to_thread(importlib.import_module, "curator.jobs.connections.doctor")
        await asyncio.to_thread(importlib.import_module, "openai")
        self._findings[provider.name] = await checkup.check_provider(provider)
        self.query_one("#providers").refresh()
        self._show_current()

    def action_models(self) -> None:
        """Show the models of the provider under the cursor."""
        if self.current is not None:
            self.app.push_screen(OffersDialog(self.current))

    def action_key(self) -> None:
        """Open the form for the key of the provider under the cursor."""
        if self.current is not None:
            self.app.push_screen(KeyForm(self.current), self._written)

    def action_new(self) -> None:
        """Open the form for a new provider."""
        self.app.push_screen(ProviderForm(None), self._written)

    @on(LineList.Chosen, "#providers")
    def action_accept(self) -> None:
        """Open the form for the settings of the provider under the cursor."""
        if self.current is not None:
            self.app.push_screen(ProviderForm(self.current), self._written)

    def _written(self, sentence: str | None) -> None:
        """Read the configuration again, and ask for the status of jobs that failed with the old settings."""
        if sentence is None:
            return
        self._findings.clear()
        self._read()
        self._say(Content.styled(printable(sentence), "$mark-ok"))
        shell_of(self).job_watch.poll_at_once()


class OffersDialog(Dialog[None]):
    """Shows the models of a provider, those that can be trained first."""

    ACCEPT = ""
    HEADING = "Models"
    HELP = "Training, longest example, price and last day come from the provider's list and Curator's model table."

    def __init__(self, provider: Provider) -> None:
        super().__init__()
        self._provider = provider
        self._offers: list[ModelOffer] = []

    def compose_body(self) -> ComposeResult:
        """The list, and below it the facts about the model under the cursor."""
        yield LineList("offers", empty="asking …")
        yield Static("", id="said")

    def on_mount(self) -> None:
        """Start asking the provider for its models."""
        self.query_one("#offers").focus()
        self._ask()

    @work(exclusive=True, group="offers", exit_on_error=False)
    async def _ask(self) -> None:
        offers = await asyncio.to_thread(importlib.import_module, "curator.jobs.planning.offers")
        clients = await asyncio.to_thread(importlib.import_module, "curator.jobs.connections.connect")
        await asyncio.to_thread(importlib.import_module, "openai")
        offer_list = self.query_one("#offers", LineList)
        try:
            async with await clients.connect(self._provider) as client:
                self._offers = await offers.list_offers(client)
        except CuratorError as error:
            offer_list.say("")
            self.query_one("#said", Static).update(Content.styled(printable(error.message), "$mark-error"))
            return
        offer_list.say(f"{one_line(self._provider.name)} lists no models.")
        offer_list.show(len(self._offers), self._line)
        self._show_current()

    def _line(self, index: int, width: int) -> Pieces:
        offer = self._offers[index]
        mark = ("✓ ", "ok") if offer.methods else ("  ", "")
        return [mark, (f"{offer.name}  ", "accent" if offer.methods else ""), (offer.words(), "dim")]

    @on(LineList.Highlighted, "#offers")
    def _show_current(self) -> None:
        at = self.query_one("#offers", LineList).cursor
        if at < len(self._offers):
            offer = self._offers[at]
            parts = [Content.assemble((one_line(offer.name), "bold"), f"\n{printable(offer.words())}")]
            if offer.note:
                parts.append(Content.styled(printable(f"! {offer.note}"), "$mark-warning"))
            self.query_one("#said", Static).update(Content("\n").join(parts))

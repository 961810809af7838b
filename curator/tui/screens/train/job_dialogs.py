"""The dialogs of the Train stage that delete things at the provider and deploy a tuned model at Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Select, Static

from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput
from curator.tui.widgets.tick import DeletionTick

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Run
    from curator.jobs.runs.leftovers import Leftover


class DeleteDialog(Dialog[list["Leftover"]]):
    """Lists what the provider stores of a run and what deleting it means; dismisses with the ticked items."""

    HEADING = "Delete at the provider"
    ACCEPT = "Delete what is ticked"
    HELP = "Space ticks; nothing here is deleted in your workspace."

    def __init__(self, items: list[Leftover]) -> None:
        super().__init__()
        self._items = items

    def compose_body(self) -> ComposeResult:
        """A box for each item; ticked at first are unused uploads, or the only item."""
        for number, item in enumerate(self._items):
            ticked = item.kind == "orphan" or len(self._items) == 1
            yield DeletionTick(
                Content(one_line(f"{item.words} {item.name}")), ticked, compact=True, id=f"item-{number}"
            )
            yield Static(Content.styled(printable(f"    {item.consequence}"), "$quiet"))

    def on_mount(self) -> None:
        """Focus the button if something is ticked, else the first box."""
        ticked = any(box.value for box in self.query(DeletionTick))
        self.query_one("#accept" if ticked else "#item-0").focus()

    def action_accept(self) -> None:
        """Dismiss with the ticked items."""
        boxes = [self.query_one(f"#item-{number}", DeletionTick) for number in range(len(self._items))]
        ticked_items = [item for item, box in zip(self._items, boxes, strict=True) if box.value]
        if ticked_items:
            self.dismiss(ticked_items)
        else:
            self.app.bell()


class DeployDialog(Dialog[tuple[str, str]]):
    """Asks for the name and kind of a deployment, and shows its hourly price; dismisses with (name, kind)."""

    HEADING = "Deploy this model at Azure"
    ACCEPT = "Deploy"
    HELP = "A model tuned at Azure answers only while it is deployed. D takes the deployment down."

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def compose_body(self) -> ComposeResult:
        """Name and kind, and the price of the kind below."""
        from curator.jobs.runs import azure_deployments as azure  # heavy

        model = self._run.fine_tuned_model or ""
        kinds = [(Content(f"{kind.sku}: {kind.words}"), kind.sku) for kind in azure.DEPLOYMENT_TYPES.values()]
        yield Static(Content(one_line(model)))
        yield self._line(
            "Name", LineInput(azure.proposed_name(model, self._run.params.get("suffix")), compact=True, id="name")
        )
        yield self._line("Kind", DropDown(kinds, value="standard", allow_blank=False, compact=True, id="kind"))
        yield Static("", id="price")
        yield Static(Content.styled("You will be reminded of it here and at each start while it costs.", "$quiet"))

    def _line(self, name: str, field: Input | Select[str]) -> Horizontal:
        return Horizontal(Static(Content(name), classes="name"), field, classes="field")

    def on_mount(self) -> None:
        """Focus the button, so that enter deploys."""
        self.query_one("#accept").focus()

    @on(Select.Changed, "#kind")
    def _show_price(self) -> None:
        from curator.jobs import providers  # heavy
        from curator.jobs.runs import azure_deployments as azure

        try:
            provider = providers.get(self._run.provider)
            price = azure.hourly_price(provider, self._kind, self._run.fine_tuned_model or "")
        except CuratorError as error:
            self.query_one("#price", Static).update(Content.styled(printable(error.message), "$mark-error"))
            return
        colour = "$mark-ok" if price == 0 else "$mark-warning bold"
        self.query_one("#price", Static).update(Content.styled(azure.price_words(price), colour))

    @property
    def _kind(self) -> str:
        return str(self.query_one("#kind", Select).value)

    def action_accept(self) -> None:
        """Dismiss with name and kind."""
        self.dismiss((self.query_one("#name", Input).value.strip(), self._kind))

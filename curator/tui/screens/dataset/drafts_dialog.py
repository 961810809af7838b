"""Asks which model writes how many drafts, with the price; then lists them as proposals."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from textual import on, work
from textual.app import App, ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Select, Static
from textual.worker import get_current_worker

from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.session import drafting
from curator.tui.shell import shell_of
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput

if TYPE_CHECKING:
    from curator.jobs.drafts.style import Seed
    from curator.jobs.drafts.write import Draft, DraftPlan
    from curator.tui.session.session import Session

MOST = 100


class DraftWish(NamedTuple):
    """Which model is asked for how many drafts, of which plan."""

    plan: DraftPlan
    provider: str
    model: str


class DraftsDialog(Dialog[DraftWish]):
    """Dismisses with what to ask for; nothing is asked before that."""

    HEADING = "Drafts"
    ACCEPT = "Write"
    HELP = (
        "A model writes examples in the style of the nearest ones in training. Each has to pass the rules, the "
        "answer contract and the search for copies, and must not be like anything held out. What passes waits "
        "under W, labelled with the model's name, until you accept or reject it."
    )

    def __init__(self, seeds: Sequence[Seed], about: str) -> None:
        super().__init__()
        self._seeds, self._about = seeds, about
        self._plan: DraftPlan | None = None

    def compose_body(self) -> ComposeResult:
        """Provider, model, how many, and the price."""
        from curator.jobs import providers  # heavy

        everyone = providers.load()
        local = next((name for name, each in everyone.items() if each.kind == "local"), next(iter(everyone)))
        names = [(Content(one_line(name, 40)), name) for name in everyone]
        yield Static(Content(one_line(self._about, 200)))
        yield self._field("Provider", DropDown(names, value=local, allow_blank=False, compact=True, id="provider"))
        model = everyone[local].model or providers.LOCAL_MODEL
        yield self._field("Model", LineInput(one_line(model), compact=True, id="model"))
        yield self._field("How many", LineInput("5", compact=True, id="count"))
        yield Static("", id="price", classes="hint")

    def _field(self, name: str, widget: Widget) -> Horizontal:
        return Horizontal(Static(Content(name), classes="name"), widget, classes="field -tight")

    def on_mount(self) -> None:
        """Begin in the number."""
        self.query_one("#count").focus()
        self._tell_price()

    @on(Select.Changed, "#provider")
    def _other_provider(self, event: Select.Changed) -> None:
        from curator.jobs import providers  # heavy

        provider = providers.get(str(event.value))
        self.query_one("#model", Input).value = one_line(provider.model or "")
        self._tell_price()

    @on(Input.Changed)
    def _tell_price(self) -> None:
        self._work_out_price()

    @property
    def _wish(self) -> tuple[str, str, int]:
        """Provider, model and number; 0 for what is no number of drafts."""
        number = self.query_one("#count", Input).value.strip()
        count = int(number) if number.isascii() and number.isdigit() and int(number) <= MOST else 0
        provider = str(self.query_one("#provider", Select).value)
        return provider, self.query_one("#model", Input).value.strip(), count

    @work(exclusive=True, group="price", exit_on_error=False)
    async def _work_out_price(self) -> None:
        """Say what it will cost; nothing is asked."""
        provider, model, count = self._wish
        if not count:
            self._say(f"How many: a whole number from 1 to {MOST}")
            return
        try:
            self._plan = await drafting.plan(self.session.workspace, self._seeds, count)
            self._say(drafting.cost_words(self.session.workspace, self._plan, provider, model))
        except CuratorError as error:
            self._say(error.message)

    def _say(self, words: str) -> None:
        self.query_one("#price", Static).update(Content(one_line(words, 200)))

    def action_accept(self) -> None:
        """Dismiss with what to ask for, once its price stands there."""
        provider, model, count = self._wish
        if not model:
            self.session.toast("Name a model: P lists those of each provider.")
        elif self._plan is not None and count == self._plan.count:
            self.dismiss(DraftWish(self._plan, provider, model))


async def ask_for_drafts(app: App[Any], seeds: Sequence[Seed], about: str) -> None:
    """Ask which model writes, have it write while the screen goes on, and list what passed the gate."""
    session = shell_of(app).session
    wish = await app.push_screen_wait(DraftsDialog(seeds, about))
    if wish is None:
        return
    drafts = await _write(session, wish)
    if drafts is None:
        return
    session.toast(drafting.outcome_words(drafts, wish.model))
    if any(draft.proposal is not None for draft in drafts) and not app.screen.is_modal:
        await app.run_action("dialog('proposals')")


async def _write(session: Session, wish: DraftWish) -> list[Draft] | None:
    """Have a model write; None where that failed, which was said."""
    writer = one_line(wish.model, 40)
    session.toast(f"{writer} writes; you can go on meanwhile, ! tells how far it is and stops it")
    task = session.tasks.begin(f"{writer} writes drafts", get_current_worker().cancel)

    def report(done: int, total: int) -> None:
        task.report(done / total)

    try:
        return await drafting.write(session.workspace, wish.plan, wish.provider, wish.model, report)
    except CuratorError as error:
        session.say(error, title="Not all drafts were written; what was is kept")
        return None
    except asyncio.CancelledError:
        session.toast("Stopped. Asking again goes on: what was written is kept, and not paid twice")
        raise
    finally:
        task.end()

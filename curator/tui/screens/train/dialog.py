"""The Train dialog: provider, model and hyperparameters, with an estimate of cost and the reasons not to start."""

from __future__ import annotations

import asyncio
import importlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Checkbox, Input, Select, Static
from textual.widgets.select import InvalidSelectValueError

from curator import pricing
from curator.core.cost import money
from curator.core.formats import detect
from curator.core.text import count_of, one_line, printable
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.screens.train.advanced import AdvancedSettings
from curator.tui.screens.train.submitting import SubmitDialog
from curator.tui.shell import shell_of
from curator.tui.stage_models.dataset_bars import query_for_ids, words_if_cut
from curator.tui.stage_models.run_words import time_span
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput
from curator.tui.widgets.tick import Tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.jobs.planning.make_plan import Wish
    from curator.jobs.planning.plan import TrainingPlan
    from curator.jobs.providers import Provider

LAST = "ui.train"
"""The workspace setting that stores the values of the training started last."""
_SAMPLE = 20
"""Examples whose format decides the method."""
_PAUSE = 0.25
"""Seconds after the last key press before a new estimate."""


class TrainDialog(Dialog[None]):
    """Asks for everything a training needs, with defaults; enter starts it."""

    HEADING = "Train"
    ACCEPT = "Start"
    HELP = (
        "Enter starts the training with these values, wherever the cursor is; space ticks a box or opens a list. "
        "The provider chooses the values of empty fields."
    )

    def __init__(self, data: Path | None = None, held_out: Path | None = None) -> None:
        """`data`: a file of preference examples to train on in place of the workspace; `held_out` beside it."""
        super().__init__()
        self._data, self._held_out = data, held_out
        self._plan: TrainingPlan | None = None
        self._error = ""
        self._timer: Timer | None = None
        self._start_when_estimated = False
        self._provider_name = self.session.provider.name
        """The provider whose model is in the field."""

    def compose_body(self) -> ComposeResult:
        """Provider and model, the split, the hyperparameters, and the estimate."""
        from curator.jobs import providers  # heavy

        names = [(Content(one_line(name, 40)), name) for name in providers.load()]
        methods = [(Content(word), word) for word in ("supervised", "dpo")]
        yield self._row(
            (
                "Provider",
                DropDown(names, value=self.session.provider.name, allow_blank=False, compact=True, id="provider"),
            ),
            ("Method", DropDown(methods, value=self._method(), allow_blank=False, compact=True, id="method")),
        )
        yield self._row(
            ("Model", LineInput(one_line(self._model_at(self.session.provider)), compact=True, id="model"))
        )
        validation = self.session.workspace.counts().validation
        words = f"split as it is: {validation}" if self._data is None else "judged held-out prompts"
        as_it_is = validation if self._data is None else self._held_out is not None
        split = LineInput("" if as_it_is else "0.1", placeholder=words, compact=True, id="validation")
        yield self._row(
            ("Validation", split), ("Suffix", LineInput(placeholder="none", compact=True, id="suffix"))
        )
        auto = {"placeholder": "auto", "compact": True}
        yield self._row(
            ("Epochs", LineInput(id="epochs", **auto)),  # type: ignore[arg-type]
            ("Batch size", LineInput(id="batch", **auto)),  # type: ignore[arg-type]
        )
        yield self._row(
            ("Rate ×", LineInput(id="rate", **auto)),  # type: ignore[arg-type]
            ("Seed", LineInput(id="seed", **auto)),  # type: ignore[arg-type]
        )
        yield Tick(Content("Leave out examples with errors"), True, compact=True, id="sound")
        yield AdvancedSettings()
        yield Static("", id="estimate", classes="estimate")

    def _row(self, *fields: tuple[str, Input | Select[str]]) -> Horizontal:
        parts = []
        for name, field in fields:
            parts += [Static(Content(name), classes="name"), field]
        return Horizontal(*parts, classes="field -tight")

    def on_mount(self) -> None:
        """Start the estimate; focus the button, so that enter starts the training."""
        self._restore_last()
        self._show_what_is_local()
        self.query_one("#accept").focus()
        self._estimate()

    @property
    def _fields(self) -> list[Input | Select[str] | Checkbox]:
        return [*self.query(Input), *self.query(Select), *self.query(Checkbox)]

    def _restore_last(self) -> None:
        """Fill in the values of the last submission if it did not become a job, so that enter continues it."""
        if self._data is not None:
            return
        last = next(iter(shell_of(self).job_watch.runs()), None)
        values = self.session.workspace.meta(LAST)
        if last is None or last.job_id is not None or last.closed or not isinstance(values, dict):
            return
        with (
            self.prevent(Select.Changed),
            suppress(InvalidSelectValueError),
        ):  # of a provider that is no longer configured
            for field in self._fields:
                if type(value := values.get(field.id)) is type(field.value):
                    field.value = value
        self._provider_name = str(self.query_one("#provider", Select).value)

    @on(Input.Changed)
    @on(Select.Changed)
    @on(Checkbox.Changed)
    def _edited(self) -> None:
        self._plan = None
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(_PAUSE, self._estimate)

    @on(Select.Changed, "#provider")
    def _other_provider(self, event: Select.Changed) -> None:
        from curator.jobs import providers  # heavy

        name = str(event.value)
        if name == self._provider_name or event.value != event.select.value:  # an earlier value, reported late
            return
        self._provider_name = name
        self.query_one("#model", Input).value = one_line(self._model_at(providers.get(name)))
        self._show_what_is_local()

    def _show_what_is_local(self) -> None:
        """Offer the advanced settings where the provider takes them."""
        from curator.jobs import providers  # heavy

        is_local = providers.get(self._provider_name).kind == "local"
        self.query_one(AdvancedSettings).display = is_local

    def _method(self) -> str:
        """The method set in the workspace; else dpo if its first examples are preferences, or supervised."""
        if self._data is not None:
            return "dpo"
        workspace = self.session.workspace
        method = (workspace.meta("context") or {}).get("method")
        if method in ("supervised", "dpo"):
            return str(method)
        first = [detect(record.example.value) for record in workspace.records(workspace.ids()[:_SAMPLE])]
        return "dpo" if first and set(first) == {"preference"} else "supervised"

    def _model_at(self, provider: Provider) -> str:
        """The workspace's model if this provider offers it, else the provider's default."""
        model = self.session.model
        priced = pricing.find(model)
        offered = priced is None or provider.kind in priced.providers or provider.kind == "compatible"
        return model if offered and provider.name == self.session.provider.name else provider.model or model

    @work(exclusive=True, group="plan", exit_on_error=False)
    async def _estimate(self) -> None:
        self._say(Content.styled("estimating …", "$quiet"))
        planning = await asyncio.to_thread(importlib.import_module, "curator.jobs.planning.make_plan")
        try:
            ledger = shell_of(self).job_watch.ledger
            plan = await planning.plan(self._data or self.session.workspace.path, self._wish(), ledger)
        except (CuratorError, ValueError) as error:
            self._plan, self._error, self._start_when_estimated = None, str(error), False
            self._say(Content.styled(printable(f"✗ {error}"), "$mark-error"))
            return
        from curator.jobs.runs.pace import seconds_of_plan  # heavy, and loaded with the plan

        self._plan, self._error = plan, ""
        self._say(plan_words(plan, await asyncio.to_thread(seconds_of_plan, plan, ledger)))
        if self._start_when_estimated:
            self.action_accept()

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _number(self, name: str, words: str) -> int | None:
        try:
            return int(self._text(name)) if self._text(name) else None
        except ValueError:
            raise ValueError(f"{words} is a whole number.") from None

    def _shares(self) -> tuple[float | None, float | None]:
        """The validation share and the learning rate multiplier; None for an empty field."""
        text = self._text("validation")
        try:
            validation = float(text.removesuffix("%")) if text else None
            rate = float(self._text("rate")) if self._text("rate") else None
        except ValueError:
            raise ValueError("Validation and rate are numbers such as 0.1.") from None
        if validation is not None and text.endswith("%"):
            validation /= 100
        return validation, rate

    def _wish(self) -> Wish:
        """What the fields ask for. Raises ValueError for a field that is no number."""
        from curator.jobs.planning.make_plan import Wish  # heavy
        from curator.jobs.planning.plan import Params

        validation, rate = self._shares()
        seed = self._number("seed", "The seed")
        params = Params(
            epochs=self._number("epochs", "Epochs"),
            batch_size=self._number("batch", "The batch size"),
            learning_rate_multiplier=rate,
            seed=seed,
            suffix=self._text("suffix") or None,
            **self.query_one(AdvancedSettings).values(),
        )
        return Wish(
            provider=str(self.query_one("#provider", Select).value),
            model=self._text("model") or None,
            method=str(self.query_one("#method", Select).value),
            validation=str(self._held_out) if validation is None and self._held_out else validation,
            params=params,
            split_seed=seed or 0,
            leave_out_errors=self.query_one("#sound", Checkbox).value,
        )

    def _say(self, content: Content) -> None:
        self.query_one("#estimate", Static).update(content)

    def action_accept(self) -> None:
        """Start the training unless something blocks it; without an estimate yet, start once it is there."""
        if self._plan is None:
            self._start_when_estimated = not self._error
            return
        self._start_when_estimated = False
        if self._plan.leaking:
            self._show_leaks(self._plan.leaking)
            return
        if self._plan.blocking:
            self.app.bell()
            return
        with suppress(CuratorError):  # a workspace opened read-only cannot store the values, but can be trained on
            if self._data is None:
                self.session.workspace.set_meta(LAST, {field.id: field.value for field in self._fields})
        self.app.switch_screen(SubmitDialog(self._plan, self._wish(), self._data))

    @work(exclusive=True, group="leaks", exit_on_error=False)
    async def _show_leaks(self, leaking: Sequence[int]) -> None:
        """Leave, and list the training examples that are copies of held-out ones."""
        shell = shell_of(self)
        self.dismiss(None)
        await shell.show_query(query_for_ids(leaking))
        words = "These are copies of held-out examples: delete them, or pin them to that side (p)."
        self.session.toast(words + words_if_cut(leaking))


def plan_words(plan: TrainingPlan, seconds: float | None = None) -> Content:
    """A plan in a few lines: data, price, time, notices, and the reasons that block it."""
    validation = f" · {plan.validation.examples:,} held out" if plan.validation else ""
    price = "free" if plan.usd == 0 else "price unknown" if plan.usd is None else f"about US$ {money(plan.usd)}"
    if plan.usd and plan.priced_on:
        price += f" (prices of {plan.priced_on})"
    lines = [
        Content(
            f"{count_of(plan.training.examples)}{validation} · {count_of(plan.training.tokens, 'token')} × "
            f"{plan.epochs} epoch{'' if plan.epochs == 1 else 's'}"
        ),
        Content.assemble(
            (price, "bold"), _needs_words(plan, seconds), f" · {plan.warning_words or 'no warnings'}"
        ),
    ]
    lines += [Content.styled(printable(f"✗ {reason}"), "$mark-error") for reason in plan.blocking]
    lines += [Content.styled("enter lists the copies", "$accent")] if plan.leaking else []
    ends = [notice for notice in plan.notices if plan.shutdown and plan.shutdown in notice]
    if plan.shutdown and not ends:
        ends = [f"{plan.model} is switched off on {plan.shutdown}"]
    lines += [Content.styled(printable(f"! {notice}"), "$mark-warning") for notice in ends]
    if plan.missing_model:
        lines.append(Content(f"i {one_line(plan.missing_model)} is fetched first (93 MB, once)"))
    lines += [Content.styled(printable(f"i {notice}"), "$quiet") for notice in plan.notices if notice not in ends]
    return Content("\n").join(lines)


def _needs_words(plan: TrainingPlan, seconds: float | None) -> str:
    """Time and memory of a training on this machine."""
    pace = f" · about {time_span(seconds)}, at the pace of the last training here" if seconds else ""
    return pace + (f" · about {plan.memory / 1e9:.1f} GB of memory" if plan.memory else "")

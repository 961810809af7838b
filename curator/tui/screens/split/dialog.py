"""The dialog that divides the examples into training and validation."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Select, Static

from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput
from curator.tui.widgets.tick import Tick

if TYPE_CHECKING:
    from curator.workspace.changes.sides import AnySide

STRATIFY_BY = (("nothing", ""), ("answer", "answer"), ("label", "label"))


class SplitDialog(Dialog[None]):
    """Asks for the shares of validation and test, the seed and what to stratify by; enter divides."""

    HEADING = "Split"
    ACCEPT = "Split"
    HELP = "The same seed gives the same split. Copies, contradictions and look-alikes stay on one side."

    def compose_body(self) -> ComposeResult:
        """The fields, with the values of the last split."""
        last_split = self.session.workspace.meta("split") or {}
        share = LineInput(f"{last_split.get('validation', 0.1):g}", compact=True, id="validation")
        test = LineInput(f"{last_split.get('test', 0):g}", placeholder="none", compact=True, id="test")
        seed = LineInput(str(last_split.get("seed", 0)), placeholder="random", compact=True, id="seed")
        yield Horizontal(Static(Content("Validation"), classes="name"), share, classes="field -tight")
        yield Horizontal(Static(Content("Test"), classes="name"), test, classes="field -tight")
        yield Horizontal(Static(Content("Seed"), classes="name"), seed, classes="field -tight")
        options = [(Content(title), value) for title, value in STRATIFY_BY]
        stratum = last_split.get("stratify") or ""
        strata = DropDown(options, value=stratum, allow_blank=False, compact=True, id="strata")
        yield Horizontal(Static(Content("Equal shares of"), classes="name"), strata, classes="field -tight")
        counts = self.session.workspace.counts()
        yield Tick(
            Content("Keep every example on the side it has"),
            counts.validation + counts.test > 0,
            compact=True,
            id="keep",
        )
        hint = "A share such as 0.1, or a number of examples. The test is for the very last check; 0: none."
        yield Static(Content.styled(hint, "$quiet"), classes="estimate")

    def on_mount(self) -> None:
        """Focus the button, so that enter divides at once."""
        self.query_one("#accept").focus()

    def action_accept(self) -> None:
        """Check the fields, then divide."""
        try:
            share = float(self.query_one("#validation", Input).value)
            test = float(self.query_one("#test", Input).value.strip() or 0)
            typed = self.query_one("#seed", Input).value.strip()
            seed = int(typed) if typed else random.randrange(10_000)
        except ValueError:
            self.session.say(
                CuratorError("Validation is a number such as 0.1, test as well, and the seed a whole number.")
            )
            return
        strata, keep = str(self.query_one("#strata", Select).value), self.query_one("#keep", Tick).value
        self._divide(share, test, seed, strata, keep)

    @work(exclusive=True, group="split", exit_on_error=False)
    async def _divide(self, share: float, test: float, seed: int, strata: str, keep: bool) -> None:
        fixed = self._present_sides(test > 0) if keep else None
        self.session.split(
            lambda: self.dismiss(None),
            validation=share,
            test=test,
            seed=seed,
            stratify=strata or None,
            fixed=fixed,
        )

    def _present_sides(self, with_test: bool) -> dict[int, AnySide]:
        """The side of each example by id, without those added after the last split.

        Where a test side is wanted and there is none yet, those in training are free: it is drawn from them.
        """
        workspace = self.session.workspace
        last = (workspace.meta("split") or {}).get("last", 0)
        fixed: dict[int, AnySide] = dict.fromkeys(workspace.view("split:validation").ids, "validation")
        if with_test:
            fixed |= dict.fromkeys(workspace.view("split:test").ids, "test")
        if with_test and not workspace.counts().test:
            return fixed
        train = (example for example in workspace.ids() if example <= last and example not in fixed)
        fixed |= dict.fromkeys(train, "train")
        return fixed

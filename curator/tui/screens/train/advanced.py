"""`AdvancedSettings`: the part of the Train dialog with the settings of local trainings; folded at first."""

from __future__ import annotations

from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.widget import Widget
from textual.widgets import Checkbox, Input, Select, Static

from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput
from curator.tui.widgets.tick import Tick

_HELP = {
    "advanced": "Settings of trainings on this machine; folded, the usual ones hold.",
    "lora_rank": "Rank of the adapter, 1 to 256: a higher one can learn more, and takes more memory.",
    "lora_alpha": "How strongly the adapter changes the model, times the rank. Usually twice the rank.",
    "lora_dropout": "Share of its inputs that the adapter misses in a step, as 0.1: against learning by heart.",
    "lora_targets": "Which layers of the model are adapted.",
    "schedule": "How the learning rate goes after it has risen over the first tenth of the steps.",
    "packing": "Short examples of a batch share a row, apart from each other: the same losses in less time.",
    "early_stopping": "Stop after so many epochs in which the validation loss did not fall. Empty: never.",
    "best_checkpoint": "Of which epoch the model is: the last, or that of the lowest validation loss.",
}
_CHOICES = {
    "lora_targets": ("all", {"all": "all layers", "attention": "attention", "mlp": "feed-forward"}),
    "schedule": ("linear", {"linear": "linear", "cosine": "cosine", "constant": "constant"}),
    "best_checkpoint": ("auto", {"auto": "auto", "best": "best", "last": "last"}),
}
"""The usual value, and the words for each value."""


class AdvancedSettings(Vertical):
    """A box to tick, and below it, while it is ticked, one field a setting with a line that explains it."""

    def compose(self) -> ComposeResult:
        """The box, the explanation, the fields two in a row."""
        yield Tick(Content("Advanced settings"), False, compact=True, id="advanced")
        with Vertical(id="advanced-fields"):
            yield Static("", id="advanced-help")
            yield _row(("Rank", _number("lora_rank", "16")), ("Alpha", _number("lora_alpha", "2 × rank")))
            yield _row(("Dropout", _number("lora_dropout", "0")), ("Layers", _choice("lora_targets")))
            yield _row(("Schedule", _choice("schedule")), ("Early stop", _number("early_stopping", "never")))
            yield _row(
                ("Model of", _choice("best_checkpoint")),
                ("", Tick(Content("Packing"), True, compact=True, id="packing")),
            )

    def on_mount(self) -> None:
        """Begin folded."""
        self._fold()

    @on(Checkbox.Changed, "#advanced")
    def _fold(self) -> None:
        self.query_one("#advanced-fields").display = self._is_open

    @property
    def _is_open(self) -> bool:
        return self.query_one("#advanced", Checkbox).value

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Explain the field that the cursor is in."""
        words = _HELP.get(event.widget.id or "", "")
        self.query_one("#advanced-help", Static).update(Content.styled(words, "$quiet"))

    def values(self) -> dict[str, Any]:
        """The settings that differ from the usual ones, as `Params` names them; none where it is folded or hidden.
        Raises ValueError for a field that is no number."""
        if not self._is_open or not self.display:
            return {}
        numbers = {name: self._number_of(name, kind) for name, kind in _NUMBERS.items()}
        words = {name: str(self.query_one(f"#{name}", Select).value) for name in _CHOICES}
        best = {"auto": None, "best": True, "last": False}[words.pop("best_checkpoint")]
        chosen = {name: word for name, word in words.items() if word != _CHOICES[name][0]}
        packing = None if self.query_one("#packing", Checkbox).value else False
        return {**numbers, **chosen, "packing": packing, "best_checkpoint": best}

    def _number_of(self, name: str, kind: type[int] | type[float]) -> float | None:
        text = self.query_one(f"#{name}", Input).value.strip()
        try:
            return kind(text) if text else None
        except ValueError:
            word = "whole number" if kind is int else "number such as 0.1"
            raise ValueError(f"{_NAMES[name]} is a {word}.") from None


_NUMBERS: dict[str, type[int] | type[float]] = {
    "lora_rank": int,
    "lora_alpha": float,
    "lora_dropout": float,
    "early_stopping": int,
}
_NAMES = {
    "lora_rank": "Rank",
    "lora_alpha": "Alpha",
    "lora_dropout": "Dropout",
    "early_stopping": "Early stop, in epochs,",
}


def _row(*fields: tuple[str, Widget]) -> Horizontal:
    parts: list[Widget] = []
    for name, field in fields:
        parts += [Static(Content(name), classes="name"), field]
    return Horizontal(*parts, classes="field -tight")


def _number(name: str, usual: str) -> LineInput:
    return LineInput(placeholder=usual, compact=True, id=name)


def _choice(name: str) -> DropDown[str]:
    usual, words = _CHOICES[name]
    options = [(Content(word), value) for value, word in words.items()]
    return DropDown(options, value=usual, allow_blank=False, compact=True, id=name)

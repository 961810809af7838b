"""The dialogs of the Compare stage: which prompts, and another model or way of asking one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Select, Static

from curator import paths
from curator.core.text import count_of, one_line
from curator.errors import CuratorError, UsageError
from curator.tui.screens.dialog import Dialog
from curator.tui.stage_models.comparing.board import way_entry
from curator.tui.stage_models.comparing.prompt_sources import PromptSource
from curator.tui.widgets.choice import DropDown
from curator.tui.widgets.line_input import LineInput
from curator.tui.widgets.line_list import LineList, Pieces
from curator.tui.widgets.tick import Tick

MOST_SHOTS = 64


class PromptsDialog(Dialog[PromptSource]):
    """Lists the sets of prompts; dismisses with the chosen one. The last line is a file, by its path."""

    HEADING = "Prompts"
    ACCEPT = "Compare"
    HELP = (
        "What the models are asked. The test side is sealed: each look at it is counted, because what is looked "
        "at often no longer tells how good a model is. The training side is for judging, not for scores."
    )

    def __init__(self, sources: Sequence[PromptSource], opened: int) -> None:
        super().__init__()
        self._sources, self._opened = sources, opened

    def compose_body(self) -> ComposeResult:
        """The sets, and the field for a file."""
        yield LineList("sets", empty="No example is held out: S splits the data.")
        sample = paths.packaged("sample_data") / "emojibot-test.jsonl"
        yield Horizontal(
            Static(Content("or a file"), classes="name"),
            LineInput("", placeholder=one_line(str(sample)), compact=True, id="path"),
            classes="field",
        )

    def on_mount(self) -> None:
        """List the sets."""
        sets = self.query_one("#sets", LineList)
        sets.styles.height = max(1, len(self._sources))
        sets.show(len(self._sources), self._line)
        sets.focus()

    def _line(self, index: int, width: int) -> Pieces:
        source = self._sources[index]
        size = "" if source.count is None else f" · {count_of(source.count, 'prompt')}"
        times = f" · opened {self._opened:,} time{'s' * (self._opened != 1)}"
        mark = ("🔒 ", "warning") if source.kind == "test" else ("   ", "")
        return [mark, (source.title, ""), (size + (times if source.kind == "test" else ""), "dim")]

    @on(LineList.Chosen, "#sets")
    def action_accept(self) -> None:
        """Dismiss with the set under the cursor, or with the file if one is named."""
        text = self.query_one("#path", Input).value.strip()
        at = self.query_one("#sets", LineList).cursor
        path = Path(text).expanduser()
        if text and path.is_file():
            self.dismiss(PromptSource("file", f"file {one_line(path.name)}", path))
        elif text:
            self.session.say(CuratorError(f"{path} is no file"))
        elif at < len(self._sources):
            self.dismiss(self._sources[at])


@dataclass(frozen=True)
class WayChoice:
    """What a new row begins with."""

    provider: str
    model: str
    system: str = ""


class WayDialog(Dialog[dict[str, Any]]):
    """Asks for another row of the board; dismisses with it as `stage_models.board` stores it."""

    HEADING = "Another row"
    ACCEPT = "Add"
    HELP = (
        "Any model of any provider, under another system prompt, or with training examples before each question: "
        "the same ones for all, or those most like the question. It needs no training, and shows whether one pays."
    )

    def __init__(self, begin: WayChoice) -> None:
        super().__init__()
        self._begin = begin

    def compose_body(self) -> ComposeResult:
        """Model, system prompt and examples."""
        from curator.jobs import providers  # heavy

        names = [(Content(one_line(name, 40)), name) for name in providers.load()]
        provider = DropDown(names, value=self._begin.provider, allow_blank=False, compact=True, id="provider")
        yield self._field("Provider", provider)
        yield self._field("Model", LineInput(one_line(self._begin.model), compact=True, id="model"))
        hint = "that of each prompt; - for none"
        yield self._field("System", LineInput(self._begin.system, placeholder=hint, compact=True, id="system"))
        shots = LineInput(placeholder="none", compact=True, id="shots")
        yield Horizontal(
            Static(Content("Examples"), classes="name"),
            shots,
            Tick(Content("those nearest to the question"), True, compact=True, id="nearest"),
            classes="field",
        )
        yield Static(Content.styled("Asked with the ticked rows: r asks them.", "$quiet"))

    def _field(self, name: str, widget: Input | Select[str]) -> Horizontal:
        return Horizontal(Static(Content(name), classes="name"), widget, classes="field -tight")

    def on_mount(self) -> None:
        """Focus the number of examples, which is what is changed most."""
        self.query_one("#shots").focus()

    @on(Select.Changed, "#provider")
    def _other_provider(self, event: Select.Changed) -> None:
        from curator.jobs import providers  # heavy

        if event.value == event.select.value and event.value != self._begin.provider:
            self.query_one("#model", Input).value = one_line(providers.get(str(event.value)).model or "")

    def action_accept(self) -> None:
        """Dismiss with the row if it can be asked."""
        try:
            self.dismiss(self._entry())
        except UsageError as error:
            self.session.say(error)

    def _entry(self) -> dict[str, Any]:
        model = self.query_one("#model", Input).value.strip()
        system = self.query_one("#system", Input).value.strip()
        number = self.query_one("#shots", Input).value.strip()
        if not model:
            raise UsageError("Name a model: P lists those of each provider.")
        if number and not (number.isascii() and number.isdigit() and int(number) <= MOST_SHOTS):
            raise UsageError(f"Examples is a whole number up to {MOST_SHOTS}, or empty.")
        shots = int(number or 0)
        provider = str(self.query_one("#provider", Select).value)
        nearest = bool(shots) and self.query_one("#nearest", Tick).value
        return way_entry(provider, model, {"": None, "-": ""}.get(system, system), shots, nearest)

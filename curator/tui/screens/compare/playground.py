"""`Playground`: a conversation with several models at once; any answer can become an example or a test prompt."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import Worker, get_current_worker

from curator.core import splice
from curator.core.text import one_line, printable
from curator.errors import CuratorError, UsageError
from curator.tui import keys
from curator.tui.screens.compare.talking import Streamed, TurnEnded, stream_turn
from curator.tui.screens.dialog import Dialog
from curator.tui.shell import shell_of
from curator.tui.stage_models.comparing.talk import (
    LONGEST,
    MOST_SAMPLES,
    Sample,
    Talk,
    TalkTurn,
    from_json,
    share_in_form,
)
from curator.tui.widgets.line_input import LineInput
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.core.answers.contract import Contract
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs.board import BoardRow

LABEL = "from playground"
_READ = 4_000
_KEYS = "enter sends · tab, then: t training  v test prompts  1–9 rank  c go on  s try the system prompt  n new"


class Playground(Dialog[str]):
    """Dismisses with a system prompt that is to be tried over the whole held-out set, else with None."""

    SCOPE = "playground"
    BINDINGS = keys.bindings("playground")
    HEADING = "Playground"
    ACCEPT = ""
    CANCEL = "Close"
    HELP = (
        "The models of the ticked rows answer what you type, each going on from its own answers. At temperature 0 "
        "all samples are alike. The conversation is kept. t makes an example for training of the answer under the "
        "cursor, v one for the test side; either opens in the editor, to correct the answer."
    )

    def __init__(self, rows: Sequence[BoardRow], ledger: Ledger, system: str, contract: Contract | None) -> None:
        super().__init__()
        self._rows, self._ledger, self._contract = rows, ledger, contract
        kept_talks = ledger.talks()
        self._talk = from_json(*kept_talks[0]) if kept_talks else Talk(uuid.uuid4().hex, system)
        self._asking: Worker[None] | None = None

    def compose_body(self) -> ComposeResult:
        """System prompt and parameters, the conversation, the answer in full, and the prompt."""
        talk = self._talk
        yield self._field("System", LineInput(talk.system, placeholder="none", compact=True, id="system"))
        yield Horizontal(
            Static(Content("Temperature"), classes="name"),
            LineInput(f"{talk.temperature:g}", compact=True, id="temperature"),
            Static(Content("Tokens"), classes="name"),
            LineInput(str(talk.tokens), compact=True, id="tokens"),
            Static(Content("Samples"), classes="name"),
            LineInput(str(talk.samples), compact=True, id="samples"),
            classes="field -tight",
        )
        yield LineList("talk", empty="Ask something: the ticked rows answer.")
        with VerticalScroll(id="talk-pane", can_focus=False):
            yield Static("", id="talk-read")
        yield self._field("Prompt", LineInput(compact=True, id="prompt"))
        yield Static(Content.styled(_KEYS, "$quiet"), id="talk-keys")

    def _field(self, name: str, field: Input) -> Horizontal:
        return Horizontal(Static(Content(name), classes="name"), field, classes="field -tight")

    def on_mount(self) -> None:
        """Show the conversation that was kept last; the cursor is in the prompt."""
        self._show(to_end=True)
        self.query_one("#system", Input).cursor_position = 0
        self.query_one("#prompt").focus()

    # Showing

    def _show(self, *, to_end: bool = False) -> None:
        lines = list(self._talk.lines())
        talk_list = self.query_one("#talk", LineList)
        talk_list.show(len(lines), self._line, cursor=max(0, len(lines) - 1) if to_end else None)
        self._show_current()

    def _line(self, index: int, width: int) -> Pieces:
        at, number = list(self._talk.lines())[index]
        turn = self._talk.turns[at]
        if number is None:
            return [("you  ", "accent"), (one_line(turn.prompt, max(8, width - 5)), "")]
        sample = turn.samples[number]
        label = one_line(self._label(sample.row), 22)
        mark = "✗" if sample.trouble else "▸" if not sample.ended else self._mark(sample)
        kind = {"✓": "ok", "✗": "error", "▸": "accent"}.get(mark, "dim")
        goes_on = " →" if turn.going_on.get(sample.row) == sample.text and sample.text else ""
        words = sample.trouble or sample.text
        rank = f"#{sample.rank} " if sample.rank else ""
        words = one_line(words, max(8, width - 30)) + goes_on
        return [(f"  {mark} ", kind), (f"{label:<23}", "dim"), (rank, "accent"), (words, "")]

    def _mark(self, sample: Sample) -> str:
        if self._contract is None:
            return " "
        return "✓" if self._contract.allows(sample.text.strip()) else "✗"

    def _label(self, name: str) -> str:
        return next((row.label for row in self._rows if row.name == name), name)

    @property
    def current(self) -> tuple[int, Sample] | None:
        """The turn and the answer under the cursor; None on a prompt."""
        lines, cursor = list(self._talk.lines()), self.query_one("#talk", LineList).cursor
        if cursor >= len(lines) or lines[cursor][1] is None:
            return None
        at, number = lines[cursor]
        return at, self._talk.turns[at].samples[number or 0]

    @on(LineList.Highlighted, "#talk")
    def _show_current(self) -> None:
        current, pane = self.current, self.query_one("#talk-read", Static)
        if current is None:
            cursor, lines = self.query_one("#talk", LineList).cursor, list(self._talk.lines())
            text = self._talk.turns[lines[cursor][0]].prompt if cursor < len(lines) else ""
            pane.update(Content(printable(text[:_READ])))
            return
        at, sample = current
        own = [each for each in self._talk.turns[at].samples if each.row == sample.row]
        share = share_in_form(own, self._contract)
        head = " · ".join(filter(None, (self._label(sample.row), share)))
        pane.update(Content.assemble((one_line(head, 200) + "\n", "$quiet"), printable(sample.text[:_READ])))

    @on(Streamed)
    def _streamed(self) -> None:
        self.query_one("#talk").refresh()
        self._show_current()

    # Asking

    def action_accept(self) -> None:
        """Send the prompt to all rows."""
        prompt = self.query_one("#prompt", Input)
        text = prompt.value.strip()
        if not text or self._asking is not None:
            return
        try:
            self._read_fields()
        except UsageError as error:
            self.session.say(error)
            return
        if not self._rows:
            self.session.say(UsageError("No row is ticked: esc, then space ticks one."))
            return
        samples = [Sample(row.name) for row in self._rows for _ in range(self._talk.samples)]
        self._talk.turns.append(TalkTurn(text, samples))
        prompt.value = ""
        self._show(to_end=True)
        self._asking = self._ask()

    def _read_fields(self) -> None:
        """Take system prompt and parameters from their fields. Raises UsageError."""
        talk = self._talk
        talk.system = self._text("system")
        talk.temperature = self._number("temperature", "The temperature", 0, 2)
        talk.tokens = int(self._number("tokens", "Tokens", 1, LONGEST))
        talk.samples = int(self._number("samples", "Samples", 1, MOST_SAMPLES))

    def _text(self, name: str) -> str:
        return self.query_one(f"#{name}", Input).value.strip()

    def _number(self, name: str, words: str, low: float, high: float) -> float:
        try:
            value = float(self._text(name))
        except ValueError:
            value = -1.0
        if not low <= value <= high:
            raise UsageError(f"{words} is a number from {low} to {high:,}.")
        return value

    @work(thread=True, exclusive=True, group="talk", exit_on_error=False)
    def _ask(self) -> None:
        worker = get_current_worker()
        try:
            stream_turn(self._talk, self._rows, self.post_message, lambda: worker.is_cancelled)
            self._ledger.keep_talk(self._talk.key, self._talk.to_json())
        except CuratorError as error:
            self.app.call_from_thread(self.session.say, error)
        self.post_message(TurnEnded())

    @on(TurnEnded)
    def _turn_ended(self) -> None:
        self._asking = None
        self._streamed()

    def action_cancel(self) -> None:
        """Stop the answers that are coming; with none coming, leave. The conversation is kept."""
        if self._asking is not None:
            self._asking.cancel()
        else:
            self.dismiss(None)

    # What becomes of an answer

    async def _to_side(self, side: str) -> None:
        current = self.current
        if current is None or not current[1].text:
            self.session.toast("Put the cursor on an answer.")
            return
        at, sample = current
        change = self.session.add(splice.dump(self._talk.example(at, sample)), None)
        if change is None:
            return
        if side == "test":
            self.session.pin(change.ids, "test")
        self.session.label(change.ids, LABEL, True)
        shell = shell_of(self)
        self.dismiss(None)
        await shell.show_example(change.ids[0], edit=True)

    async def action_to_training(self) -> None:
        """Open a new example with the conversation up to this answer, to correct it and train on it."""
        await self._to_side("train")

    async def action_to_test(self) -> None:
        """Open a new example of the test side with the conversation up to this answer, to write the right one."""
        await self._to_side("test")

    def action_go_on(self) -> None:
        """Let the row's conversation go on with this sample."""
        if self.current is not None:
            at, sample = self.current
            self._talk.turns[at].going_on[sample.row] = sample.text
            self._ledger.keep_talk(self._talk.key, self._talk.to_json())
            self._streamed()

    def action_rank(self, rank: int) -> None:
        """Say that this answer is the best of its turn (1), the second best, and so on; 0 takes that back."""
        from curator.tui.stage_models.comparing.ranking import keep_ranking  # heavy

        if self.current is None or self._asking is not None:
            self.session.toast("Put the cursor on an answer.")
            return
        at, sample = self.current
        sample.rank = rank
        try:
            count = keep_ranking(self._talk, at, self._ledger)
        except CuratorError as error:
            self.session.say(error)
            return
        self._streamed()
        words = f"{count:,} preference pair{'s' * (count != 1)} of this turn"
        self.session.toast(f"{words}: p in Compare trains on them.")

    def action_try_system(self) -> None:
        """Leave, and ask the whole held-out set under this system prompt."""
        self.dismiss(self._text("system"))

    def action_new_talk(self) -> None:
        """Begin another conversation; this one stays kept."""
        if self._asking is None:
            self._talk = Talk(uuid.uuid4().hex, self._text("system"))
            self._show()
            self.query_one("#prompt").focus()

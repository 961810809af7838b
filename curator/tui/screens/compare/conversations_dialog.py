"""`ConversationsDialog`: a row holds the whole held-out conversations. Did each do its task?"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static
from textual.worker import Worker, get_current_worker

from curator.core.duplicates.texts import message_text
from curator.core.text import count_of, one_line, printable
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.compare.asking import until_cancelled
from curator.tui.screens.dialog import Confirm, Dialog
from curator.tui.stage_models.comparing.held_conversations import HeldConversations
from curator.tui.widgets.line_input import LineInput
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs.board import BoardRow
    from curator.tui.stage_models.comparing.prompt_sources import LoadedPrompts

STORED = "ui.task"
"""The workspace setting with the pattern, or the file of the JSON Schema, that tells whether a task is done."""
_MARKS = {True: ("✓ ", "ok"), False: ("✗ ", "error"), None: ("? ", "dim")}
_SHOWN = 1_500
"""Most characters of a message that are shown."""


class ConversationsDialog(Dialog[None]):
    """Each turn is answered with the model's own answers before it; every answer is kept, esc stops."""

    SCOPE = "conversations"
    BINDINGS = keys.bindings("conversations")
    HEADING = "Whole conversations"
    ACCEPT = "Hold them"
    HELP = (
        "The model answers each turn of a held-out conversation after its own earlier answers. The task is done "
        "where the last answer holds a pattern (a regular expression), or is JSON that fits the JSON Schema of a "
        ".json file, or as you say: p passes, x fails, 0 leaves it to the rule. The share stands with the round."
    )

    def __init__(self, row: BoardRow, prompts: LoadedPrompts, ledger: Ledger) -> None:
        super().__init__()
        self._row, self._prompts, self._ledger = row, prompts, ledger
        self._held: HeldConversations | None = None
        self._asking: Worker[None] | None = None

    @property
    def is_asking(self) -> bool:
        """Whether the model is being asked."""
        return self._asking is not None

    def compose_body(self) -> ComposeResult:
        """The rule, the conversations, and the one under the cursor."""
        stored = self.session.workspace.meta(STORED)
        rule = stored if isinstance(stored, str) else ""
        hint = "pattern of the last answer, or a JSON Schema's .json file"
        yield Static("", id="task-words")
        field = LineInput(rule, placeholder=hint, compact=True, id="rule")
        yield Horizontal(Static(Content("Done where"), classes="name"), field, classes="field -tight")
        yield LineList("conversations", empty="reading …")
        yield Static("", id="spoken")

    def on_mount(self) -> None:
        """Read the conversations and what the row has said in them already, in a thread."""
        self.query_one("#rule").focus()
        self._read()

    @work(thread=True, exclusive=True, group="conversations", exit_on_error=False)
    def _read(self) -> None:
        try:
            talks = HeldConversations.read(self._row, self._prompts, self.session.workspace, self._ledger)
        except CuratorError as error:
            self.app.call_from_thread(self.session.say, error)
            return
        self.app.call_from_thread(self._take, talks)

    def _take(self, talks: HeldConversations) -> None:
        self._held = talks
        self._judge()

    def _judge(self) -> bool:
        """Judge what was said by the rule and by the person, and store the share with the round; whether the rule
        can be used."""
        talks, lines, is_usable = self._held, self.query_one("#conversations", LineList), True
        if talks is None:
            return False
        try:
            talks.judge(self.query_one("#rule", Input).value.strip(), self._ledger)
        except CuratorError as error:
            self.session.say(error)
            is_usable = False
        lines.say("No conversation there ends with an answer that can be asked for again.")
        lines.show(len(talks.scripts), self._line)
        self._say(talks.words)
        self._show_spoken()
        return is_usable

    def _say(self, words: str) -> None:
        if self.is_mounted:
            text = f"{one_line(self._row.label, 50)}: {words}"
            self.query_one("#task-words", Static).update(Content(printable(text)))

    def _line(self, index: int, width: int) -> Pieces:
        assert self._held is not None
        script, answers = self._held.scripts[index], self._held.answers_of(index)
        mark, by_person = self._held.mark(index)
        room = max(10, width // 2)
        first = message_text(script.turns[0][-1])
        last = answers[-1] if answers else "not held yet"
        return [
            _MARKS[mark],
            ("you " if by_person else "    ", "accent"),
            (f"{one_line(first, room):<{room}} ", ""),
            (one_line(last, max(1, width - room - 7)), "dim"),
        ]

    @on(LineList.Highlighted, "#conversations")
    def _show_spoken(self) -> None:
        talks, at = self._held, self.query_one("#conversations", LineList).cursor
        if talks is None or at >= len(talks.scripts):
            return
        answers, parts = talks.answers_of(at), []
        for number, turn in enumerate(talks.scripts[at].turns):
            parts += [(str(message.get("role")), message_text(message), "$role-user") for message in turn]
            if number < len(answers):
                parts.append(("model", answers[number], "$role-assistant"))
        lines = [Content.assemble((f"{one_line(n, 9):<10}", c), printable(t[:_SHOWN])) for n, t, c in parts]
        self.query_one("#spoken", Static).update(Content("\n").join(lines))

    # Actions

    @on(LineList.Chosen, "#conversations")
    def action_accept(self) -> None:
        """Judge by the rule; ask for what the row has not said yet, once its price was seen."""
        if self._asking is None and self._held is not None and self._judge():
            with suppress(CuratorError):  # a workspace that is only read forgets it
                self.session.workspace.set_meta(STORED, self.query_one("#rule", Input).value.strip())
            if not self._held.is_complete:
                self._ask_after_consent(self._held)

    @work(exclusive=True, group="dialog", exit_on_error=False, description="ask")
    async def _ask_after_consent(self, talks: HeldConversations) -> None:
        try:
            cost = talks.cost()
        except CuratorError as error:
            self.session.say(error)
            return
        if cost.usd != 0 or cost.wants_consent:
            text = f"{cost.words}. Every answer is kept; esc stops, and asking again goes on."
            if not await self.app.push_screen_wait(Confirm("Hold the conversations", text, "Ask")):
                return
        self._say("asking …")
        self._asking = self._ask(talks)

    @work(thread=True, exclusive=True, group="ask", exit_on_error=False, description="ask")
    def _ask(self, talks: HeldConversations) -> None:
        worker = get_current_worker()
        background, trouble = self.session.tasks.begin("holding conversations"), ""

        def report(name: str, done: int, total: int) -> None:
            background.report(done / max(1, total))
            self.app.call_from_thread(self._say, f"{done:,} of {count_of(total, 'answer')} · esc stops")

        try:
            asyncio.run(until_cancelled(talks.play(self._ledger, report), lambda: worker.is_cancelled))
        except CuratorError as error:
            trouble = f"Not finished: {error.message}"
        finally:
            background.end()
        if not worker.is_cancelled:
            self.app.call_from_thread(self._finish, trouble)

    def _finish(self, trouble: str) -> None:
        self._asking = None
        if trouble:
            self._say(trouble)
        else:
            self._judge()
            self.query_one("#conversations").focus()

    def action_decide(self, word: str) -> None:
        """Say that the conversation under the cursor did its task, or did not, or leave that to the rule."""
        talks, at = self._held, self.query_one("#conversations", LineList).cursor
        if talks is None or at >= len(talks.scripts) or not talks.answers_of(at):
            self.session.toast("This conversation was not held yet: enter in the field above asks for it.")
            return
        talks.decide(at, {"pass": True, "fail": False}.get(word), self._ledger)
        self._judge()

    def action_cancel(self) -> None:
        """Stop the asking; nothing runs: leave."""
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None
            self._say("Stopped. Every answer that came is kept; enter goes on.")
        else:
            self.dismiss(None)

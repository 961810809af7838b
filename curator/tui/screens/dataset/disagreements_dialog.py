"""`DisagreementsDialog`: what two people judged differently, one after the other; one key picks a side."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from curator.core.duplicates.question import question_and_answer
from curator.core.text import one_line
from curator.tui import keys
from curator.tui.screens.dialog import Dialog
from curator.workspace.exchange.disagreements import Disagreement, Side, open_disagreements

_PROMPT, _ANSWER = 600, 600
"""Characters of prompt and answer that are shown."""


class DisagreementsDialog(Dialog[None]):
    """Shows the first open disagreement; a decision is one change and brings the next one."""

    SCOPE = "disagreements"
    BINDINGS = keys.bindings("disagreements")
    HEADING = "Disagreements"
    ACCEPT = ""
    HELP = (
        "After `curator merge` the judgements that both of you made, and made differently. m keeps what this "
        "workspace says, t takes the other one; the history keeps who decided, and undo opens it again."
    )

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Disagreement] = []
        self._at = 0

    def compose_body(self) -> ComposeResult:
        """What is disagreed about, the example, both sides."""
        yield Static("", id="says")
        yield Static("", id="example")
        yield Static("", id="sides", classes="estimate")
        yield Static(Content("m mine   t theirs   space later   u undo"), classes="hint")

    def on_mount(self) -> None:
        """Show the first one."""
        self._look()

    def _look(self) -> None:
        """Read what is open; show one that an undo opened again, else stay where it was."""
        before = {each.key for each in self._waiting}
        self._waiting = open_disagreements(self.session.workspace)
        opened = [at for at, each in enumerate(self._waiting) if each.key not in before]
        self._at = opened[0] if opened else self._at
        self._at = min(self._at, max(0, len(self._waiting) - 1))
        self._show()

    @property
    def _current(self) -> Disagreement | None:
        return self._waiting[self._at] if self._at < len(self._waiting) else None

    def _show(self) -> None:
        says, example, sides = (self.query_one(f"#{name}", Static) for name in ("says", "example", "sides"))
        each = self._current
        box = self.query_one(".box", Vertical)
        if each is None:
            box.border_title = Content("Disagreements")
            says.update(
                "Nothing is disagreed about. `curator merge THEIRS.curator -w` this workspace compares two."
            )
            example.update("")
            sides.update("")
            return
        box.border_title = Content(f"Disagreement {self._at + 1:,} of {len(self._waiting):,}")
        by = one_line(each.by, 30)
        says.update(Content(f"{self._place(each.example)}: {each.subject}"))
        question, answer = question_and_answer(self.session.workspace.raw(each.example))
        asked = (one_line(question, _PROMPT), "$role-user")
        example.update(Content.assemble(asked, "\n", (one_line(answer or "–", _ANSWER), "$role-assistant")))
        mine, theirs = one_line(each.words(each.mine), 40), one_line(each.words(each.theirs), 40)
        sides.update(Content(f"m  mine: {mine}\nt  {by}: {theirs}"))

    def _place(self, example: int) -> str:
        line = self.session.workspace.row(example).line
        return f"line {line}" if line is not None else f"example {example}"

    def _decide(self, side: Side) -> None:
        if (each := self._current) is not None:
            self.session.decide(each, side, then=self._look)

    def action_mine(self) -> None:
        """Keep what this workspace says."""
        self._decide("mine")

    def action_theirs(self) -> None:
        """Take what the other one says."""
        self._decide("theirs")

    def action_undo(self) -> None:
        """Take the last decision back, which is open again then."""
        self.session.undo()
        self._look()

    def action_skip(self) -> None:
        """Leave it open and show the next one."""
        self._at = (self._at + 1) % max(1, len(self._waiting))
        self._show()

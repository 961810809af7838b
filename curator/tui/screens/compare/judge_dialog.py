"""`JudgeDialog`: two answers side by side without their models' names; a key says which is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from curator.core.scores.preferences import CRITERIA
from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Dialog
from curator.tui.stage_models.comparing.blind_pairs import BlindPair, judgement_of, preferences

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs.board import BoardRow
    from curator.tui.stage_models.comparing.board import LoadedBoard

_SHOWN = 4_000
"""Most characters of a text that are shown."""
_KEYS = "← left better  → right better  t tie  b both bad  g both right  s skip  u undo  esc ends"


class JudgeDialog(Dialog[None]):
    """Every judgement is kept at once; who wrote which answer is told at the end."""

    SCOPE = "judge"
    BINDINGS = keys.bindings("judge")
    HEADING = "Which answer is better?"
    ACCEPT = ""
    CANCEL = "End"
    HELP = (
        "Two rows of the board, in random order and without names. The digits say what decided. Judgements are "
        "preference data: p in Compare trains on them by DPO. Judged held-out prompts are never trained on."
    )

    def __init__(
        self, board: LoadedBoard, rows: tuple[BoardRow, BoardRow], pairs: list[BlindPair], ledger: Ledger
    ) -> None:
        super().__init__()
        self._board, self._rows, self._pairs, self._ledger = board, rows, pairs, ledger
        self._at = 0
        self._criteria: set[str] = set()
        self._stored: list[tuple[int, str]] = []
        """(position of the pair, id of its judgement), for undo."""

    def compose_body(self) -> ComposeResult:
        """The prompt, both answers, the criteria and the keys."""
        yield Static("", id="judged-prompt")
        with Horizontal(id="sides"):
            for side in ("left", "right"):
                with VerticalScroll(id=f"{side}-pane", can_focus=False):
                    yield Static("", id=side)
        yield Static("", id="criteria")
        yield Static(Content.styled(_KEYS, "$quiet"), id="judge-keys")

    def on_mount(self) -> None:
        """Show the first pair; nothing has the focus, so that all keys judge."""
        self.set_focus(None)
        self._show()

    @property
    def pair(self) -> BlindPair | None:
        """The pair on the screen; None behind the last one."""
        return self._pairs[self._at] if self._at < len(self._pairs) else None

    def _show(self) -> None:
        pair = self.pair
        if pair is None:
            self._show_result()
            return
        prompt = self._board.prompts.prompts[pair.at]
        head = f"{self._at + 1:,} of {len(self._pairs):,}"
        self._set("judged-prompt", Content.assemble((head, "$quiet"), "  ", printable(prompt.text[:_SHOWN])))
        for side, text in (("left", pair.left), ("right", pair.right)):
            words = printable(text[:_SHOWN]) if text.strip() else "(no words)"
            self._set(side, Content.assemble((f"{side}\n", "bold"), words))
        parts = [
            Content.assemble(
                (f"{number} ", "$accent"), (name, "bold reverse" if name in self._criteria else "$quiet"), "  "
            )
            for number, name in enumerate(CRITERIA, 1)
        ]
        self._set("criteria", Content.assemble(*parts))

    def _show_result(self) -> None:
        first, second = self._rows
        words = preferences(self._ledger.judgements(), first, second).words(first.label, second.label)
        nothing = "" if self._pairs else "Every pair that differs is judged already. "
        self._set("judged-prompt", Content(printable(nothing + words)))
        for side in ("left", "right", "criteria"):
            self._set(side, Content(""))
        self._set("judge-keys", Content.styled("esc ends  u takes the last judgement back", "$quiet"))

    def _set(self, name: str, content: Content) -> None:
        self.query_one(f"#{name}", Static).update(content)

    def action_judge(self, verdict: str) -> None:
        """Keep the judgement of the present pair, and show the next one."""
        pair = self.pair
        if pair is None:
            return
        criteria = [name for name in CRITERIA if name in self._criteria]
        try:
            key = self._ledger.add_judgement(judgement_of(pair, self._board, self._rows, verdict, criteria))
        except CuratorError as error:
            self.session.say(error)
            return
        self._stored.append((self._at, key))
        self._criteria.clear()
        self._at += 1
        self._show()

    def action_criterion(self, number: int) -> None:
        """Say that a criterion decides this pair, or take that back."""
        self._criteria ^= {CRITERIA[number - 1]}
        self._show()

    def action_skip(self) -> None:
        """Show the next pair without a judgement."""
        if self.pair is not None:
            self._criteria.clear()
            self._at += 1
            self._show()

    def action_undo(self) -> None:
        """Take the last judgement back and show its pair again."""
        if self._stored:
            self._at, key = self._stored.pop()
            self._ledger.remove_judgement(key)
            self._set("judge-keys", Content.styled(_KEYS, "$quiet"))
            self._show()
        else:
            self.session.toast("Nothing was judged here yet")

    def action_accept(self) -> None:
        """Do nothing: enter judges nothing by mistake."""

    def action_cancel(self) -> None:
        """Leave, and tell the result; every judgement is kept."""
        first, second = self._rows
        if self._stored:
            words = preferences(self._ledger.judgements(), first, second).words(first.label, second.label)
            self.session.toast(one_line(words, 400), "Judged")
        self.dismiss(None)

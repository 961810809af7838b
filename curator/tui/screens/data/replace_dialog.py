"""`ReplaceDialog`: find and replace in the view or the selection, with every hit before and after."""

from __future__ import annotations

from typing import NamedTuple

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Button, Checkbox, Input, Static
from textual.worker import get_current_worker

from curator.core.example import Path
from curator.core.text import one_line
from curator.tui.screens.dialog import Dialog
from curator.tui.stage_models.many.replacing import MOST, ROLES, FoundHits, ReplaceHit, ReplaceWish, find_hits
from curator.tui.widgets.line_input import LineInput
from curator.tui.widgets.line_list import LineList, Pieces
from curator.tui.widgets.tick import Tick

PAUSE = 0.2
"""Seconds after the last key until the search begins."""
AROUND = 24
"""Most characters of the text before a hit that its line shows."""


class Replacement(NamedTuple):
    """What is to be replaced: the wish, the examples with hits, and the places that stay as they are."""

    wish: ReplaceWish
    ids: list[int]
    left_out: frozenset[tuple[int, Path, int]]


class ReplaceDialog(Dialog[Replacement]):
    """Dismisses with a `Replacement`; space on a hit leaves it as it is."""

    HEADING = "Find and replace"
    ACCEPT = "Replace"
    HELP = (
        "Searches the texts of the chosen roles in the selected examples, else in the whole view. A regular "
        "expression is Python's; \\1 in the replacement is its first group. Space on a hit leaves it as it is."
    )

    def __init__(self, ids: tuple[int, ...], words: str) -> None:
        """`ids` are searched; `words` say what they are."""
        super().__init__()
        self._ids, self._words = ids, words
        self._found = FoundHits()
        self._wish: ReplaceWish | None = None
        """What `_found` was found by; None while there is no valid one."""
        self._left_out: set[tuple[int, Path, int]] = set()
        self._timer: Timer | None = None

    def compose_body(self) -> ComposeResult:
        """The fields, the ticks, the hits."""
        yield self._field("Find", LineInput(compact=True, id="find", placeholder="words, or a regular expression"))
        yield self._field("Replace by", LineInput(compact=True, id="replacement", placeholder="nothing"))
        yield Horizontal(
            Tick("regular expression", False, compact=True, id="regex"),
            Tick("whole words", False, compact=True, id="whole-words"),
            Tick("same case", False, compact=True, id="same-case"),
            classes="field -tight",
        )
        ticks = [Tick(role, role in ("user", "assistant"), compact=True, id=f"role-{role}") for role in ROLES]
        yield Horizontal(Static(Content("in"), classes="name"), *ticks, classes="field -tight")
        yield Static(Content(self._words), id="found", classes="estimate")
        yield LineList("hits", empty="")

    def _field(self, name: str, field: LineInput) -> Horizontal:
        return Horizontal(Static(Content(name), classes="name"), field, classes="field -tight")

    def on_mount(self) -> None:
        """Begin in the field for what to find."""
        self.query_one("#find").focus()

    def _read_wish(self) -> ReplaceWish:
        roles = [role for role in ROLES if self.query_one(f"#role-{role}", Tick).value]
        return ReplaceWish(
            self.query_one("#find", Input).value,
            self.query_one("#replacement", Input).value,
            frozenset(roles),
            regex=self.query_one("#regex", Tick).value,
            whole_words=self.query_one("#whole-words", Tick).value,
            same_case=self.query_one("#same-case", Tick).value,
        )

    @on(Input.Changed)
    @on(Checkbox.Changed)
    def _fields_changed(self) -> None:
        self._wish = None
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self._search_now)

    def _search_now(self) -> None:
        wish = self._read_wish()
        if wish.find:
            self._search(wish)
        else:
            self.workers.cancel_group(self, "replace")
            self._show(FoundHits(), None, self._words)

    @work(thread=True, exclusive=True, group="replace", exit_on_error=False)
    def _search(self, wish: ReplaceWish) -> None:
        worker = get_current_worker()

        def report(share: float) -> bool:
            if share and not worker.is_cancelled:
                self.app.call_from_thread(self._say, f"searching {share:.0%} …")
            return worker.is_cancelled

        try:
            result = find_hits(self.session.workspace, self._ids, wish, report)
        except ValueError as error:
            self.app.call_from_thread(self._show, FoundHits(), None, f"✗ {error}")
            return
        if result is not None and not worker.is_cancelled:
            self.app.call_from_thread(self._show, result, wish, "")

    def _say(self, words: str) -> None:
        self.query_one("#found", Static).update(Content(one_line(words, 300)))

    def _show(self, result: FoundHits, wish: ReplaceWish | None, words: str) -> None:
        self._found, self._wish, self._left_out = result, wish, set()
        hits = self.query_one("#hits", LineList)
        hits.show(len(result.hits), self._line, cursor=0)
        self._show_count(words)

    def _show_count(self, words: str = "") -> None:
        result, staying = self._found, len(self._left_out)
        more = f", the first {MOST:,} are listed" if result.total > len(result.hits) else ""
        stay = f", {staying:,} stay" if staying else ""
        hits = f"{result.total:,} hit{'s' * (result.total != 1)}"
        self._say(words or f"{hits} in {_examples(len(result.ids))} of {self._words}{more}{stay}")
        label = f"Replace {result.total - staying:,}" if result.total else self.ACCEPT
        self.query_one("#accept", Button).label = Content(label)

    def _line(self, index: int, width: int) -> Pieces:
        hit = self._found.hits[index]
        stays = hit.place in self._left_out
        record = self.session.workspace.record(hit.example)
        where = f"line {record.line}" if record.line is not None else "new"
        before = one_line(hit.text[max(0, hit.start - AROUND) : hit.start])
        return [
            ("[ ] " if stays else "[x] ", "accent"),
            (f"{where:<10} {hit.role[:9]:<9} ", "dim"),
            (f"{'…' if hit.start > AROUND else ''}{before}", "dim"),
            (f"−{one_line(hit.text[hit.start : hit.end], width // 3)}", "delete"),
            (f" +{one_line(hit.replacement, width // 3)}", "insert"),
            (one_line(hit.text[hit.end :], width), "dim"),
        ]

    def key_space(self) -> None:
        """Leave the hit under the cursor as it is, or replace it after all."""
        hits = self.query_one("#hits", LineList)
        hit: ReplaceHit | None = self._found.hits[hits.cursor] if hits.cursor < len(self._found.hits) else None
        if hit is not None and hits.has_focus:
            self._left_out.symmetric_difference_update((hit.place,))
            self._show_count()
            hits.action_down()
            hits.refresh()

    @on(LineList.Chosen)
    def action_accept(self) -> None:
        """Dismiss with what is found; while that is unknown, look first."""
        wish = self._read_wish()
        if not wish.find or not wish.roles:
            self.session.toast("Type what to find, and choose in which messages.")
        elif wish != self._wish:
            self._search(wish)
        elif self._found.total > len(self._left_out):
            self.dismiss(Replacement(wish, self._found.ids, frozenset(self._left_out)))
        else:
            self.session.toast("Nothing is found that could be replaced.")


def _examples(count: int) -> str:
    return f"{count:,} example{'s' * (count != 1)}"

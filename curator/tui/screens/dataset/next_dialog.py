"""What to write next: raw prompts with the model's answers, to be taken, edited, thrown away or skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static
from textual.worker import get_current_worker

from curator.core import splice
from curator.core.text import count_of, one_line, printable
from curator.errors import CuratorError, Stopped
from curator.tui import keys
from curator.tui.screens.dialog import Dialog
from curator.tui.session import next_cards
from curator.tui.shell import shell_of
from curator.tui.widgets.line_input import LineInput, Paths, path_of
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.studies.next_prompts import Card, PromptQueue
    from curator.workspace.records import Change

_LONGEST = 600
"""Characters of a text that are shown."""
_SURE, _ANSWER = 5, 24
"""Cells of the certainty and of the answer in a line."""


class NextDialog(Dialog[None]):
    """First asks for the file of raw prompts, then lists the cards; enter takes the current one as it is."""

    SCOPE = "cards"
    BINDINGS = keys.bindings("cards")
    HEADING = "What to write next"
    ACCEPT = "Go on"
    HELP = (
        "Raw prompts, answered by your latest local model (without one by its base, shown some examples first). "
        "First come those of which it is unsure and that are unlike everything there is, no two alike; never one "
        "that is like a held-out prompt. enter takes prompt and answer as they are, e corrects them first."
    )

    def __init__(self) -> None:
        super().__init__()
        self._cards: list[Card] = []
        self._is_ready = False

    def compose_body(self) -> ComposeResult:
        """The file, then the cards and the one under the cursor in full."""
        path = str(self.session.workspace.meta(next_cards.FILE) or "")
        field = LineInput(path, suggester=Paths(), compact=True, id="path")
        yield Horizontal(Static(Content("Prompts"), classes="name"), field, classes="field -tight", id="file")
        hint = "A text of one prompt a line, or any dataset. Empty: what the local server was asked and stored."
        yield Static(Content(hint), classes="hint", id="says")
        yield LineList("cards", empty="")
        yield Static("", id="row-detail", classes="estimate")
        keys_here = "enter take as it is  e take and edit  x throw away  s skip  u undo"
        yield Static(Content(keys_here), classes="hint", id="keys-here")

    def on_mount(self) -> None:
        """Begin in the path."""
        for name in ("#cards", "#row-detail", "#keys-here"):
            self.query_one(name).display = False
        self.query_one("#path").focus()

    def _say(self, words: str) -> None:
        self.query_one("#says", Static).update(Content(one_line(words, 300)))

    def action_accept(self) -> None:
        """Read the file and ask; once the cards are there, take the current one."""
        if self._is_ready:
            self._take()
        else:
            self._read(str(path_of(field)) if (field := self.query_one("#path", LineInput)).value.strip() else "")

    @work(thread=True, exclusive=True, group="cards", exit_on_error=False)
    def _read(self, path: str) -> None:
        worker, app = get_current_worker(), self.app
        app.call_from_thread(self._say, "Reading and comparing …")

        def report(done: int, total: int) -> None:
            if not worker.is_cancelled:
                app.call_from_thread(self._say, f"{done} of {count_of(total, 'prompt')} answered")

        try:
            queue = next_cards.make_cards(self.session.workspace, path, report, lambda: worker.is_cancelled)
        except Stopped:
            return
        except CuratorError as error:
            if not worker.is_cancelled:
                app.call_from_thread(self._say, error.message)
            return
        if not worker.is_cancelled:
            app.call_from_thread(self._show, path, queue)

    def _show(self, path: str, queue: PromptQueue) -> None:
        workspace = self.session.workspace
        if not workspace.read_only and path != workspace.meta(next_cards.FILE):
            workspace.set_meta(next_cards.FILE, path)
        self._cards, self._is_ready = queue.cards, True
        self.query_one("#file").display = False
        for name in ("#cards", "#row-detail", "#keys-here"):
            self.query_one(name).display = True
        parts = [f"{queue.asked:,} of {count_of(queue.read, 'prompt')} answered by {queue.model}"]
        parts += [f"{queue.copies:,} are there already"] * bool(queue.copies)
        parts += [f"{queue.held_out:,} are like a held-out one"] * bool(queue.held_out)
        self._say(" · ".join([*parts, *queue.notices]))
        self.query_one("#cards").focus()
        self._list()

    def _list(self) -> None:
        cards = self.query_one("#cards", LineList)
        cards.say("That was all: nothing is left in this queue")
        cards.show(len(self._cards), self._line)
        self._describe()

    def _line(self, index: int, width: int) -> Pieces:
        card = self._cards[index]
        sure = "?" if card.certainty is None else f"{card.certainty:.0%}"
        room = max(8, width - _SURE - _ANSWER - 4)
        return [
            (f"{sure:>{_SURE}} ", "warning" if card.certainty is None or card.certainty < 0.5 else "ok"),
            (one_line(card.prompt, room).ljust(room) + " ", ""),
            (one_line(card.answer, _ANSWER), "accent"),
        ]

    @property
    def _current(self) -> Card | None:
        at = self.query_one("#cards", LineList).cursor
        return self._cards[at] if self._is_ready and at < len(self._cards) else None

    @on(LineList.Highlighted, "#cards")
    def _describe(self) -> None:
        card, detail = self._current, self.query_one("#row-detail", Static)
        if card is None:
            detail.update("")
            return
        rows = [("asked", card.prompt, "$role-user"), ("answer", card.answer, "$role-assistant")]
        rows.append(("because", ", ".join(card.reasons) or "it is the next by uncertainty and distance", "$quiet"))
        parts = [
            Content.assemble((f"{name:<8}", "$quiet"), (printable(text[:_LONGEST]), style))
            for name, text, style in rows
        ]
        detail.update(Content("\n").join(parts))

    @on(LineList.Chosen, "#cards")
    def _accept_line(self) -> None:
        self.action_accept()

    def _take(self) -> Change | None:
        """Add the current prompt with its answer to the data."""
        card = self._current
        if card is None:
            return None
        words = f"Took {one_line(card.prompt, 40)} → {one_line(card.answer, 30)}"
        change = self.session.add_many([splice.dump(card.example())], words)
        if change is not None:
            self._cards.remove(card)
            self._list()
        return change

    def action_edit_card(self) -> None:
        """Add the current prompt and open it in the editor."""
        change = self._take()
        if change is not None and change.ids:
            self.dismiss(None)
            self.app.call_later(shell_of(self).show_example, change.ids[0], edit=True)

    def action_throw_away(self) -> None:
        """Take the current prompt out of the queue for good."""
        card = self._current
        if card is None:
            return
        try:
            next_cards.throw_away(self.session.workspace, card)
        except CuratorError as error:
            self.session.say(error)
            return
        self._cards.remove(card)
        self._list()

    def action_skip(self) -> None:
        """Put the current prompt at the end."""
        card = self._current
        if card is not None:
            self._cards.remove(card)
            self._cards.append(card)
            self._list()

    def action_undo(self) -> None:
        """Take the last change back."""
        self.session.undo()

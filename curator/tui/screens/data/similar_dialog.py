"""`SimilarDialog`: the examples most similar to one, with their scores and the words that differ."""

from __future__ import annotations

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.core.duplicates.texts import prompt_and_answer
from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.widgets.line_list import LineList, Pieces
from curator.tui.widgets.members import differences

_CHARS = 400
"""Most characters compared of a prompt."""
_ROWS = 10
_ALIKE = 60
"""Below this score, 0 to 100, two texts have too little in common to show their difference."""


class SimilarDialog(Dialog[int]):
    """Dismisses with the id of the example to go to."""

    HEADING = "Similar examples"
    ACCEPT = "Go there"
    HELP = "The examples with the most similar words, most similar first. Below: what differs in the marked one."

    def __init__(self, example: int) -> None:
        super().__init__()
        self._example = example
        self._similar: list[tuple[int, float]] = []
        """(id, score) pairs, the best first."""

    def compose_body(self) -> ComposeResult:
        """The example, the list of similar ones, the difference to the one under the cursor."""
        prompt, answer = self._words(self._example)
        yield Static(Content.assemble((one_line(prompt, 200), "$role-user"), (f" → {answer}", "$role-assistant")))
        yield LineList("nearest", empty="Looking for similar examples …")
        yield Static("", id="difference", classes="estimate")

    def on_mount(self) -> None:
        """Begin to search, which may take seconds the first time."""
        self.query_one("#nearest").focus()
        self._search()

    def _words(self, example: int) -> tuple[str, str]:
        """The beginning of an example's prompt, and its answer in one line."""
        record = self.session.workspace.record(example)
        if record.example.value is None:
            return one_line(record.raw[:_CHARS].decode("utf-8", "replace"), _CHARS), ""
        prompt, answer = prompt_and_answer(record.example.value)
        return prompt[:_CHARS], one_line(answer or "–", 60)

    @work(exclusive=True, group="similar", exit_on_error=False)
    async def _search(self) -> None:
        nearest = self.query_one("#nearest", LineList)
        try:
            await self.session.copies().find(self._report)
        except (CuratorError, OSError) as error:
            nearest.say("")
            self.session.say(error)
            return
        self._similar = self.session.copies().similar(self._example)
        nearest.say("Nothing else is like this one")
        nearest.styles.height = max(1, min(_ROWS, len(self._similar)))
        nearest.show(len(self._similar), self._line, cursor=0)
        self._compare()

    def _report(self, phase: str, share: float) -> None:
        done = f" {share:.0%}" if share else ""
        self.query_one("#nearest", LineList).say(f"{phase}{done} …")

    def _line(self, index: int, width: int) -> Pieces:
        example, score = self._similar[index]
        prompt, answer = self._words(example)
        line = self.session.workspace.record(example).line
        where = f"line {line}" if line is not None else "new"
        words = one_line(prompt, max(8, width - 36))
        kind = "warning" if score >= _ALIKE else "dim"
        return [(f"{score:4.0f}% ", kind), (f"{where:<10} ", "dim"), (words, ""), (f" → {answer}", "ok")]

    @on(LineList.Highlighted)
    def _compare(self) -> None:
        if not self._similar:
            return
        other, score = self._similar[self._cursor]
        mine, theirs = self._words(self._example)[0], self._words(other)[0]
        if score < _ALIKE:
            self.query_one("#difference", Static).update(Content(printable(theirs)))
            return
        self.query_one("#difference", Static).update(differences(mine, theirs))

    @property
    def _cursor(self) -> int:
        return self.query_one("#nearest", LineList).cursor

    @on(LineList.Chosen)
    def _accept_line(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """Dismiss with the example under the cursor."""
        if self._similar:
            self.dismiss(self._similar[self._cursor][0])

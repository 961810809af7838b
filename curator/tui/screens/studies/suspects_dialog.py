"""`SuspectsDialog`: the examples whose answers a model does not believe that has learnt from all others."""

from __future__ import annotations

import asyncio
from statistics import median
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.core.scores.surprise import curve_words
from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Dialog
from curator.tui.screens.going_study import go_on_studying
from curator.tui.screens.studies import studies
from curator.tui.widgets.line_list import LineList, Pieces
from curator.workspace.records import Row
from curator.workspace.storage import surprises

if TYPE_CHECKING:
    from curator.jobs.studies.suspects import SuspectStudy

_NO_STUDY = (
    "No study yet: r trains three small models on this machine, each on two thirds of the examples, and has them "
    "judge the rest. It takes some two or three times as long as a training."
)


class SuspectsDialog(Dialog[int]):
    """Lists what the last study said; r studies anew, p proposes the model's answer. Dismisses with the example to
    go to."""

    SCOPE = "suspects"
    BINDINGS = keys.bindings("suspects")
    HEADING = "Suspects"
    ACCEPT = "Go to it"
    HELP = (
        "The surprise says how much less likely an answer is after its own prompt than after others, in nats; "
        "then what the model would have answered and how sure it is; p proposes that answer, and W accepts or "
        "rejects it. What was changed since is not listed. "
        "A study goes on when you leave; ! tells how far it is and stops it, and asking again goes on."
    )

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._studied = surprises.NOTHING.examples

    def compose_body(self) -> ComposeResult:
        """What was measured, the suspects, how far a study is."""
        yield Static("", id="measured")
        yield LineList("suspects", empty="")
        yield Static("", id="learnt", classes="hint")
        yield Static("", id="suspects-progress", classes="hint")

    def on_mount(self) -> None:
        """Show what is known."""
        self.query_one("#suspects").focus()
        self._show()

    def _show(self) -> None:
        workspace = self.session.workspace
        studied = surprises.read(workspace.path)
        with workspace.guard:
            numbers = workspace.stored.surprises()
        there = set(workspace.ids())
        ranked = sorted((i for i in numbers if i in there), key=lambda i: -numbers[i])
        rows = workspace.rows(ranked)
        self._rows = [row for row in rows if row.answer.strip() != studied.examples[row.id].instead.strip()]
        self._studied = studied.examples
        self._say("measured", studied.says or _NO_STUDY)
        self.query_one("#suspects", LineList).show(len(self._rows), self._line, cursor=0)
        self._say_how_it_was_learnt()

    def _line(self, index: int, width: int) -> Pieces:
        row = self._rows[index]
        study = self._studied[row.id]
        room = max(8, (width - 34) // 2)
        return [
            (f"{study.surprise:+5.1f} ", "warning" if study.surprise > 0 else "dim"),
            (f"{one_line(row.preview, room):<{room}} ", ""),
            (f"{one_line(row.answer, 12):<12} ", "error"),
            (f"{one_line(study.instead, 12)} ({study.sure:.0%})", "ok"),
        ]

    def action_ask(self) -> None:
        """Study anew, or go on with a study that was stopped."""
        path = self.session.workspace.path
        go_on_studying(
            self, "suspects", lambda report: studies.suspects(path, report), self._say_how_far, self._take
        )

    def _take(self, study: SuspectStudy) -> None:
        """Show what a study said; the list behind gets its column."""
        if self.is_attached:
            self._say_how_far("")
            self._show()
        else:
            self.session.toast("The study is done: U lists the suspects", title="Suspects")
        self.session.publish_results(None)

    def _say_how_far(self, words: str) -> None:
        self._say("suspects-progress", words)

    def _say(self, widget: str, words: str) -> None:
        self.query_one(f"#{widget}", Static).update(Content(printable(words)))

    @on(LineList.Highlighted, "#suspects")
    def _say_how_it_was_learnt(self) -> None:
        """The learning curve of the example under the cursor, beside where half of all ended."""
        at = self.query_one("#suspects", LineList).cursor
        curve = self._studied[self._rows[at].id].curve if at < len(self._rows) else ()
        ends = [each.curve[-1] for each in self._studied.values() if each.curve]
        words = f"Learnt: {curve_words(curve)} (median of all at the end {median(ends):.1f})" if curve else ""
        self._say("learnt", words)

    def action_propose(self) -> None:
        """Propose the model's answer for the example under the cursor."""
        at = self.query_one("#suspects", LineList).cursor
        if at < len(self._rows):
            self._propose(self._rows[at].id)
        else:
            self.session.toast("There is no suspect here: r studies")

    @work(exclusive=True, group="propose", exit_on_error=False)
    async def _propose(self, example: int) -> None:
        from curator.jobs.studies.suggestions import propose_repairs  # heavy

        try:
            [made] = await asyncio.to_thread(propose_repairs, self.session.workspace, [example])
        except CuratorError as error:
            self.session.say(error, title="Not proposed")
            return
        why_not = f"Not proposed: {made.why_not}"
        self.session.toast(why_not if made.proposal is None else "Proposed; W accepts or rejects it")

    @on(LineList.Chosen, "#suspects")
    def _accept_line(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """Dismiss with the example under the cursor."""
        at = self.query_one("#suspects", LineList).cursor
        self.dismiss(self._rows[at].id if at < len(self._rows) else None)

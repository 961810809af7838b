"""The dialog that shows a round: facts, scores, fixed and broken prompts with what explains them, changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui.screens.dialog import Dialog
from curator.tui.screens.history.version_dialog import difference_words
from curator.tui.stage_models.changed_words import changed_line
from curator.tui.stage_models.round_words import FlipRow, RoundRow, counts, facts, flip_rows, miss_rows, score_rows
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.rounds.rounds import Round

_LONGEST = 400
"""Characters of a text in the lines below the list."""


class RoundDialog(Dialog[int]):
    """Shows a round; dismisses with the id of the example to go to."""

    ACCEPT = "Go there"
    HELP = (
        "Scores, then the prompts that this round fixed and broke, each followed by the changed examples that "
        "explain it, then all examples that changed. Enter goes to the example under the cursor."
    )

    def __init__(self, each: Round) -> None:
        super().__init__()
        self._round = each
        self._rows: list[RoundRow | FlipRow] = []

    def compose_body(self) -> ComposeResult:
        """The facts, the rows, and more about the current row."""
        lines = [Content.styled(printable(text), colour) for text, colour in facts(self._round)]
        yield Static(Content("\n").join(lines), id="facts")
        yield LineList("round-rows", empty="")
        yield Static("", id="row-detail", classes="estimate")

    def on_mount(self) -> None:
        """Show what is known at once, then look for what explains the flips."""
        each = self._round
        since = f" since round {each.since}" if each.since is not None else ""
        self.query_one(".box", Vertical).border_title = Content(f"Round {each.number}{since}")
        self._show([])
        self.query_one("#round-rows").focus()
        if each.difference is not None and (each.fixed or each.broken):
            self._explain()

    @work(exclusive=True, group="explain", exit_on_error=False)
    async def _explain(self) -> None:
        from curator.jobs.rounds import explaining  # heavy

        each, workspace = self._round, self.session.workspace

        def explain() -> list[list[explaining.Reason]]:
            assert each.difference is not None
            changed = explaining.read_changed(workspace, each.difference)
            return explaining.reasons((*each.fixed, *each.broken), changed)

        try:
            self._show(await asyncio.to_thread(explain))
        except CuratorError as error:
            self.session.say(error)

    def _show(self, reasons: list) -> None:  # type: ignore[type-arg]
        each = self._round
        self._rows = [*score_rows(each), *flip_rows(each, reasons), *miss_rows(each)]
        since = f" since round {each.since}" if each.since is not None else ""
        if each.difference is not None:
            self._rows.append(RoundRow([(f"Changed{since}: {counts(each)}", "accent")]))
        changed = 0 if each.difference is None else len(each.difference)
        self.query_one("#round-rows", LineList).show(len(self._rows) + changed, self._line)
        self._describe()

    def _line(self, index: int, width: int) -> Pieces:
        if index < len(self._rows):
            return self._rows[index].pieces
        sign, example = self._change_at(index)
        return [("  ", ""), *changed_line(self.session.workspace, sign, example, self._revisions, width - 2)]

    def _change_at(self, index: int) -> tuple[str, int]:
        """The sign and the example of a line behind the rows."""
        assert self._round.difference is not None
        return self._round.difference.change_at(index - len(self._rows))

    @property
    def _revisions(self) -> tuple[int, int]:
        changed = self._round.difference
        return (changed.old, changed.new) if changed is not None else (0, 0)

    @on(LineList.Highlighted, "#round-rows")
    def _describe(self) -> None:
        index = self.query_one("#round-rows", LineList).cursor
        words = Content("")
        if index < len(self._rows):
            rows = self._rows[index].detail
            parts = [Content.assemble((f"{name:<8}", c), one_line(text, _LONGEST)) for name, text, c in rows]
            words = Content("\n").join(parts)
        elif self._change_at(index)[0] == "~":
            from curator.workspace.versions import raw_at  # heavy

            example = self._change_at(index)[1]
            before, after = (raw_at(self.session.workspace, example, at) for at in self._revisions)
            words = difference_words(before, after)
        self.query_one("#row-detail", Static).update(words)

    @on(LineList.Chosen, "#round-rows")
    def action_accept(self) -> None:
        """Dismiss with the example of the current row, unless it has none or it is deleted."""
        index = self.query_one("#round-rows", LineList).cursor
        is_change = index >= len(self._rows)
        example = self._change_at(index)[1] if is_change else self._rows[index].example
        if example is None:
            self.session.toast("Enter goes to an example: choose a prompt, or a changed example")
        elif not self._is_there(example):
            self.session.toast("This example is deleted; is:deleted lists such")
        else:
            self.dismiss(example)

    def _is_there(self, example: int) -> bool:
        try:
            return not self.session.workspace.record(example).deleted
        except CuratorError:
            return False

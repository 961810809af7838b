"""`Rounds`: the ledger above the changes: the trainings with what each changed and what came of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from textual import on, work
from textual.worker import get_current_worker

from curator.errors import CuratorError
from curator.tui.screens.dialog import Confirm
from curator.tui.screens.stage import StageScreen
from curator.tui.shell import shell_of
from curator.tui.stage_models.round_words import HEAD, round_line
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.jobs.rounds.rounds import Round

ONE_ROUND = frozenset(f"history.{name}" for name in ("mark", "remark", "view", "write", "effects", "restore"))
"""The actions on the round under the cursor, by their ids."""


class Rounds(StageScreen):
    """The part of the History stage that lists rounds. Differences and flips are worked out in a thread."""

    _rounds: tuple[Round, ...] = ()
    """Newest first."""
    _marked: str | None = None
    """The run of the round that `d` compares with the one under the cursor."""

    def rounds_list(self) -> LineList:
        """The list above the changes; it is not shown while there is no round."""
        lines = LineList("rounds", empty="", head=HEAD)
        lines.display = False
        return lines

    @property
    def in_rounds(self) -> bool:
        """Whether the list of rounds has the focus."""
        return bool(self._rounds) and self.query_one("#rounds").has_focus

    @property
    def current_round(self) -> Round | None:
        """The round under the cursor."""
        cursor = self.query_one("#rounds", LineList).cursor
        return self._rounds[cursor] if cursor < len(self._rounds) else None

    def follow_runs(self) -> None:
        """Read the rounds again whenever a training has news."""
        shell_of(self).job_watch.changed.subscribe(self, lambda run: self.read_rounds())

    def read_rounds(self) -> None:
        """Show the rounds at once, and their differences when they are worked out."""
        if (self.session.workspace.path / "runs.db").exists():
            self._read()

    @work(thread=True, exclusive=True, group="rounds", exit_on_error=False)
    def _read(self) -> None:
        from curator.jobs.rounds import rounds  # heavy

        worker, ledger = get_current_worker(), shell_of(self).job_watch.ledger
        try:
            bare = rounds.bare_rounds(ledger)
            if not worker.is_cancelled and len(bare) != len(self._rounds):
                self.app.call_from_thread(self._show_rounds, bare)
            all_rounds = rounds.list_rounds(ledger, rounds.Basis.of(self.session.workspace))
        except CuratorError as error:
            if not worker.is_cancelled:
                self.app.call_from_thread(self.session.say, error)
            return
        if not worker.is_cancelled:
            self.app.call_from_thread(self._show_rounds, all_rounds)

    def _show_rounds(self, all_rounds: list[Round]) -> None:
        if not self.is_mounted:
            return
        self._rounds = tuple(reversed(all_rounds))
        lines = self.query_one("#rounds", LineList)
        lines.display = bool(all_rounds)
        lines.show(len(all_rounds), self._round_line)
        self.refresh_bindings()

    def _round_line(self, index: int, width: int) -> Pieces:
        each = self._rounds[index]
        return round_line(each, each.run.run == self._marked)

    @on(LineList.Chosen, "#rounds")
    def _open_round(self) -> None:
        each = self.current_round
        if each is not None:
            self._show_round(each, None)

    @work(exclusive=True, group="dialog", exit_on_error=False, description="show a round")
    async def _show_round(self, each: Round, earlier: Round | None) -> None:
        """Open a round in a dialog, told against an earlier one where one is given."""
        from curator.jobs.rounds import rounds  # heavy
        from curator.tui.screens.history.round_dialog import RoundDialog

        if earlier is not None:
            ledger, basis = shell_of(self).job_watch.ledger, rounds.Basis.of(self.session.workspace)
            try:
                each = await asyncio.to_thread(rounds.between, earlier, each, ledger, basis)
            except CuratorError as error:
                self.session.say(error)
                return
        example = await self.app.push_screen_wait(RoundDialog(each))
        if example is not None:
            await shell_of(self).show_example(example)

    def compare_rounds(self) -> None:
        """Compare the marked round with the one under the cursor; without a mark, this one with the one before."""
        here = self.current_round
        other = next((each for each in self._rounds if each.run.run == self._marked), None)
        if here is None:
            return
        if other is None or other is here:
            other = next((each for each in self._rounds if each.number == here.number - 1), None)
        if other is None:
            self.session.toast("There is no round before this one; space marks another to compare with")
            return
        earlier, later = sorted((here, other), key=lambda each: each.number)
        self._show_round(later, earlier)

    def action_mark(self) -> None:
        """Mark the round under the cursor for `d`, or take the mark away."""
        each = self._round_or_word()
        if each is not None:
            self._marked = None if self._marked == each.run.run else each.run.run
            self.query_one("#rounds").refresh()
            if self._marked:
                self.session.toast(f"Round {each.number} is marked: d compares another one with it")

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_remark(self) -> None:
        """Ask for a note and tags of the round under the cursor."""
        from curator.tui.screens.history.remark_dialog import RemarkDialog  # heavy

        each = self._round_or_word()
        if each is None:
            return
        remark = await self.app.push_screen_wait(RemarkDialog(each.number, each.remark))
        if remark is None:
            return
        try:
            shell_of(self).job_watch.ledger.set_remark(each.run.run, remark)
        except CuratorError as error:
            self.session.say(error)
            return
        self._rounds = tuple(replace(r, remark=remark) if r.run == each.run else r for r in self._rounds)
        self.query_one("#rounds").refresh()

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_view(self) -> None:
        """Show the examples that the round under the cursor was trained on."""
        from curator.jobs.rounds import round_data  # heavy
        from curator.tui.screens.history.data_dialog import DataDialog

        each = self._round_or_word()
        if each is None:
            return
        try:
            path = round_data.frozen_file(shell_of(self).job_watch.ledger, each.run)
            lines = await asyncio.to_thread(round_data.read_lines, path)
        except CuratorError as error:
            self.session.say(error)
            return
        await self.app.push_screen_wait(DataDialog(each, lines))

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_write(self) -> None:
        """Ask which file to write about the round under the cursor."""
        from curator.tui.screens.history.write_dialog import WriteDialog  # heavy

        each = self._round_or_word()
        if each is not None:
            await self.app.push_screen_wait(WriteDialog(each))

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def action_effects(self) -> None:
        """Show what the training of the round under the cursor did beside its task."""
        from curator.tui.screens.history.side_effects_dialog import SideEffectsDialog  # heavy

        each = self._round_or_word()
        if each is not None and each.model is None:
            self.session.toast("This round left no model that could be asked")
        elif each is not None:
            await self.app.push_screen_wait(SideEffectsDialog(each))

    @work(exclusive=True, group="travel", exit_on_error=False)
    async def action_restore(self) -> None:
        """Go back to the data of the round under the cursor, after asking."""
        each = self._round_or_word()
        if each is None:
            return
        if each.run.revision is None:
            self.session.toast("This round was trained on a file, not on this workspace; v shows its data")
            return
        words = (
            f"Every example gets the text, the side and the review that it had when round {each.number} was "
            "trained; what was added since is deleted. It is one change: u takes it back. Labels, ratings and "
            "notes stay."
        )
        if await self.app.push_screen_wait(Confirm(f"Back to the data of round {each.number}", words, "Go back")):
            self.session.restore_to(each.run.revision)

    def _round_or_word(self) -> Round | None:
        """The round under the cursor; where the changes have the focus, a word on what to do."""
        if self.in_rounds:
            return self.current_round
        self.session.toast("tab goes to the rounds, above" if self._rounds else "No round yet: T trains the first")
        return None

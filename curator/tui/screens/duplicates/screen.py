"""The Duplicates stage: contradictions, copies and look-alikes, with their members side by side."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static
from textual.worker import get_current_worker

from curator.core.duplicates.texts import Scope
from curator.core.text import count_of, one_line
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Confirm
from curator.tui.screens.panes import RememberedPanes
from curator.tui.screens.stage import StageScreen
from curator.tui.session.changed import Changed
from curator.tui.session.duplicate_groups import COPIES, DuplicateGroup, DuplicateGroups
from curator.tui.shell import shell_of
from curator.tui.stage_models import settle_group
from curator.tui.widgets.line_list import LineList, Pieces
from curator.tui.widgets.members import Members

if TYPE_CHECKING:
    from curator.tui.session.telling.background_tasks import BackgroundTask
    from curator.workspace.records import Change

MARKS: dict[str, tuple[str, str, str]] = {
    "conflict": ("≠", "error", "contradiction"),
    "exact": ("=", "warning", "exact copy"),
    "normalised": ("≈", "warning", "same words"),
    "near": ("~", "accent", "near copy"),
    "family": ("⋮", "dim", "look-alike"),
}
_MANY = {
    "conflict": "contradictions",
    "exact": "exact",
    "normalised": "same words",
    "near": "near",
    "family": "look-alikes",
}
_STEP = 2.0
_FLOOR, _TOP = 60.0, 100.0
_NEIGHBOURS = 2
"""Number of thresholds on either side of the present one whose counts are shown."""
SCOPES: dict[Scope, str] = {
    "conversation": "whole conversations",
    "prompt": "prompts",
    "answer": "answers",
}


class DuplicatesScreen(StageScreen):
    """Shows the list of groups, and the members of the group under the cursor."""

    STAGE = "duplicates"
    SCOPE = "duplicates"
    BINDINGS = keys.bindings("duplicates")
    CSS_PATH = "duplicates.tcss"
    HELP = (
        "≠ one prompt with different answers · = exact copies · ≈ the same words · ~ near copies · ⋮ look-alikes: "
        "one template with other facts, which no bulk action removes. x keeps the marked member and deletes the "
        "others; tab and the arrows choose another one to keep."
    )
    DEFAULT_THRESHOLD: ClassVar[float] = 72.0

    threshold: reactive[float] = reactive(DEFAULT_THRESHOLD, init=False)
    """The lowest score in percent of a pair of near copies."""
    scope: reactive[Scope] = reactive("conversation", init=False)
    """The part of an example that is compared."""
    policy: reactive[str] = reactive("first", init=False)
    """One of `settle_group.POLICIES`: which member of a group stays unless the user chooses one."""

    def __init__(self) -> None:
        super().__init__()
        self._copies: DuplicateGroups | None = None
        self._groups: list[DuplicateGroup] = []
        self._chosen_by_hand: dict[tuple[int, ...], int] = {}
        """The member that the user chose to keep, by the ids of the group."""
        self._work_shown: BackgroundTask | None = None
        self._counts: dict[float, int] = {}
        """The number of copies that could be deleted, by threshold."""

    def compose_stage(self) -> ComposeResult:
        """The summary, the groups, and the members of one."""
        yield Static("", id="copies-summary")
        with RememberedPanes(id="copies-panes"):
            yield LineList("groups", empty="looking for copies …")
            yield Members("members")

    def on_mount(self) -> None:
        """Take the groups from the session and the threshold from the workspace."""
        self._copies = self.session.copies()
        self.set_reactive(DuplicatesScreen.threshold, float(self.session.workspace.meta("ui.threshold") or 72.0))
        self.query_one("#groups").focus()

    def data_changed(self, changed: Changed) -> None:
        """Show the groups if they are known, else start looking for them."""
        if self._copies is None:
            return
        if self._copies.ready:
            self._show(True)
        else:
            self._find()

    @work(exclusive=True, group="copies", exit_on_error=False)
    async def _find(self) -> None:
        assert self._copies is not None
        self.query_one("#groups", LineList).show(0, self._line)
        self._work_shown = self.session.tasks.begin("looking for copies", self._stop_looking)
        threshold = self.threshold
        try:
            await self._copies.find(self._report)
            groups = await asyncio.to_thread(self._copies.groups, threshold)
        except (CuratorError, OSError) as error:
            self.query_one("#groups", LineList).say("")
            self.session.say(error)
            return
        finally:
            self._work_shown.end()
        self._show(True, groups if threshold == self.threshold and self._copies.ready else None)

    def _report(self, phase: str, share: float) -> None:
        if self._work_shown is not None:
            self._work_shown.report(share or None, f"copies: {phase}")
        done = f" {share:.0%}" if share else ""
        self.query_one("#groups", LineList).say(f"{phase}{done} … esc stops; all else is usable meanwhile")

    def action_back(self) -> None:
        """Stop looking for copies, or start again after a stop."""
        looking = [worker for worker in self.app.workers if worker.node is self and worker.group == "copies"]
        if any(worker.is_running for worker in looking):
            self._stop_looking()
        elif self._copies is not None and not self._copies.ready:
            self._find()
        else:
            super().action_back()

    def _stop_looking(self) -> None:
        self.workers.cancel_group(self, "copies")
        self.query_one("#groups", LineList).say("Stopped; esc looks again")

    def _show(self, anew: bool = False, groups: list[DuplicateGroup] | None = None) -> None:
        """Show the groups, or these; `anew` drops the counts at other thresholds, since examples changed."""
        assert self._copies is not None
        if anew:
            self._counts = {}
        self._groups = self._copies.groups(self.threshold) if groups is None else groups
        lines = self.query_one("#groups", LineList)
        lines.say("✓ no copies and no contradictions")
        lines.show(len(self._groups), self._line)
        self._counts[self.threshold] = sum(len(f.ids) - 1 for f in self._groups if f.kind in COPIES)
        self.query_one("#copies-summary", Static).update(self._summary())
        self._show_members()
        self._count(self._copies, self._thresholds_around())

    def _summary(self) -> Content:
        counts = {kind: sum(1 for f in self._groups if f.kind == kind) for kind in MARKS}
        parts: list[str | tuple[str, str]] = []
        for kind, (mark, _, _) in MARKS.items():
            parts.append((f"{mark} {counts[kind]:,} ", "bold" if counts[kind] else "$quiet"))
            parts.append((f"{_MANY[kind]}  ", "$quiet"))
        line = f"\nCompares {SCOPES[self.scope]} (c) · keeps the {self.policy} (K)\nCopies from a score of (- +) "
        return Content.assemble(*parts, (line, "$quiet"), *self._threshold_words())

    def _thresholds_around(self) -> list[float]:
        """The present threshold and its neighbours, within the allowed range."""
        steps = (self.threshold + step * _STEP for step in range(-_NEIGHBOURS, _NEIGHBOURS + 1))
        return [value for value in steps if _FLOOR <= value <= _TOP]

    def _threshold_words(self) -> list[tuple[str, str]]:
        """(text, style) for each of `_thresholds_around`: the threshold and its number of copies."""
        parts = []
        for value in self._thresholds_around():
            here, many = value == self.threshold, self._counts.get(value)
            words = f"{value:.0f}: {'…' if many is None else f'{many:,}'}"
            parts.append((f"[{words}] " if here else f" {words}  ", "bold" if here else "$quiet"))
        return parts

    @work(thread=True, exclusive=True, group="counts", exit_on_error=False)
    def _count(self, copies: DuplicateGroups, thresholds: list[float]) -> None:
        """Count the copies at each threshold in a thread; takes seconds with many examples."""
        worker = get_current_worker()
        for value in thresholds:
            if value not in self._counts:
                many = copies.count_removable(value)
                if worker.is_cancelled:
                    return
                self.app.call_from_thread(self._show_count, copies, value, many)

    def _show_count(self, copies: DuplicateGroups, threshold: float, many: int) -> None:
        if copies is self._copies:
            self._counts[threshold] = many
            self.query_one("#copies-summary", Static).update(self._summary())

    def _line(self, index: int, width: int) -> Pieces:
        group = self._groups[index]
        mark, kind, _ = MARKS[group.kind]
        score = f"{group.score:3.0f}%" if group.kind in ("near", "family") else "    "
        words = one_line(settle_group.words_of(self.session.workspace, group), max(8, width - 14))
        return [(f"{mark} ", kind), (f"{len(group.ids):>3} ", ""), (f"{score} ", "dim"), (words, "")]

    @property
    def current(self) -> DuplicateGroup | None:
        """The group under the cursor."""
        at = self.query_one("#groups", LineList).cursor
        return self._groups[at] if at < len(self._groups) else None

    @on(LineList.Highlighted, "#groups")
    def _moved(self) -> None:
        self._show_members()

    def _show_members(self) -> None:
        group = self.current
        members = self.query_one("#members", Members)
        if group is None:
            members.show((), 0, "")
            return
        records = [self.session.workspace.record(i) for i in group.ids]
        part = "" if self.scope == "conversation" else f" of the {self.scope}"
        members.show(records, group.ids.index(self._member_to_keep(group)), MARKS[group.kind][2] + part)

    def _member_to_keep(self, group: DuplicateGroup) -> int:
        by_hand = self._chosen_by_hand.get(group.ids)
        return by_hand or settle_group.member_to_keep(
            [self.session.workspace.record(i) for i in group.ids], self.policy
        )

    @on(Members.Kept)
    def _keep_by_hand(self, event: Members.Kept) -> None:
        if self.current is not None:
            self._chosen_by_hand[self.current.ids] = event.example

    def watch_threshold(self) -> None:
        """Show the groups at the new threshold."""
        if self._copies is not None and self._copies.ready:
            self._show()

    def watch_policy(self) -> None:
        """Mark the members that stay by the new policy."""
        self.watch_threshold()

    def watch_scope(self) -> None:
        """Show the groups of the new scope, or look for them."""
        self._copies = self.session.copies(self.scope)
        if self._copies.ready:
            self._show(True)
        else:
            self._find()

    # Actions

    def action_threshold(self, step: int) -> None:
        """Raise or lower the threshold by one step, and remember it."""
        self.threshold = max(_FLOOR, min(_TOP, self.threshold + step * _STEP))
        try:
            self.session.workspace.set_meta("ui.threshold", self.threshold)
        except CuratorError as error:
            self.session.say(error)

    def action_scope(self) -> None:
        """Compare the next of: whole conversations, prompts, answers."""
        names = list(SCOPES)
        self.scope = names[(names.index(self.scope) + 1) % len(names)]

    def action_policy(self) -> None:
        """Keep the next of: the first, the newest, the longest, the best rated."""
        at = settle_group.POLICIES.index(self.policy)
        self.policy = settle_group.POLICIES[(at + 1) % len(settle_group.POLICIES)]

    def action_settle(self) -> None:
        """Keep the marked member, delete the others."""
        if (group := self.current) is not None:
            self._done(settle_group.settle(self.session, group, self._member_to_keep(group)))

    def action_merge(self) -> None:
        """Keep the marked member with the labels, rating and notes of all; delete the others."""
        if (group := self.current) is not None:
            self._done(settle_group.settle(self.session, group, self._member_to_keep(group), merge=True))

    def action_answer(self) -> None:
        """Give all members of a contradiction the answer of the marked one."""
        group = self.current
        if group is not None and group.kind == "conflict":
            self._done(settle_group.unify_answers(self.session, group, self._member_to_keep(group)))
        else:
            self.session.toast("Only contradictions (≠) have answers to choose from.")

    def _done(self, change: Change | None) -> None:
        if change is not None:
            self._show(True)

    @work(exclusive=True, group="settle", exit_on_error=False)
    async def action_settle_all(self) -> None:
        """Delete all but one member of every group of copies, as one change, after asking."""
        copies = [group for group in self._groups if group.kind in COPIES]
        deleted = sum(len(group.ids) - 1 for group in copies)
        if not deleted:
            self.session.toast("There are no copies; contradictions and look-alikes are for you to judge.")
            return
        alike = "" if self.scope == "conversation" else f" with the same {SCOPES[self.scope]}"
        what = f"{count_of(deleted, 'copy', 'copies')} in {count_of(len(copies), 'group')}{alike}"
        words = f"Delete {what}, keeping the {self.policy} of each?"
        words += " One undo brings all back."
        if await self.app.push_screen_wait(Confirm("Settle all copies", words, f"Delete {deleted:,}")):
            settle_group.settle_all(self.session, copies, self.policy, self._chosen_by_hand)

    def action_no_copies(self) -> None:
        """Remember that the members of this group are no copies of each other."""
        if (group := self.current) is not None and self._copies is not None:
            try:
                self._copies.dismiss(group.ids)
            except CuratorError as error:
                self.session.say(error)
                return
            self._show(True)
            self.session.toast("Remembered: no copies of each other")

    async def action_show(self) -> None:
        """Go to the marked member in the Data stage."""
        if (group := self.current) is not None:
            await shell_of(self).show_example(self._member_to_keep(group))

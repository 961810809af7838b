"""Duplicates stage: contradictions, copies and look-alikes, side by side, each settled with one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static
from textual.worker import get_current_worker

from curator.core.duplicates.texts import Scope, prompt_and_answer
from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Confirm
from curator.tui.screens.stage import StageScreen
from curator.tui.session.changed import Changed
from curator.tui.session.duplicate_groups import COPIES, DuplicateGroup, DuplicateGroups
from curator.tui.shell import shell_of
from curator.tui.stage_models import settle_group
from curator.tui.widgets.line_list import LineList, Pieces
from curator.tui.widgets.members import Members

if TYPE_CHECKING:
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
_SHOWN = 2
"""Thresholds to either side whose counts are shown."""
SCOPES: dict[Scope, str] = {
    "conversation": "whole conversations",
    "prompt": "prompts",
    "answer": "answers",
}


class DuplicatesScreen(StageScreen):
    """Groups on the left or above, the members of one beside or below."""

    STAGE = "duplicates"
    SCOPE = "duplicates"
    BINDINGS = keys.bindings("duplicates")
    CSS_PATH = "duplicates.tcss"
    HELP = (
        "≠ one prompt with different answers · = exact copies · ≈ the same words · ~ near copies · ⋮ look-alikes: "
        "one template with other facts, never removed by themselves. x keeps the marked member and deletes the "
        "others; tab and the arrows choose another one to keep."
    )
    DEFAULT_THRESHOLD: ClassVar[float] = 72.0

    threshold: reactive[float] = reactive(DEFAULT_THRESHOLD, init=False)
    """Score from which a pair counts as a near copy."""
    scope: reactive[Scope] = reactive("conversation", init=False)
    """What of an example is compared."""
    policy: reactive[str] = reactive("first", init=False)
    """Which member of a group is kept unless one is chosen by hand."""

    def __init__(self) -> None:
        super().__init__()
        self._copies: DuplicateGroups | None = None
        self._findings: list[DuplicateGroup] = []
        self._chosen: dict[tuple[int, ...], int] = {}
        """Members chosen by hand."""
        self._counts: dict[float, int] = {}
        """How many copies could go at a threshold."""

    def compose_stage(self) -> ComposeResult:
        """Summary, groups, members."""
        yield Static("", id="copies-summary")
        with Horizontal(id="copies-panes"):
            yield LineList("groups", empty="looking for copies …")
            yield Members("members")

    def on_mount(self) -> None:
        """Look for copies; the list has the focus."""
        self._copies = self.session.copies()
        self.set_reactive(DuplicatesScreen.threshold, float(self.session.workspace.meta("ui.threshold") or 72.0))
        self.query_one("#groups").focus()

    def data_changed(self, changed: Changed) -> None:
        """Groups are drawn anew; only what changed is looked at."""
        if self._copies is None:
            return
        if self._copies.ready:
            self._show(True)
        else:
            self._look()

    @work(exclusive=True, group="copies", exit_on_error=False)
    async def _look(self) -> None:
        assert self._copies is not None
        self.query_one("#groups", LineList).show(0, self._line)
        try:
            await self._copies.find(self._report)
        except (CuratorError, OSError) as error:
            self.query_one("#groups", LineList).say("")
            self.session.say(error)
            return
        self._show(True)

    def _report(self, phase: str, share: float) -> None:
        done = f" {share:.0%}" if share else ""
        self.query_one("#groups", LineList).say(f"{phase}{done} … esc stops; all else is usable meanwhile")

    def action_back(self) -> None:
        """Stop looking for copies, or begin again."""
        looking = [worker for worker in self.app.workers if worker.node is self and worker.group == "copies"]
        if any(worker.is_running for worker in looking):
            self.workers.cancel_group(self, "copies")
            self.query_one("#groups", LineList).say("Stopped; esc looks again")
        elif self._copies is not None and not self._copies.ready:
            self._look()
        else:
            super().action_back()

    def _show(self, anew: bool = False) -> None:
        """Draw the groups; `anew` where the counts at other thresholds are not what they were."""
        assert self._copies is not None
        if anew:
            self._counts = {}
        self._findings = self._copies.groups(self.threshold)
        groups = self.query_one("#groups", LineList)
        groups.say("✓ no copies and no contradictions")
        groups.show(len(self._findings), self._line)
        self._counts[self.threshold] = sum(len(f.ids) - 1 for f in self._findings if f.kind in COPIES)
        self.query_one("#copies-summary", Static).update(self._summary())
        self._show_members()
        self._count(self._copies, self._around())

    def _summary(self) -> Content:
        counts = {kind: sum(1 for f in self._findings if f.kind == kind) for kind in MARKS}
        parts: list[str | tuple[str, str]] = []
        for kind, (mark, _, _) in MARKS.items():
            parts.append((f"{mark} {counts[kind]:,} ", "bold" if counts[kind] else "$quiet"))
            parts.append((f"{_MANY[kind]}  ", "$quiet"))
        line = f"\nCompares {SCOPES[self.scope]} (c) · keeps the {self.policy} (K)\nCopies from a score of (- +) "
        return Content.assemble(*parts, (line, "$quiet"), *self._ladder())

    def _around(self) -> list[float]:
        """The threshold and those next to it."""
        steps = (self.threshold + step * _STEP for step in range(-_SHOWN, _SHOWN + 1))
        return [value for value in steps if _FLOOR <= value <= _TOP]

    def _ladder(self) -> list[tuple[str, str]]:
        """How many copies there are at the threshold and at those next to it."""
        parts = []
        for value in self._around():
            here, many = value == self.threshold, self._counts.get(value)
            words = f"{value:.0f}: {'…' if many is None else f'{many:,}'}"
            parts.append((f"[{words}] " if here else f" {words}  ", "bold" if here else "$quiet"))
        return parts

    @work(thread=True, exclusive=True, group="counts", exit_on_error=False)
    def _count(self, copies: DuplicateGroups, thresholds: list[float]) -> None:
        """Count at the thresholds next to this one, which takes a while where examples are many."""
        worker = get_current_worker()
        for value in thresholds:
            if value not in self._counts:
                many = copies.count_removable(value)
                if worker.is_cancelled:
                    return
                self.app.call_from_thread(self._counted, copies, value, many)

    def _counted(self, copies: DuplicateGroups, threshold: float, many: int) -> None:
        if copies is self._copies:
            self._counts[threshold] = many
            self.query_one("#copies-summary", Static).update(self._summary())

    def _line(self, index: int, width: int) -> Pieces:
        finding = self._findings[index]
        mark, kind, _ = MARKS[finding.kind]
        score = f"{finding.score:3.0f}%" if finding.kind in ("near", "family") else "    "
        prompt, answer = prompt_and_answer(self.session.workspace.record(finding.ids[0]).example.value)
        words = one_line(f"{prompt} → {answer}", max(8, width - 14))
        return [(f"{mark} ", kind), (f"{len(finding.ids):>3} ", ""), (f"{score} ", "dim"), (words, "")]

    @property
    def current(self) -> DuplicateGroup | None:
        """The group under the cursor."""
        at = self.query_one("#groups", LineList).cursor
        return self._findings[at] if at < len(self._findings) else None

    @on(LineList.Highlighted, "#groups")
    def _moved(self) -> None:
        self._show_members()

    def _show_members(self) -> None:
        finding = self.current
        members = self.query_one("#members", Members)
        if finding is None:
            members.show((), 0, "")
            return
        records = [self.session.workspace.record(i) for i in finding.ids]
        part = "" if self.scope == "conversation" else f" of the {self.scope}"
        members.show(records, finding.ids.index(self._kept(finding)), MARKS[finding.kind][2] + part)

    def _kept(self, finding: DuplicateGroup) -> int:
        by_hand = self._chosen.get(finding.ids)
        return by_hand or settle_group.member_to_keep(
            [self.session.workspace.record(i) for i in finding.ids], self.policy
        )

    @on(Members.Kept)
    def _keep(self, event: Members.Kept) -> None:
        if self.current is not None:
            self._chosen[self.current.ids] = event.example

    def watch_threshold(self) -> None:
        """Draw the line elsewhere."""
        if self._copies is not None and self._copies.ready:
            self._show()

    def watch_policy(self) -> None:
        """Choose keepers by another rule."""
        self.watch_threshold()

    def watch_scope(self) -> None:
        """Compare something else."""
        self._copies = self.session.copies(self.scope)
        if self._copies.ready:
            self._show(True)
        else:
            self._look()

    # Actions

    def action_threshold(self, step: int) -> None:
        """Count more or fewer pairs as near copies."""
        self.threshold = max(_FLOOR, min(_TOP, self.threshold + step * _STEP))
        try:
            self.session.workspace.set_meta("ui.threshold", self.threshold)
        except CuratorError as error:
            self.session.say(error)

    def action_scope(self) -> None:
        """Compare whole conversations, prompts or answers."""
        names = list(SCOPES)
        self.scope = names[(names.index(self.scope) + 1) % len(names)]

    def action_policy(self) -> None:
        """Keep the first, the newest, the longest or the best rated."""
        at = settle_group.POLICIES.index(self.policy)
        self.policy = settle_group.POLICIES[(at + 1) % len(settle_group.POLICIES)]

    def action_settle(self) -> None:
        """Keep the marked member, delete the others."""
        if (finding := self.current) is not None:
            self._done(settle_group.settle(self.session, finding, self._kept(finding)))

    def action_merge(self) -> None:
        """As settle, with labels, rating and note of all on the member that stays."""
        if (finding := self.current) is not None:
            self._done(settle_group.settle(self.session, finding, self._kept(finding), merge=True))

    def action_answer(self) -> None:
        """Give all members of a contradiction the answer of the marked one."""
        finding = self.current
        if finding is not None and finding.kind == "conflict":
            self._done(settle_group.unify_answers(self.session, finding, self._kept(finding)))
        else:
            self.session.toast("Only contradictions (≠) have answers to choose from.")

    def _done(self, change: Change | None) -> None:
        if change is not None:
            self._show(True)

    @work(exclusive=True, group="settle", exit_on_error=False)
    async def action_settle_all(self) -> None:
        """Settle every group of copies at once, as one change."""
        copies = [finding for finding in self._findings if finding.kind in COPIES]
        gone = sum(len(finding.ids) - 1 for finding in copies)
        if not gone:
            self.session.toast("There are no copies; contradictions and look-alikes are for you to judge.")
            return
        alike = "" if self.scope == "conversation" else f" with the same {SCOPES[self.scope]}"
        words = f"Delete {gone:,} copies in {len(copies):,} groups{alike}, keeping the {self.policy} of each?"
        words += " One undo brings all back."
        if await self.app.push_screen_wait(Confirm("Settle all copies", words, f"Delete {gone:,}")):
            settle_group.settle_all(self.session, copies, self._kept, lambda: self._show(True))

    def action_no_copies(self) -> None:
        """Remember that these are no copies."""
        if (finding := self.current) is not None and self._copies is not None:
            try:
                self._copies.dismiss(finding.ids)
            except CuratorError as error:
                self.session.say(error)
                return
            self._show(True)
            self.session.toast("Remembered: no copies of each other")

    async def action_show(self) -> None:
        """Edit the marked member in the Data stage."""
        if (finding := self.current) is not None:
            await shell_of(self).show_example(self._kept(finding))

"""The proposals: what machines suggest, as a list with before and after, to be accepted or rejected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from curator.core import diff
from curator.core.text import one_line, printable
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.screens.dialog import Confirm, Dialog
from curator.tui.shell import shell_of
from curator.tui.stage_models.proposal_list import ProposalList, ShownValue
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.workspace.operations.proposed import Proposal
    from curator.workspace.operations.settle import Settled

_EMPTY = "Nothing is proposed: models and programs may suggest changes, and nothing is done before you accept it"
_LOOK = 1.0
"""Seconds between two looks at what programs propose meanwhile."""
_AUTHOR = 16
"""Cells of the author's name."""


class ProposalsDialog(Dialog[None]):
    """A list like that of a pull request. Enter goes to the example."""

    SCOPE = "proposals"
    BINDINGS = keys.bindings("proposals")
    HEADING = "Proposals"
    ACCEPT = "Go to the example"
    HELP = (
        "What models and programs suggest; nothing of it is done before you accept it. Below: what it would "
        "change, before and after. ! is about an example that changed since. All that you accept at once is one "
        "change, which u takes back; then the proposals are open again."
    )

    def __init__(self) -> None:
        super().__init__()
        self._list: ProposalList | None = None

    @property
    def _proposals(self) -> list[Proposal]:
        return self._list.proposals if self._list is not None else []

    def compose_body(self) -> ComposeResult:
        """The proposals, and what the one under the cursor would change."""
        yield LineList("proposals", empty=_EMPTY)
        yield Static("", id="row-detail", classes="estimate")
        yield Static("", id="shares", classes="hint")
        keys_here = "a accept  x reject  e accept, then edit  A all  X none  u undo"
        yield Static(Content(keys_here), classes="hint")

    def on_mount(self) -> None:
        """Read what is open, and look now and then whether there is more."""
        self._list = ProposalList(self.session.workspace)
        self.query_one("#proposals").focus()
        self._look()
        self.set_interval(_LOOK, self._look)
        self.session.changed.subscribe(self, lambda _: self._look())

    def _look(self) -> None:
        """Show what is open, where that has changed."""
        assert self._list is not None
        try:
            if not self._list.refresh():
                return
        except CuratorError as error:
            self.query_one("#proposals", LineList).say(error.message)
            return
        self.query_one("#proposals", LineList).show(len(self._proposals), self._line)
        self.query_one("#shares", Static).update(Content(self._list.share_words()))
        self._describe()

    @property
    def _current(self) -> Proposal | None:
        at = self.query_one("#proposals", LineList).cursor
        return self._proposals[at] if at < len(self._proposals) else None

    def _line(self, index: int, width: int) -> Pieces:
        assert self._list is not None
        proposal = self._proposals[index]
        mark = ("! ", "warning") if self._list.outdated(proposal) else ("  ", "")
        author = one_line(proposal.by, _AUTHOR).ljust(_AUTHOR)
        words = one_line(self._list.words(proposal), max(8, width - _AUTHOR - 3))
        return [mark, (f"{author} ", "dim"), (words, "")]

    @on(LineList.Highlighted, "#proposals")
    def _describe(self) -> None:
        detail, proposal = self.query_one("#row-detail", Static), self._current
        if proposal is None or self._list is None:
            detail.update("")
            return
        rows = []
        if outdated := self._list.outdated(proposal):
            rows.append(Content.styled(f"! {printable(outdated)}: below is what it says now", "$mark-warning"))
        if proposal.why:
            rows.append(Content.assemble(("because ", "$quiet"), one_line(proposal.why, 300)))
        rows += [line for value in self._list.detail(proposal) for line in _lines_of(value)]
        detail.update(Content("\n").join(rows))

    def action_accept_one(self) -> None:
        """Do what the current proposal says."""
        self._accept_current(edit=False)

    def action_edit_one(self) -> None:
        """Do what the current proposal says, and open its example in the editor."""
        self._accept_current(edit=True)

    @work(exclusive=True, group="dialog", exit_on_error=False)
    async def _accept_current(self, *, edit: bool) -> None:
        proposal = self._current
        if proposal is None or self._list is None:
            return
        outdated = self._list.outdated(proposal)
        if outdated:
            words = f"{outdated[:1].upper()}{outdated[1:]}. Do what was proposed to the text as it is now?"
            if not await self.app.push_screen_wait(Confirm("Out of date", words, "Do it")):
                return
        options = {"even_changed": [proposal.id] if outdated else (), "to_edit": [proposal.id] if edit else ()}

        def then(settled: Settled) -> None:
            self._tell(settled)
            if edit and settled.change is not None and settled.change.ids:
                self.dismiss(None)
                self.app.call_later(shell_of(self).show_example, settled.change.ids[0], edit=True)

        self.session.accept_proposals([proposal], then, **options)

    def action_accept_all(self) -> None:
        """Do all that is proposed, as one change; what cannot be done stays in the list."""
        self._decide(self._proposals, accept=True)

    def action_reject_one(self) -> None:
        """Throw the current proposal away."""
        if (proposal := self._current) is not None:
            self._decide([proposal], accept=False)

    def action_reject_all(self) -> None:
        """Throw all proposals away, as one change."""
        self._decide(self._proposals, accept=False)

    def _decide(self, proposals: Sequence[Proposal], *, accept: bool) -> None:
        if proposals:
            (self.session.accept_proposals if accept else self.session.reject_proposals)(proposals, self._tell)

    def _tell(self, settled: Settled) -> None:
        """Show what is left, and say why it could not be done."""
        self._look()
        if settled.left:
            number, why = next(iter(settled.left.items()))
            others = f", and {len(settled.left) - 1} more" if len(settled.left) > 1 else ""
            self.session.toast(f"Left open: proposal {number}{others}. {why[:1].upper()}{why[1:]}")

    def action_undo(self) -> None:
        """Take the last change back."""
        self.session.undo()

    @on(LineList.Chosen, "#proposals")
    def _accept_line(self) -> None:
        self.action_accept()

    def action_accept(self) -> None:
        """Go to the example that the current proposal is about."""
        proposal = self._current
        if proposal is not None and proposal.targets:
            self.dismiss(None)
            self.app.call_later(shell_of(self).show_example, proposal.targets[0].example)
        elif proposal is not None:
            self.session.toast("It is not in the data yet: a accepts it")


def _lines_of(value: ShownValue) -> list[Content]:
    """One value: where it is, then what goes and what comes, each with a sign, the words that differ in colour."""
    lines = [Content.styled(one_line(value.label, 80), "$quiet")]
    spans = diff.compare_texts(value.before, value.after)
    sides = (("−", value.before, "delete", "$mark-error"), ("+", value.after, "insert", "$mark-ok"))
    for sign, text, kind, style in sides:
        if text:
            words = [
                (printable(span.text), style if span.kind == kind else "")
                for span in spans
                if span.kind in ("equal", kind)
            ]
            lines.append(Content.assemble((f"{sign} ", style), *words))
    return lines

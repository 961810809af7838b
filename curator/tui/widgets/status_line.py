"""`StatusLine`: examples, errors, warnings, tokens, cost, split and provider of the dataset."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from curator.tui.session.changed import Changed
from curator.tui.session.session import Session
from curator.tui.session.summary import BRIEF, pieces
from curator.tui.shell import shell_of


class StatusLine(Widget):
    """One line, drawn from the session's summary after each change."""

    can_focus = False

    @property
    def _session(self) -> Session:
        return shell_of(self).session

    def on_mount(self) -> None:
        """Draw again after each change."""
        self._session.changed.subscribe(self, self._note_change)

    def _note_change(self, changed: Changed) -> None:
        self.refresh()

    def render(self) -> Content:
        """The pieces of the summary; in shorter words where the line is narrow."""
        summary = self._session.summary()
        parts = pieces(summary, brief=self.size.width < BRIEF)
        if self._session.workspace.read_only:
            parts.insert(0, ("read-only", "$mark-warning bold"))
        spans: list[str | tuple[str, str]] = []
        for number, part in enumerate(parts):
            spans += [(" · ", "$quiet")] * bool(number) + [part]
        return Content.assemble(*spans)

"""`StatusLine`: a running training, then examples, errors, warnings, tokens, cost, split and provider."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from curator.tui.session.changed import Changed
from curator.tui.session.session import Session
from curator.tui.session.summary import BRIEF, pieces
from curator.tui.shell import shell_of
from curator.tui.stage_models.running_words import training_words

LOOK = 2.0
"""Seconds between two looks at the training that runs."""


class StatusLine(Widget):
    """One line, drawn from the session's summary after each change."""

    can_focus = False
    _training = ""
    """A running training in words; empty where there is none."""

    @property
    def _session(self) -> Session:
        return shell_of(self).session

    def on_mount(self) -> None:
        """Draw again after each change."""
        self._session.changed.subscribe(self, self._note_change)
        shell_of(self).job_watch.changed.subscribe(self, lambda _: self._look_at_jobs())
        self.set_interval(LOOK, self._look_at_jobs)
        self.call_after_refresh(self._look_at_jobs)

    def _look_at_jobs(self) -> None:
        """Tell how far a training is, on the stage that is on the screen."""
        words = training_words(shell_of(self).job_watch) if self.screen.is_current else self._training
        if words != self._training:
            self._training = words
            self.refresh()

    def _note_change(self, changed: Changed) -> None:
        self.refresh()

    def render(self) -> Content:
        """The pieces of the summary; in shorter words where the line is narrow."""
        summary = self._session.summary()
        parts = pieces(summary, brief=self.size.width < BRIEF)
        if self._session.workspace.read_only:
            parts.insert(0, ("read-only", "$mark-warning bold"))
        if self._training:
            parts.insert(0, (f"▸ {self._training}", "$accent bold"))
        spans: list[str | tuple[str, str]] = []
        for number, part in enumerate(parts):
            spans += [(" · ", "$quiet")] * bool(number) + [part]
        return Content.assemble(*spans)

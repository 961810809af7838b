"""`StatusLine`: what runs, then examples, errors, warnings, tokens, cost, split, provider and the next step."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.widget import Widget

from curator.errors import CuratorError
from curator.tui.session.changed import Changed
from curator.tui.session.session import PATIENCE, Session
from curator.tui.session.summary import BRIEF, pieces
from curator.tui.shell import shell_of
from curator.tui.stage_models.loop.loop_state import loop_state
from curator.tui.stage_models.loop.running_words import status_words

LOOK = 2.0
"""Seconds between two looks at the training that runs."""
_AGAIN = 0.2
"""Seconds until numbers that could not be read are read again."""


class StatusLine(Widget):
    """One line, drawn from the session's summary after each change."""

    can_focus = False
    _background = ""
    """What runs in the background, in words; empty where there is nothing."""
    _looks_again = False
    """Whether it will be drawn again soon, since a thread held the workspace."""
    _next_step = ""
    """What to do next in the loop, in words."""

    @property
    def _session(self) -> Session:
        return shell_of(self).session

    def on_mount(self) -> None:
        """Draw again after each change."""
        self._session.changed.subscribe(self, self._note_change)
        shell_of(self).job_watch.changed.subscribe(self, lambda _: self._look_at_jobs())
        self._session.tasks.watch(lambda: self.call_later(self._look_at_jobs))
        self.set_interval(LOOK, self._look_at_jobs)
        self.call_after_refresh(self._look_at_jobs)

    def _look_at_jobs(self) -> None:
        """Tell on the stage that is on the screen, or under a dialog, how far the work is, and what is next."""
        session, watch = self._session, shell_of(self).job_watch
        if self.screen not in self.app.screen_stack or session.busy:
            return
        guard = session.workspace.guard
        if not guard.acquire(timeout=PATIENCE):  # a thread reads the workspace: the screen does not wait for it
            self._look_soon()
            return
        try:
            state = loop_state(session.summary(), session.workspace, watch)
        except CuratorError:
            return  # config.toml is faulty since: whatever needs it says so
        finally:
            guard.release()
        words = (status_words(session, watch), state.next_step)
        if words != (self._background, self._next_step):
            self._background, self._next_step = words
            self.refresh()
        if session.summary_is_late and not session.busy:
            self._look_soon()

    def _look_soon(self) -> None:
        if not self._looks_again:
            self._looks_again = True
            self.set_timer(_AGAIN, self._look_again)

    def _look_again(self) -> None:
        """Show the numbers that a thread kept from being read."""
        self._looks_again = False
        self._look_at_jobs()
        self.refresh()

    def _note_change(self, changed: Changed) -> None:
        self._look_at_jobs()
        self.refresh()

    def render(self) -> Content:
        """The pieces of the summary; in shorter words where the line is narrow."""
        summary = self._session.summary()
        parts = pieces(summary, brief=self.size.width < BRIEF)
        if self._session.workspace.read_only:
            parts.insert(0, ("read-only", "$mark-warning bold"))
        if self._background:
            parts.insert(0, (f"▸ {self._background}", "$accent bold"))
        if self._next_step:
            if self.size.width < BRIEF:  # what to do next matters more in a narrow line
                parts = [part for part in parts[:-1] if part[0] != "no charge"]
            parts.append((f"next: {self._next_step}", "$accent"))
            while _width(parts) > self.size.width and len(parts) > 2:
                del parts[-2]  # the split, the price, the tokens …: other places tell them too
        spans: list[str | tuple[str, str]] = []
        for number, part in enumerate(parts):
            spans += [(" · ", "$quiet")] * bool(number) + [part]
        return Content.assemble(*spans)


def _width(parts: list[tuple[str, str]]) -> int:
    """The cells that the parts take with the dots between them."""
    return sum(cell_len(text) + 3 for text, _ in parts) - 3

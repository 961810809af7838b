"""`Querying`: the query and the order of the list. Part of the Data stage."""

from __future__ import annotations

from textual import on, work
from textual.getters import query_one
from textual.timer import Timer
from textual.worker import WorkerCancelled, get_current_worker

from curator.core.query.query import QueryError
from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tui.screens.data.curating import Curating
from curator.tui.screens.data.query_bar import QueryBar, QueryInput
from curator.tui.stage_models.view_command import command_of_view
from curator.tui.widgets.example_list import ExampleList
from curator.workspace.search.view import View

PAUSE = 0.15
"""Seconds after the last key until the query that is being typed runs."""
SORTS = ("", "errors", "messages", "prompt", "answer", "tokens", "labels", "rating", "split", "surprise")
"""The orders that the key s goes through; "" is the file's order."""


class Querying(Curating):
    """Runs queries in a thread and has their results listed by `show_view`."""

    bar = query_one("#query", QueryBar)

    _timer: Timer | None = None
    """Runs the query that is being typed, `PAUSE` seconds after the last key."""

    def show_view(self, view: View, keep: int | None) -> None:
        """List a view with the cursor on the example `keep`. See DataScreen."""
        raise NotImplementedError

    def action_query(self) -> None:
        """Focus the query."""
        self.bar.suggester.labels = tuple({*self.labels(), *self.session.workspace.counts().labels})
        self.query_one(QueryInput).focus()

    @on(QueryBar.Changed)
    def _start_timer(self, event: QueryBar.Changed) -> None:
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, lambda: self._run_query(event.text))

    @on(QueryBar.Submitted)
    def _run_now(self, event: QueryBar.Submitted) -> None:
        if self._timer:
            self._timer.stop()
        self._run_query(event.text)
        self.examples.focus()

    @on(QueryBar.Left)
    def _leave_bar(self) -> None:
        self.examples.focus()

    def _run_query(
        self, text: str, sort: str | None = None, descending: bool | None = None, keep: int | None = None
    ) -> None:
        """List what a query matches; without `sort` and `descending` in the present order.

        The cursor goes to the example `keep`, without one it stays on its example.
        """
        session = self.session
        sort = session.sort if sort is None else sort
        descending = session.descending if descending is None else descending
        self._evaluate(text.strip(), sort, descending, self.current if keep is None else keep)

    @work(thread=True, exclusive=True, group="query", exit_on_error=False)
    def _evaluate(self, text: str, sort: str, descending: bool, keep: int | None) -> None:
        worker = get_current_worker()
        at_first_matches: list[int | None] = []
        """The example under the cursor when the first matches were listed; empty until they are."""

        def show_part(view: View) -> None:
            if worker.is_cancelled:
                raise WorkerCancelled
            if view.total and not at_first_matches:
                self.app.call_from_thread(self.show_view, view, keep)
                at_first_matches.append(self.current)

        try:
            view = self.session.workspace.view(text, sort, descending, show_part)
        except WorkerCancelled:
            return
        except QueryError as error:
            self.app.call_from_thread(self.bar.fail, error.reason, error.position)
        except CuratorError as error:
            self.app.call_from_thread(self.session.say, error)
        else:
            moved = bool(at_first_matches) and at_first_matches[0] != self.current
            if not worker.is_cancelled:
                self.app.call_from_thread(self.show_view, view, self.current if moved else keep)

    def show_query(self, text: str) -> None:
        """List the examples that match a query, as if the user had typed it."""
        self._run_query(text)
        self.examples.focus()

    def action_sort(self) -> None:
        """Sort by the present column descending, then by the next one; after the last in the file's order."""
        session = self.session
        if session.sort and not session.descending:
            self._run_query(session.query, session.sort, True)
            return
        following = SORTS[(SORTS.index(session.sort) + 1) % len(SORTS)] if session.sort in SORTS else ""
        self._run_query(session.query, following, False)
        self.session.toast(f"Sorted by {following}" if following else "In the file's order")

    def action_group(self) -> None:
        """Sort by answer, so that the list tells how many examples give each; again: in the file's order."""
        sort = "" if self.session.sort == "answer" else "answer"
        self._run_query(self.session.query, sort, False)
        self.session.toast(
            "Grouped by answer: } and { go from answer to answer" if sort else "In the file's order"
        )

    @on(ExampleList.SortRequested)
    def _sort_by(self, event: ExampleList.SortRequested) -> None:
        session = self.session
        self._run_query(session.query, event.field, session.sort == event.field and not session.descending)

    def action_command(self) -> None:
        """Copy the command that lists the examples of this view in this order."""
        command = command_of_view(self.session.workspace.path, self.session.view)
        self.app.copy_to_clipboard(command)
        self.session.toast(f"Copied: {one_line(command, 100)}")

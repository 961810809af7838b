"""The Data stage: query, list, conversation, problems, editor, and moving between them."""

from __future__ import annotations

from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.events import DescendantFocus
from textual.getters import query_one
from textual.timer import Timer
from textual.worker import WorkerCancelled, get_current_worker

from curator.core.problem import Problem
from curator.core.query.query import QueryError
from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tui import keys
from curator.tui.examples.blocks import block_of, blocks_of
from curator.tui.examples.fix_preview import preview
from curator.tui.screens.data.looking import Looking, title
from curator.tui.session.changed import Changed
from curator.tui.session.list_place import Place
from curator.tui.widgets.conversation import Conversation
from curator.tui.widgets.editor import Editor
from curator.tui.widgets.example_list import ExampleList
from curator.tui.widgets.problems import Problems, RuleCount, asked_for
from curator.tui.widgets.query_bar import QueryBar, QueryInput
from curator.workspace.search.view import View

PAUSE = 0.15
"""Seconds without a key after which a query runs by itself."""
SORTS = ("", "errors", "messages", "text", "tokens", "labels", "rating", "split")
"""What `s` goes through; the empty one is the file's order."""


class DataScreen(Looking):
    """List, conversation, problems."""

    STAGE = "data"
    SCOPE = "data"
    BINDINGS = keys.bindings("data")
    HELP = "Look at the examples, repair, label and review them. Everything is saved at once; u takes it back."

    bar = query_one("#query", QueryBar)
    editor = query_one("#editor", Editor)

    _timer: Timer | None = None
    _by_rule = False
    _place = Place()

    def compose_stage(self) -> ComposeResult:
        """Query, list beside (or above) conversation and problems; the editor takes their place."""
        yield QueryBar()
        with Horizontal(id="panes"):
            yield ExampleList(self.session)
            with Vertical(id="reading"):
                yield Conversation()
                yield Editor(self.session)
                yield Problems()

    def on_mount(self) -> None:
        """Come back to where one was."""
        self._place = Place.of(self.session.workspace)
        self._resize_list(0)
        if self._place.query or self._place.sort:
            self._run_query(self._place.query, self._place.sort, self._place.descending, self._place.example)
        elif self._place.example is not None:
            self.examples.show(self.session.view.ids, keep=self._place.example)
            self.call_after_refresh(self.examples.scroll_so, self._place.above)
        self.examples.focus()

    def keep(self) -> None:
        """Save the draft, remember the place."""
        if self.editing:
            self.editor.save()
        session = self.session
        asked = (session.query, session.sort, session.descending)
        self._place = Place(self.current, *asked, self.examples.above, self._place.share)
        self._place.store(session.workspace)

    # Showing

    def data_changed(self, changed: Changed) -> None:
        """Draw the list and the example again; the cursor stays on its example."""
        if changed.order or changed.ids is None:
            self.examples.show(self.session.view.ids, keep=self.current)
        else:
            self.examples.refresh_rows(changed.ids)
        if self.editing:
            self.editor.tell()
        elif not changed.ids or changed.order or self.current in changed.ids:
            self.show_example(same=True)
        if self._by_rule:
            self._show_rules()
        self._show_matches()

    def _show_matches(self) -> None:
        total, everything = self.session.view.total, len(self.session.workspace.ids())
        chosen = self.examples.selected
        parts = [f"{total:,} of {everything:,}"] * bool(self.session.query)
        parts += [f"{chosen:,} selected"] * bool(chosen)
        self.bar.show(self.session.query, " · ".join(parts))

    @on(ExampleList.SelectionChanged)
    def _selection_changed(self) -> None:
        self._show_matches()

    @on(ExampleList.Highlighted)
    def _follow_cursor(self) -> None:
        self.show_example()

    def show_example(self, same: bool = False) -> None:
        """Show the example under the cursor with its problems; `same` keeps the place in it."""
        if self.editing:
            return
        if self.current is None:
            self.conversation.show(None)
            self.problems.show(())
            return
        record = self.session.workspace.record(self.current)
        found = self.session.workspace.problems(self.current)
        blocks = blocks_of(record.example)
        self.conversation.show(self.transcript_of(record, found, blocks), same=same)
        seen = f"what {one_line(self.session.model, 30) or 'the model'} sees · " if self.as_model else ""
        tokens = self.session.workspace.row(self.current).tokens
        self.conversation.border_title = Content(f" {seen}{title(record, tokens)} ")
        cursor = self.problems.cursor if same else asked_for(found, self.session.query)
        if not same and found:
            self.conversation.block = block_of(found[cursor], blocks) or 0
        if not self._by_rule:
            self.problems.show(found, cursor)
            many = f"{len(found)} problem{'s' * (len(found) != 1)}"
            self.problems.border_title = Content(f" {many} " if found else " problems ")
            self._preview_fix()

    @on(Problems.Highlighted)
    def _preview_fix(self) -> None:
        problem = self.problems.current
        self.problems.preview = ""
        if self.current is not None and isinstance(problem, Problem) and problem.fix:
            fixed = self.session.preview_fix(self.current, problem)
            if fixed is not None:
                before = self.session.workspace.record(self.current).example
                self.problems.preview = preview(before, fixed)
        self.problems.refresh()

    # Problems

    @on(Problems.Chosen)
    def _show_problem(self, event: Problems.Chosen) -> None:
        if self.current is not None:
            blocks = blocks_of(self.session.workspace.record(self.current).example)
            beyond = event.problem.rule == "example_too_long"
            self.conversation.go_to(block_of(event.problem, blocks) or 0, beyond=beyond)
            self.conversation.focus()

    @on(Problems.RuleChosen)
    def _filter_rule(self, event: Problems.RuleChosen) -> None:
        self._by_rule = False
        self._run_query(f"rule:{event.rule}")
        self.examples.focus()

    @on(Problems.FixAllRequested)
    def _fix_all(self, event: Problems.FixAllRequested) -> None:
        self.fix_all(event.rule)

    @on(Problems.GroupRequested)
    def _group(self) -> None:
        self._by_rule = not self._by_rule
        self.set_class(self._by_rule, "-by-rule")
        if self._by_rule:
            self._show_rules()
        else:
            self.show_example(same=True)

    def _show_rules(self) -> None:
        self.problems.preview = ""
        self.problems.show(RuleCount.all(self.session.workspace))
        self.problems.border_title = Content(" problems of the whole dataset, by rule ")

    def action_next_problem(self) -> None:
        """Next problem: of this example, else of the next one that has any."""
        self._step_problem(1)

    def action_previous_problem(self) -> None:
        """Problem before."""
        self._step_problem(-1)

    def _step_problem(self, step: int) -> None:
        at = self.problems.cursor + step
        if not self._by_rule and 0 <= at < self.problems.count:
            self.problems.cursor = at
            if isinstance(self.problems.current, Problem):
                self._show_block_of(self.problems.current)
        else:
            self._find_problem(step)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Whoever goes into the conversation wants to see what each message takes."""
        if event.widget is self.conversation:
            self.session.warm()

    def _show_block_of(self, problem: Problem) -> None:
        if self.current is not None:
            blocks = blocks_of(self.session.workspace.record(self.current).example)
            self.conversation.block = block_of(problem, blocks) or 0

    @work(thread=True, exclusive=True, group="step", exit_on_error=False)
    def _find_problem(self, step: int) -> None:
        session, at = self.session, self.examples.cursor
        inside = f"({session.query}) " if session.query else ""
        wanted = set(session.workspace.view(f"{inside}(is:error or is:warning)").ids)
        ids = session.view.ids
        places = range(at + 1, len(ids)) if step > 0 else range(at - 1, -1, -1)
        found = next((place for place in places if ids[place] in wanted), None)
        self.app.call_from_thread(self._go_to_problem, found, step)

    def _go_to_problem(self, place: int | None, step: int) -> None:
        if place is None:
            self.session.toast("No further problem " + ("below" if step > 0 else "above"))
            return
        self.examples.cursor = place
        self.show_example()
        if step < 0:
            self.problems.cursor = self.problems.count - 1

    # Query and sort

    def action_query(self) -> None:
        """Go to the query line."""
        self.bar.words.labels = tuple({*self.labels(), *self.session.workspace.counts().labels})
        self.query_one(QueryInput).focus()

    @on(QueryBar.Changed)
    def _soon(self, event: QueryBar.Changed) -> None:
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, lambda: self._run_query(event.text))

    @on(QueryBar.Submitted)
    def _now(self, event: QueryBar.Submitted) -> None:
        if self._timer:
            self._timer.stop()
        self._run_query(event.text)
        self.examples.focus()

    @on(QueryBar.Left)
    def _leave_query(self) -> None:
        self.examples.focus()

    def _run_query(
        self, text: str, sort: str | None = None, descending: bool | None = None, keep: int | None = None
    ) -> None:
        order = self.session.sort if sort is None else sort
        down = self.session.descending if descending is None else descending
        self._evaluate(text.strip(), order, down, self.current if keep is None else keep)

    @work(thread=True, exclusive=True, group="query", exit_on_error=False)
    def _evaluate(self, text: str, sort: str, descending: bool, keep: int | None) -> None:
        worker, first = get_current_worker(), list[int | None]()

        def meanwhile(found: View) -> None:  # `first`: where the cursor stood when the first matches were shown
            if worker.is_cancelled:
                raise WorkerCancelled
            if found.total and not first:
                self.app.call_from_thread(self.show_view, found, keep)
                first.append(self.current)

        try:
            view = self.session.workspace.view(text, sort, descending, meanwhile)
        except WorkerCancelled:
            return
        except QueryError as error:
            self.app.call_from_thread(self.bar.fail, error.reason, error.position)
        except CuratorError as error:
            self.app.call_from_thread(self.session.say, error)
        else:
            keep = self.current if first and first[0] != self.current else keep  # it was moved meanwhile
            if not worker.is_cancelled:
                self.app.call_from_thread(self.show_view, view, keep)

    def show_view(self, view: Any, keep: int | None) -> None:
        above = self._place.above if keep is not None and keep == self._place.example else None
        self.session.show(view)
        self.examples.show(view.ids, keep=keep)
        if above is not None:
            self.examples.scroll_so(above)
        self.show_example()
        self._show_matches()

    def go_to(self, example: int, *, edit: bool = False) -> None:
        """Show an example, without the query where that hides it; `edit` opens the editor on it."""
        if not self.examples.go_to(example):
            self.show_view(self.session.workspace.view(), example)
        self.show_example()
        self.examples.focus()
        if edit:
            self.call_after_refresh(self.action_edit)

    def show_query(self, text: str) -> None:
        """List what a query finds, as if it had been typed."""
        self._run_query(text)
        self.examples.focus()

    def action_sort(self) -> None:
        """Sort by the next column; when it is the last, back to the file's order."""
        session = self.session
        if session.sort and not session.descending:
            self._run_query(session.query, session.sort, True)
            return
        following = SORTS[(SORTS.index(session.sort) + 1) % len(SORTS)] if session.sort in SORTS else ""
        self._run_query(session.query, following, False)
        self.session.toast(f"Sorted by {following}" if following else "In the file's order")

    @on(ExampleList.SortRequested)
    def _sort_by(self, event: ExampleList.SortRequested) -> None:
        session = self.session
        self._run_query(session.query, event.field, session.sort == event.field and not session.descending)

    def action_next_match(self) -> None:
        """Next place where the query matches."""
        self._step_match(1)

    def action_previous_match(self) -> None:
        """Place before where the query matches."""
        self._step_match(-1)

    def _step_match(self, step: int) -> None:
        if not self.session.query:
            self.session.toast("There is no query: / starts one")
        elif not self.conversation.step_match(step):
            before = self.examples.cursor
            self.examples.cursor += step
            if self.examples.cursor != before:
                self.show_example()
                self.conversation.step_match(step)

    # Editing

    @property
    def editing(self) -> bool:
        """Whether the editor is open."""
        return self.has_class("-editing")

    @on(ExampleList.Activated)
    def _edit_activated(self) -> None:
        self.action_edit()

    @on(Conversation.EditRequested)
    def _edit_requested(self) -> None:
        self.action_edit()

    def action_edit(self) -> None:
        """Edit the example in place, the message under the cursor first."""
        if self.current is None:
            self.session.toast("No example here: + makes one")
        elif not self.editing:
            chosen = self.conversation.block if self.conversation.has_focus else -1
            self.set_focus(None)  # now: a pane that is hidden with the focus gives it up later, out of turn
            self.add_class("-editing")
            self.editor.open(self.current, chosen)
            self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the editor is open its keys are the ones that count."""
        return not self.editing or action in ("copy_text", "back")

    @on(Editor.Left)
    def _leave_editor(self) -> None:
        self.set_focus(self.examples)
        self.remove_class("-editing")
        self.refresh_bindings()
        self.show_example(same=True)

    # Panes

    def action_back(self) -> None:
        """One level back: editor, zoom, selection, query."""
        if self.editing:
            self.editor.action_leave()
        elif self.maximized is not None:
            self.minimize()
        elif self.examples.clear_selection():
            return
        elif self.focused is not self.examples:
            self.examples.focus()
        elif self.session.query:
            self._run_query("")

    def action_shrink(self) -> None:
        """Less room for the list."""
        self._resize_list(-5)

    def action_grow(self) -> None:
        """More room for the list."""
        self._resize_list(5)

    def _resize_list(self, by: int) -> None:
        share = max(20, min(80, self._place.share + by))
        self._place = self._place.with_share(share)
        self.examples.styles.width = f"{share}%" if self.has_class("-wide") else "100%"
        self.examples.styles.height = "100%" if self.has_class("-wide") else f"{share}%"

    def on_resize(self) -> None:
        """Beside each other or above each other."""
        self._resize_list(0)

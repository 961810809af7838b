"""`DataScreen`: the Data stage with its panes, and the moves between list, problems, matches and editor."""

from __future__ import annotations

from fnmatch import fnmatch

from textual import on, work
from textual.app import ComposeResult
from textual.getters import query_one

from curator.core.query.query import grouped
from curator.core.text import these
from curator.tui import keys
from curator.tui.screens.data.changing_many import ChangingMany
from curator.tui.screens.data.facets_pane import Facets
from curator.tui.screens.data.query_bar import QueryBar
from curator.tui.screens.data.reading_pane import ReadingPane
from curator.tui.screens.panes import Panes
from curator.tui.session.changed import Changed
from curator.tui.session.list_place import ListPlace
from curator.tui.shell import shell_of
from curator.tui.widgets.example_list import ExampleList
from curator.tui.widgets.problems import Problems
from curator.workspace.search.view import View

SAMPLES = "emojibot*.jsonl"
"""The bundled samples whose answers are shortcodes."""


class DataScreen(ChangingMany):
    """The query above the list of examples, and one example beside or below it."""

    STAGE = "data"
    SCOPE = "data"
    BINDINGS = keys.bindings("data")
    HELP = "Look at the examples, repair, label and review them. Everything is saved at once; u takes it back."

    reading = query_one("#reading", ReadingPane)

    _place = ListPlace()
    """The place that was stored last; `share` is that of the present."""

    def compose_stage(self) -> ComposeResult:
        """The query, the list, and the reading pane beside it, in a narrow terminal below it."""
        yield QueryBar()
        with Panes(id="panes"):
            yield ExampleList(self.session)
            yield ReadingPane(self.session)
            yield Facets()

    def on_mount(self) -> None:
        """Restore the stored place."""
        self._place = ListPlace.of(self.session.workspace)
        self._resize_list(0)
        if self._place.query or self._place.sort:
            self._run_query(self._place.query, self._place.sort, self._place.descending, self._place.example)
        elif self._place.example is not None:
            self.examples.show(self.session.view, keep=self._place.example)
            self.call_after_refresh(self.examples.scroll_to_show, self._place.above)
        self.examples.focus()
        self._offer_contract()
        self.call_after_refresh(self.look_for_draft)

    def _offer_contract(self) -> None:
        """Tell how to set the answer contract that the bundled samples were written for."""
        workspace = self.session.workspace
        sample = fnmatch(workspace.source_name, SAMPLES)
        taking_tour = shell_of(self).tour.step is not None
        if sample and not (workspace.read_only or taking_tour) and workspace.meta("contract") is None:
            self.session.toast(
                "Every answer of this sample should be one of its own shortcodes: A makes that the answer contract"
            )

    def keep(self) -> None:
        """Save the draft in the editor and the place in the list."""
        if self.editing:
            self.editor.save()
        session = self.session
        self._place = ListPlace(
            example=self.current,
            query=session.query,
            sort=session.sort,
            descending=session.descending,
            above=self.examples.above,
            share=self._place.share,
        )
        self._place.store(session.workspace)

    # List and example

    def data_changed(self, changed: Changed) -> None:
        """Draw the list and the example again, with the cursor on the same example."""
        self.examples.read_layout_if_other()
        if self._only_read and not self.session.workspace.read_only:
            self.look_for_draft()
        if changed.order or changed.ids is None:
            self.examples.show(self.session.view, keep=self.current)
        else:
            self.examples.refresh_rows(changed.ids)
        if self.editing:
            self.editor.show_check()
        elif not changed.ids or changed.order or self.current in changed.ids:
            self.show_example(same=True)
        if self.reading.by_rule:
            self.reading.show_rules()
        self._show_matches()

    def _show_matches(self) -> None:
        total, everything = self.session.view.total, len(self.session.workspace.ids())
        selected = self.examples.selected
        parts = [f"{total:,} of {everything:,}"] * bool(self.session.query)
        parts += [f"{selected:,} selected"] * bool(selected)
        self.bar.show(self.session.query, " · ".join(parts))

    @on(ExampleList.SelectionChanged)
    def _selection_changed(self) -> None:
        self._show_matches()

    @on(ExampleList.Highlighted)
    def _follow_cursor(self) -> None:
        self.show_example()

    def show_example(self, same: bool = False) -> None:
        """Show the example under the cursor, unless one is being edited; `same` keeps its scroll position."""
        if not self.editing:
            self.reading.show(self.current, same=same)

    def action_model(self) -> None:
        """Switch the conversation between what the model sees and what was written."""
        self.reading.switch_model_view()

    @work(exclusive=True, group="dialog")
    async def action_similar(self) -> None:
        """List the most similar examples and go to the one that is chosen."""
        from curator.tui.screens.data.similar_dialog import SimilarDialog  # heavy

        if self.current is None:
            return
        similar = await self.app.push_screen_wait(SimilarDialog(self.current))
        if similar is not None:
            await shell_of(self).show_example(similar)

    # Studies

    @work(exclusive=True, group="dialog")
    async def action_suspects(self) -> None:
        """List the suspects of the last study, or study; go to the one that is chosen."""
        from curator.tui.screens.studies.suspects_dialog import SuspectsDialog  # heavy

        suspect = await self.app.push_screen_wait(SuspectsDialog())
        if suspect is not None:
            await shell_of(self).show_example(suspect)

    @work(exclusive=True, group="dialog")
    async def action_what_if(self) -> None:
        """Study whether the model would be better without the selected examples, else those of this view."""
        from curator.tui.screens.studies import studies
        from curator.tui.screens.studies.study_dialog import StudyDialog  # heavy

        path, session = self.session.workspace.path, self.session
        ids = self.targets if self.examples.selected else tuple(session.view.ids) if session.query else ()
        if not ids:
            session.toast("Select the examples that may be left out (space, v), or filter for them with /")
            return
        words = (
            f"Would the model be better without {these(len(ids))}? Enter trains small models on this "
            "machine, two with them and two without, and has them answer the held-out prompts: four trainings."
        )
        await self.app.push_screen_wait(
            StudyDialog("What if?", words, lambda report: studies.what_if(path, ids, report))
        )

    @work(exclusive=True, group="dialog")
    async def action_how_many(self) -> None:
        """Study what more examples may bring."""
        from curator.tui.screens.studies import studies
        from curator.tui.screens.studies.study_dialog import StudyDialog  # heavy

        path = self.session.workspace.path
        words = (
            "What may 100 more examples bring? Enter trains on 25, 50, 75 and 100 % of the examples, twice each, "
            "and has the models answer the held-out prompts: as long as five trainings."
        )
        await self.app.push_screen_wait(
            StudyDialog("How many more?", words, lambda report: studies.how_many_more(path, report))
        )

    # Problems

    @on(Problems.RuleChosen)
    def _filter_rule(self, event: Problems.RuleChosen) -> None:
        self._run_query(f"rule:{event.rule}")
        self.examples.focus()

    @on(Problems.FixAllRequested)
    def _fix_all(self, event: Problems.FixAllRequested) -> None:
        self.fix_all(event.rule)

    def action_next_problem(self) -> None:
        """Go to the next problem of this example, else to the next example that has one."""
        self._step_problem(1)

    def action_previous_problem(self) -> None:
        """Go to the previous problem of this example, else to the previous example that has one."""
        self._step_problem(-1)

    def _step_problem(self, step: int) -> None:
        if not self.reading.step_problem(step):
            self._find_problem(step)

    @work(thread=True, exclusive=True, group="step", exit_on_error=False)
    def _find_problem(self, step: int) -> None:
        session, cursor = self.session, self.examples.cursor
        inside = grouped(session.query)
        with_problems = set(session.workspace.view(f"{inside}is:error|warning").ids)
        ids = session.view.ids
        further = range(cursor + 1, len(ids)) if step > 0 else range(cursor - 1, -1, -1)
        index = next((index for index in further if ids[index] in with_problems), None)
        self.app.call_from_thread(self._go_to_problem, index, step)

    def _go_to_problem(self, index: int | None, step: int) -> None:
        if index is None:
            self.session.toast("No further problem " + ("below" if step > 0 else "above"))
            return
        self.examples.cursor = index
        self.show_example()
        if step < 0:
            self.problems.cursor = self.problems.count - 1

    # Views, matches

    def show_view(self, view: View, keep: int | None) -> None:
        """List a view with the cursor on the example `keep`, and show the example under the cursor."""
        above = self._place.above if keep is not None and keep == self._place.example else None
        self.session.show(view)
        self.examples.show(view, keep=keep)
        if above is not None:
            self.examples.scroll_to_show(above)
        self.show_example()
        self._show_matches()

    def go_to(self, example: int, *, edit: bool = False) -> None:
        """Show an example, without the query where that hides it; `edit` opens the editor on it."""
        self.show_in_list(example)
        self.examples.focus()
        if edit:
            self.call_after_refresh(self.action_edit)

    def show_in_list(self, example: int) -> None:
        """Move the cursor to an example and show it, without the query where that hides it."""
        if not self.examples.go_to(example):
            self.show_view(self.session.workspace.view(), example)
        self.show_example()

    def action_next_match(self) -> None:
        """Go to the next place where the query matches."""
        self._step_match(1)

    def action_previous_match(self) -> None:
        """Go to the previous place where the query matches."""
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

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the keys of the stage while the editor is open."""
        return not self.editing or action in ("copy_text", "back")

    def why_not(self, action: str) -> str:
        """While the editor is open the stage's own actions wait."""
        waits = self.editing and action.partition(".")[0] in ("data", "stage") and action != "stage.back"
        return "leave the editor first (esc)" if waits else ""

    # Panes

    def action_back(self) -> None:
        """Go one level back: close the editor, else leave the zoom, the selection, the pane or the query."""
        if self.editing:
            self.editor.action_leave()
        elif self.unzoom():
            return
        elif self.sifting:
            self.leave_facets()
        elif self.examples.clear_selection():
            return
        elif self.focused is not self.examples:
            self.examples.focus()
        elif self.session.query:
            self._run_query("")

    def move_border(self, by: int) -> None:
        """Give the list more or less room."""
        self._resize_list(by)

    def _resize_list(self, by: int) -> None:
        share = max(20, min(80, self._place.share + by))
        self._place = self._place.with_share(share)
        alone = self.zoomed is not None
        self.examples.styles.width = f"{share}%" if self.has_class("-wide") and not alone else "100%"
        self.examples.styles.height = "100%" if self.has_class("-wide") or alone else f"{share}%"

    def zoom_changed(self) -> None:
        """Give the list the whole screen, or its share of it."""
        self._resize_list(0)

    @on(Panes.Dragged)
    def _drag_border(self, event: Panes.Dragged) -> None:
        self._resize_list(event.share - self._place.share)

    def on_resize(self) -> None:
        """Place the panes beside each other, or below each other in a narrow terminal."""
        self._resize_list(0)

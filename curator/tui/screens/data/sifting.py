"""`Sifting`: the pane of facets, whose ticks narrow the view. Part of the Data stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.getters import query_one
from textual.worker import get_current_worker

from curator.errors import CuratorError
from curator.tui.screens.data.editing import Editing
from curator.tui.screens.data.facets_pane import Facets

if TYPE_CHECKING:
    from curator.tui.stage_models.many.facets import Facet


class Sifting(Editing):
    """Shows the facets in the place of the example."""

    facets = query_one("#facets", Facets)

    _base = ""
    """The query that the facets were counted for; ticks narrow it."""

    @property
    def sifting(self) -> bool:
        """Whether the facets are on the screen."""
        return self.has_class("-sifting")

    def action_facets(self) -> None:
        """Show the facets of this view, or the example again."""
        if self.sifting:
            self.leave_facets()
            return
        self.unzoom()
        self._base = self.session.query
        self.add_class("-sifting")
        self.facets.clear()
        self.facets.focus()
        self._count_facets()

    def leave_facets(self) -> None:
        """Show the example again; the view stays as narrow as it is."""
        self.examples.focus()
        self.remove_class("-sifting")
        self.workers.cancel_group(self, "facets")

    @work(thread=True, exclusive=True, group="facets", exit_on_error=False)
    def _count_facets(self) -> None:
        from curator.tui.stage_models.many.facets import count_facets  # heavy: statistics

        worker = get_current_worker()

        def report(share: float) -> bool:
            if share and not worker.is_cancelled:
                self.app.call_from_thread(self.facets.say, f"counting {share:.0%} …")
            return worker.is_cancelled

        try:
            ids = self.session.workspace.view(self._base).ids
        except CuratorError:
            return  # the query line says why
        facets = count_facets(self.session.workspace, ids, report)
        if facets is not None and not worker.is_cancelled:
            self.app.call_from_thread(self._show_facets, facets)

    def _show_facets(self, facets: list[Facet]) -> None:
        self.facets.say("No examples here.")
        self.facets.show_facets(facets)

    @on(Facets.Ticked)
    def _narrow(self, event: Facets.Ticked) -> None:
        from curator.tui.stage_models.many.facets import narrowed  # heavy, and loaded with the counts

        self._run_query(narrowed(self._base, event.facets))
        if event.leave:
            self.leave_facets()

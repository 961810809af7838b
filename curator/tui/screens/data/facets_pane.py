"""`Facets`: the list of facets with ticks; each tick narrows the view at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.message import Message

from curator.core.text import one_line
from curator.tui import keys
from curator.tui.widgets.line_list import LineList, Pieces

if TYPE_CHECKING:
    from curator.tui.stage_models.many.facets import Facet

COUNT = 9
"""Cells of the column with the counts."""


class Facets(LineList):
    """Space ticks a value, enter ticks it alone and goes to the list."""

    SCOPE = "facets"
    HELP = (
        "What the examples of this view consist of. A tick lists only examples with that value; ticks of one kind "
        "add up, those of different kinds must all hold. The query line shows what comes of it."
    )
    BINDINGS = keys.bindings("facets")

    @dataclass
    class Ticked(Message):
        """Other values are ticked; `leave` to go to the list."""

        facets: tuple[Facet, ...]
        leave: bool = False

    def __init__(self) -> None:
        super().__init__("facets", empty="counting …")
        self._facets: Sequence[Facet] = ()
        self._ticked: dict[tuple[str, str], Facet] = {}

    def show_facets(self, facets: Sequence[Facet]) -> None:
        """List facets; those that were ticked stay so."""
        self._facets = facets
        first = next((at for at, facet in enumerate(facets) if facet.query), 0)
        self.show(len(facets), self._facet_line, cursor=self.cursor or first)

    def clear(self) -> None:
        """Take all ticks away, and the list."""
        self._ticked.clear()
        self._facets = ()
        self.show(0, self._facet_line, cursor=0)

    @property
    def ticked(self) -> tuple[Facet, ...]:
        """The ticked values."""
        return tuple(self._ticked.values())

    def _facet_line(self, index: int, width: int) -> Pieces:
        facet = self._facets[index]
        if facet.heading:
            return [(one_line(facet.text, width), "accent")]
        room = max(8, width - COUNT - 12)
        tick = "[x] " if (facet.kind, facet.text) in self._ticked else "[ ] " if facet.query else "    "
        text = one_line(facet.text, room)
        kind = {"rare": "warning", "unused": "dim"}.get(facet.mark, "")
        mark = {"rare": " once", "unused": " never"}.get(facet.mark, "")
        return [(tick, "accent"), (f"{text:<{room}}", kind), (f"{facet.times:>{COUNT},}", ""), (mark, "dim")]

    @property
    def _current(self) -> Facet | None:
        facet = self._facets[self.cursor] if self.cursor < len(self._facets) else None
        return facet if facet is not None and facet.query else None

    def action_tick(self) -> None:
        """Tick the value, or take the tick away."""
        facet = self._current
        if facet is not None:
            key = (facet.kind, facet.text)
            if self._ticked.pop(key, None) is None:
                self._ticked[key] = facet
            self.post_message(self.Ticked(self.ticked))
        self.refresh()

    def action_choose(self) -> None:
        """Tick this value alone, and go to the list."""
        facet = self._current
        if facet is not None:
            self._ticked = {(facet.kind, facet.text): facet}
            self.post_message(self.Ticked(self.ticked, leave=True))
            self.refresh()

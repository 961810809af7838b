"""Says what became of a file that is no chat JSON Lines, and notices when a source's file is changed outside."""

from __future__ import annotations

from curator.core.text import one_line
from curator.tui.session import list_place as place
from curator.tui.session.session import Session

EVERY = 5.0
"""Seconds between two looks, beside those when the window gets the focus: one `stat` a source."""


class SourceWatch:
    """`changed` are the sources whose file is another one now than the workspace knows."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.changed: tuple[int, ...] = ()
        self._looked = False

    def _tell_first(self) -> None:
        """Who writes where this window only reads; how a file was understood that is opened for the first time."""
        workspace = self._session.workspace
        if workspace.read_only:
            self._session.toast(f"This window only reads: {workspace.path.name} is held by {workspace.holder}")
            return
        sources = workspace.stored.sources
        if len(sources) != 1 or sources[0].format == "jsonl" or workspace.meta(place.KEY) is not None:
            return
        name = one_line(sources[0].name, 40)
        if sources[0].format == "unknown":
            self._session.toast(
                f"No fields of {name} are known as question and answer, so its records stay as they are. "
                "I imports it again by a map of your own"
            )
        else:
            self._session.toast(
                f"{workspace.history(1)[0].label}. {name} is not touched; I imports by another map"
            )

    def look(self) -> None:
        """Look at the files; tell what was not told yet."""
        if self._session.busy:
            return
        if not self._looked:
            self._looked = True
            self._tell_first()
        found = tuple(self._session.workspace.source_changed())
        if found == self.changed:
            return
        new = set(found) - set(self.changed)
        self.changed = found
        self._session.publish(())
        names = [source.name for source in self._session.workspace.stored.sources if source.id in new]
        if names:
            which = one_line(", ".join(names), 60)
            self._session.toast(
                f"{which} was changed outside Curator. Nothing was done about it: ctrl+p, File changed outside"
            )

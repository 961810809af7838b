"""`SourceWatch`: notices when another program changes an imported file; tells how a new file was read."""

from __future__ import annotations

from curator.core.text import one_line
from curator.tui.session import list_place
from curator.tui.session.session import Session

EVERY = 5.0
"""Seconds between two looks (one `stat` a source); the window getting the focus causes another."""


class SourceWatch:
    """`changed` holds the ids of the sources whose file differs in size or time from what was imported."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.changed: tuple[int, ...] = ()
        self._has_looked = False

    def _tell_at_start(self) -> None:
        """Tell who holds a workspace that is read-only here, or how a file opened for the first time was read."""
        workspace = self._session.workspace
        if workspace.read_only:
            self._session.toast(f"This window only reads: {workspace.path.name} is held by {workspace.holder}")
            return
        sources = workspace.stored.sources
        if len(sources) != 1 or sources[0].format == "jsonl" or workspace.meta(list_place.KEY) is not None:
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
        """Compare the files with what was imported; tell of files that changed since the last look."""
        if self._session.busy:
            return
        if not self._has_looked:
            self._has_looked = True
            self._tell_at_start()
        changed = tuple(self._session.workspace.source_changed())
        if changed == self.changed:
            return
        new = set(changed) - set(self.changed)
        self.changed = changed
        self._session.publish(())
        names = [source.name for source in self._session.workspace.stored.sources if source.id in new]
        if names:
            which = one_line(", ".join(names), 60)
            self._session.toast(
                f"{which} was changed outside Curator. Nothing was done about it: ctrl+p, File changed outside"
            )

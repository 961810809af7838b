"""Notices that a source's file was changed outside; says so once, and keeps it findable until it is settled."""

from __future__ import annotations

from curator.core.text import one_line
from curator.tui.session import Session

EVERY = 5.0
"""Seconds between two looks, beside those when the window gets the focus: one `stat` a source."""


class SourceWatch:
    """`changed` are the sources whose file is another one now than the workspace knows."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.changed: tuple[int, ...] = ()

    def look(self) -> None:
        """Look at the files; tell what was not told yet."""
        found = tuple(self._session.workspace.source_changed())
        if found == self.changed:
            return
        new = set(found) - set(self.changed)
        self.changed = found
        self._session.publish(())
        names = [base.name for base in self._session.workspace.stored.bases if base.id in new]
        if names:
            which = one_line(", ".join(names), 60)
            self._session.toast(
                f"{which} was changed outside Curator. Nothing was done about it: ctrl+p, File changed outside"
            )

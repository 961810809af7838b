"""`ProposalWatch`: notices when a program has proposed something, and says which key shows it."""

from __future__ import annotations

from curator.core.text import one_line
from curator.errors import CuratorError
from curator.tui.session.session import Session
from curator.workspace.operations import inbox


class ProposalWatch:
    """Looks at the file of proposals now and then: one `stat`, unless somebody added to it."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._stamp = (0, 0)
        self._known = 0
        """The greatest id that was told."""

    def look(self) -> None:
        """Tell of proposals that were added since the last look, or that wait at the start."""
        stamp = inbox.stamp(self._session.workspace.path)
        if self._session.busy or stamp == self._stamp:
            return
        self._stamp = stamp
        from curator.workspace.operations.proposed import proposals_of  # heavy: few workspaces have any

        try:
            fresh = [each for each in proposals_of(self._session.workspace) if each.id > self._known]
        except CuratorError as error:
            self._session.say(error)
            return
        if fresh:
            self._known = fresh[-1].id
            names = list(dict.fromkeys(each.by for each in fresh))
            who = f"{one_line(names[0], 40)} proposes" if len(names) == 1 else f"{len(names)} authors propose"
            self._session.toast(f"{who} {len(fresh):,} change{'s' * (len(fresh) > 1)}: W shows them")

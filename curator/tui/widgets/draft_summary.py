"""`DraftSummary`: problems, tokens and cost of an unsaved example, at the foot of the editor."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static

from curator.core.problem import Problem, Severity
from curator.core.text import count_of, one_line
from curator.tokens import Tokens
from curator.tui.looks.texts import show_text
from curator.tui.session.session import CheckedDraft, Session


class DraftSummary(Static):
    """One line of counts and cost, then up to four problems that no message shows."""

    def __init__(self, session: Session) -> None:
        super().__init__(id="draft")
        self._session = session
        self._saved = b""
        self._tokens_saved: int | None = None
        """Tokens of `_saved`; None while not counted."""

    def show_draft(self, checked: CheckedDraft, problems: list[Problem], saved: bytes) -> None:
        """Show a draft of an example whose bytes are `saved` in the workspace."""
        if saved != self._saved:
            self._saved, self._tokens_saved = saved, None
        errors = sum(problem.severity is Severity.ERROR for problem in checked.problems)
        warnings = sum(problem.severity is Severity.WARNING for problem in checked.problems)
        tokens = checked.tokens
        lines = [
            Content.assemble(
                (f"{errors} E", "$mark-error bold" if errors else "$mark-ok"),
                " · ",
                (f"{warnings} W", "$mark-warning bold" if warnings else "$mark-ok"),
                " · counting tokens"
                if tokens is None
                else f" · {count_of(tokens.total, 'token')}, {tokens.assistant:,} trained",
                (self._dataset(tokens), "$quiet"),
            )
        ]
        lines += [Content(f"{problem.severity.mark} {one_line(problem.message, 200)}") for problem in problems[:4]]
        show_text(self, Content("\n").join(lines))

    def _dataset(self, tokens: Tokens | None) -> str:
        """Tokens and price of the whole dataset if the draft were saved, in words."""
        if tokens is None:
            return ""
        if self._tokens_saved is None:
            saved = self._session.draft(self._saved).tokens
            self._tokens_saved = saved.total if saved is not None else tokens.total
        total = self._session.summary(tokens.total - self._tokens_saved)
        return f" · dataset {count_of(total.tokens, 'token')}, {total.cost}" if total.tokens is not None else ""

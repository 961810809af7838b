"""The line that always tells examples, errors, warnings, tokens, cost, split and provider."""

from __future__ import annotations

from textual.content import Content
from textual.widget import Widget

from curator.core.text import one_line
from curator.tui.session import Changed, Session
from curator.tui.summary import Summary


class StatusLine(Widget):
    """One line; drawn from the session's summary whenever something changed."""

    can_focus = False

    @property
    def _session(self) -> Session:
        from curator.tui.app import CuratorApp

        assert isinstance(self.app, CuratorApp)
        return self.app.session

    def on_mount(self) -> None:
        """Draw again with each change."""
        self._session.changed.subscribe(self, self._note_change)

    def _note_change(self, changed: Changed) -> None:
        self.refresh()

    def render(self) -> Content:
        """Everything; in short words where the line is narrow."""
        summary = self._session.summary()
        parts = pieces(summary, brief=self.size.width < 100)
        if self._session.workspace.read_only:
            parts.insert(0, ("read-only", "$mark-warning bold"))
        spans: list[str | tuple[str, str]] = []
        for number, part in enumerate(parts):
            spans += [(" · ", "$quiet")] * bool(number) + [part]
        return Content.assemble(*spans)


def pieces(summary: Summary, brief: bool) -> list[tuple[str, str]]:
    """The line's parts as (text, style)."""
    shown = "" if summary.shown == summary.examples else f"{summary.shown:,} of "
    unit = "tok" if brief else "tokens"
    checked = summary.analysed >= summary.examples
    split = (
        f"{summary.train:,}+{summary.validation:,}"
        if brief
        else (f"train {summary.train:,}, validation {summary.validation:,}")
    )
    return [
        (f"{shown}{summary.examples:,} {'ex' if brief and shown else 'examples'}", "$foreground"),
        (f"{summary.errors:,} E", "$mark-error bold" if summary.errors else "$mark-ok"),
        (f"{summary.warnings:,} W", "$mark-warning bold" if summary.warnings else "$mark-ok"),
        (_tokens(summary.tokens, unit) if checked else f"checking {summary.share:.0%}", "$foreground"),
        (summary.cost, "$foreground"),
        (split if summary.validation else "no split", "$foreground"),
        (one_line(summary.provider if not brief else summary.provider.partition(":")[0], 48), "$accent"),
    ]


def _tokens(count: int | None, unit: str) -> str:
    return f"counting {unit}" if count is None else f"{count:,} {unit}"

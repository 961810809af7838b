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
        """As much as fits, the most important first."""
        summary = self._session.summary()
        parts = pieces(summary)
        while len(parts) > 3 and sum(len(text) + 3 for text, _ in parts) > self.size.width:
            droppable = [part for part in parts if part[1] == "$text-muted"]
            parts.remove(droppable[-1] if droppable else parts[-1])
        spans: list[str | tuple[str, str]] = [" "]
        for number, part in enumerate(parts):
            spans += [(" · ", "$text-disabled")] * bool(number) + [part]
        return Content.assemble(*spans)


def pieces(summary: Summary) -> list[tuple[str, str]]:
    """The line's parts as (text, style)."""
    known = summary.analysed >= summary.examples
    split = f"train {summary.train:,} / valid {summary.validation:,}" if summary.validation else "no split"
    shown = (
        f"{summary.examples:,} examples"
        if summary.shown == summary.examples
        else (f"{summary.shown:,} of {summary.examples:,} examples")
    )
    return [
        (shown, "$foreground"),
        (f"{summary.errors:,} E", "$text-error bold" if summary.errors else "$text-success"),
        (f"{summary.warnings:,} W", "$text-warning bold" if summary.warnings else "$text-success"),
        (f"{summary.tokens:,} tokens" if known else f"checking {summary.share:.0%}", "$foreground"),
        (summary.cost, "$foreground"),
        (split, "$foreground"),
        (one_line(summary.provider, 40), "$accent"),
    ]

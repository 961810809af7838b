"""`QueryBar`: the query above the list; filters while the user types, completes fields, marks a syntax error."""

from __future__ import annotations

from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Static

from curator.core.query.query import completions
from curator.core.text import one_line
from curator.tui import keys
from curator.tui.widgets.line_input import PlainInput


class QuerySuggester(Suggester):
    """Completes the field or value at the end of a query."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.labels: tuple[str, ...] = ()
        """Offered behind `label:`."""
        self.sources: tuple[str, ...] = ()
        """Offered behind `source:`."""

    async def get_suggestion(self, value: str) -> str | None:
        """The query with its end completed; None where nothing completes it."""
        for completion in completions(value, len(value), self.labels, self.sources):
            query = value[: completion.start] + completion.text
            if query.startswith(value) and query != value and one_line(completion.text) == completion.text:
                return query
        return None


class QueryInput(PlainInput):
    """The text field of the bar."""

    SCOPE = "query"
    HELP = (
        'Words and "phrases" match text; ~word matches roughly, /regex/ by pattern. Fields: rule: is: label: '
        "split: role: user: assistant: system: tokens> messages< rating>= line:1-9 source:. "
        "Side by side means and; or, - and ( ) work."
    )
    BINDINGS = keys.bindings("query")

    def action_leave(self) -> None:
        """Back to the list."""
        self.post_message(QueryBar.Left())

    def action_apply(self) -> None:
        """Filter now."""
        self.post_message(QueryBar.Submitted(self.value))

    def action_complete(self) -> None:
        """Accept the suggestion at the end of the text, else move the cursor one to the right."""
        if self._suggestion and self.cursor_position == len(self.value):
            self.value = self._suggestion
            self.cursor_position = len(self.value)
        elif self.cursor_position < len(self.value):
            self.action_cursor_right()


class QueryBar(Vertical):
    """A prompt, the query, how many examples match; below it a syntax error with its position."""

    @dataclass
    class Changed(Message):
        """The text changed."""

        text: str

    @dataclass
    class Submitted(Message):
        """Enter was pressed."""

        text: str

    @dataclass
    class Left(Message):
        """Escape was pressed."""

    def __init__(self, dom_id: str = "query") -> None:
        super().__init__(id=dom_id)
        self.suggester = QuerySuggester()

    def compose(self) -> ComposeResult:
        """Prompt, field, count; error."""
        with Horizontal():
            yield Static(Content("/"), id="prompt")
            yield QueryInput(placeholder="filter", suggester=self.suggester, compact=True, id="text")
            yield Static("", id="matches")
        yield Static("", id="query-error")

    @property
    def text(self) -> str:
        """The query as typed."""
        return self.query_one(QueryInput).value

    def show(self, text: str, matches: str) -> None:
        """Show the query that is in effect, and `matches` in words; the text being typed is not replaced."""
        field = self.query_one(QueryInput)
        if field.value != text and not field.has_focus:
            with field.prevent(Input.Changed):
                field.value = text
        shown = self.query_one("#matches", Static)
        if shown.content != Content(matches):  # else all of the screen would be laid out anew
            shown.update(Content(matches))
        if not field.has_focus or field.value.strip() == text:  # else the error is of the newer text being typed
            self.query_one("#query-error").display = False

    def fail(self, message: str, position: int | None) -> None:
        """Show a syntax error below the character at `position`; the list keeps the matches of the last query."""
        error = self.query_one("#query-error", Static)
        indent = " " * (2 + (position or 0)) if position is not None else "  "
        error.update(Content.assemble(f"{indent[: max(2, self.size.width - 40)]}▲ ", one_line(message, 200)))
        error.display = True

    @on(Input.Changed)
    def _input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(event.value))

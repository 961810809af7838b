"""A TextArea that is safe to hand untrusted text: what is drawn is printable, what is edited is the true text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from rich.text import Text
from textual.widgets import TextArea

from curator.core.text import one_line, printable
from curator.tui import keys

HIGHLIGHT_BYTES = 30_000
"""Above this size colours cost more than a frame a key (34-64 ms at 100 KB), so they are left out."""
EDITABLE_CHARS = 200_000
EDITABLE_LINES = 5_000
"""Above these a text opens in $EDITOR only: one screen must never freeze on one line of a file."""

COMPLETED_CHARS = 1_000
"""Longer texts are no answers of a list."""

BREAKS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""What Textual's documents take for the end of a line and would give back as LF."""
_HOLD = {ord(character): 0x10F700 + index for index, character in enumerate(BREAKS)}
_RELEASE = {held: character for character, held in _HOLD.items()}
_SHOWN = {held: printable(chr(character)) for character, held in _HOLD.items()}


def hold(text: str) -> str:
    """`text` with each of `BREAKS` as a private character, one for one."""
    return text.translate(_HOLD)


def release(text: str) -> str:
    """The inverse of `hold`."""
    return text.translate(_RELEASE)


def editable(text: str) -> bool:
    """Whether a text can be edited in place: small enough, and without the private characters of `hold`."""
    small = len(text) <= EDITABLE_CHARS and text.count("\n") <= EDITABLE_LINES
    return small and not any(chr(held) in text for held in _RELEASE)


class TextField(TextArea):
    """Shows control characters as stand-ins and keeps every character as it is."""

    def __init__(self, text: str, **options: Any) -> None:
        super().__init__(hold(text), soft_wrap=True, compact=True, **options)

    @property
    def true_text(self) -> str:
        """The text as it is edited; `text` has `BREAKS` held."""
        return release(self.text)

    def get_line(self, line_index: int) -> Text:
        """The line as it may be drawn."""
        return Text(printable(self.document.get_line(line_index).translate(_SHOWN)), end="", no_wrap=True)


Complete = Callable[[str], Sequence[str]]
"""What a text that is being typed may become, the likeliest first."""


class MessageField(TextField):
    """The text of one message; grows with it. Where it may become something else, tab makes it that."""

    SCOPE = "answer"
    BINDINGS = keys.bindings("answer")
    MAX_LINES = 16

    def __init__(self, text: str, complete: Complete = lambda text: ()) -> None:
        self._complete = lru_cache(maxsize=1)(complete)
        super().__init__(text, show_line_numbers=False, highlight_cursor_line=False)

    @property
    def offers(self) -> Sequence[str]:
        """What the text may become."""
        return self._complete(self.true_text) if len(self.text) <= COMPLETED_CHARS else ()

    def update_suggestion(self) -> None:
        """Show behind the cursor what is missing of the likeliest."""
        first = next(iter(self.offers), "")
        ends = self.cursor_location == self.document.end and first.startswith(self.true_text)
        self.suggestion = one_line(first[len(self.text) :]) if ends else ""

    def action_complete(self) -> None:
        """Take the likeliest."""
        first = next(iter(self.offers), "")
        self.replace(hold(first), self.document.start, self.document.end)
        self.move_cursor(self.document.end)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tab goes to the next pane where nothing is offered."""
        return bool(self.offers) if action == "complete" else super().check_action(action, parameters)

    def fit(self) -> None:
        """Take as many lines as the text needs."""
        self.styles.height = max(1, min(self.MAX_LINES, self.wrapped_document.height))

    def on_mount(self) -> None:
        """Fit once the width is known."""
        self.call_after_refresh(self.fit)

    def on_resize(self) -> None:
        """Wrapping changed."""
        self.call_after_refresh(self.fit)


def json_field(text: str) -> TextField:
    """A field for a JSON text, coloured where that is fast and the grammar is there."""
    try:
        text.encode()
        coloured = len(text) <= HIGHLIGHT_BYTES
    except UnicodeEncodeError:
        coloured = False  # bytes that are no UTF-8: the highlighter cannot take them
    field = TextField(text, show_line_numbers=True, id="json")
    if coloured:
        from textual.widgets.text_area import LanguageDoesNotExist

        try:
            field.language = "json"
        except LanguageDoesNotExist:
            field.language = None
    return field

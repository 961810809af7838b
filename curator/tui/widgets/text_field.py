"""A TextArea that is safe to hand untrusted text: what is drawn is printable, what is edited is the true text."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import TextArea

from curator.core.text import printable

HIGHLIGHT_BYTES = 30_000
"""Above this size colours cost more than a frame a key (34-64 ms at 100 KB), so they are left out."""
EDITABLE_CHARS = 200_000
EDITABLE_LINES = 5_000
"""Above these a text opens in $EDITOR only: one screen must never freeze on one line of a file."""

_TABLE = {code: ord(printable(chr(code))) for code in (*range(9), *range(11, 32), *range(127, 160))}


def editable(text: str) -> bool:
    """Whether a text is small enough to be edited in place."""
    return len(text) <= EDITABLE_CHARS and text.count("\n") <= EDITABLE_LINES


class TextField(TextArea):
    """As tall as its text, up to a limit of screen lines."""

    def get_line(self, line_index: int) -> Text:
        """The line as it may be drawn: control characters show as stand-ins."""
        return Text(printable(self.document.get_line(line_index)), end="", no_wrap=True)


class MessageField(TextField):
    """The text of one message; grows with it."""

    MAX_LINES = 16

    def __init__(self, text: str) -> None:
        super().__init__(text, soft_wrap=True, show_line_numbers=False, compact=True, highlight_cursor_line=False)

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
    field = TextField(text, soft_wrap=True, show_line_numbers=True, compact=True, language=None, id="json")
    if coloured:
        from textual.widgets.text_area import LanguageDoesNotExist

        try:
            field.language = "json"
        except LanguageDoesNotExist:
            field.language = None
    return field

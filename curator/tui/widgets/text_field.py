"""Text areas that are safe with untrusted text: they draw stand-ins and keep the true characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rich.style import Style
from rich.text import Text
from textual.color import Color
from textual.events import Paste
from textual.message import Message
from textual.widgets import TextArea
from textual.widgets.text_area import LanguageDoesNotExist, TextAreaTheme

from curator.core.text import one_line, printable
from curator.tui import keys
from curator.tui.shell import shell_of

HIGHLIGHT_BYTES = 30_000
"""Above this size JSON is not highlighted: that would take more than a frame a key (34-64 ms at 100 KB)."""
EDITABLE_CHARS = 200_000
EDITABLE_LINES = 5_000
"""A text with more characters or lines than this is edited in $EDITOR only: the UI would freeze on it."""

JSON_COLOURS = {
    "json.label": "role-user",
    "string": "role-assistant",
    "string.escape": "mark-info",
    "number": "role-tool",
    "boolean": "role-tool",
    "json.null": "role-tool",
    "json.error": "mark-error",
    "punctuation.bracket": "quiet",
    "punctuation.delimiter": "quiet",
}
"""The colours of the parts of a JSON text, by their names in Textual's grammar."""

COMPLETED_CHARS = 1_000
"""Longer texts are not completed: the answers of a contract are short."""

BREAKS = "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""Characters that Textual's documents treat as ends of lines and would replace by LF."""
_ENCODE = {ord(character): 0x10F700 + index for index, character in enumerate(BREAKS)}
_DECODE = {private: character for character, private in _ENCODE.items()}
_STAND_IN = {private: printable(chr(character)) for character, private in _ENCODE.items()}


def encode_breaks(text: str) -> str:
    """`text` with each of `BREAKS` replaced by a character of Unicode's private use area."""
    return text.translate(_ENCODE)


def decode_breaks(text: str) -> str:
    """The inverse of `encode_breaks`."""
    return text.translate(_DECODE)


def editable(text: str) -> bool:
    """Whether a text can be edited in place: it is small and has none of the characters of `encode_breaks`."""
    small = len(text) <= EDITABLE_CHARS and text.count("\n") <= EDITABLE_LINES
    return small and not any(chr(private) in text for private in _DECODE)


class TextField(TextArea):
    """A TextArea that draws control characters as stand-ins and keeps every character of the text."""

    def __init__(self, text: str, **options: Any) -> None:
        super().__init__(encode_breaks(text), soft_wrap=True, compact=True, **options)

    async def _on_paste(self, event: Paste) -> None:
        """Refuse a paste after which the text could not be edited here: the UI would freeze on it."""
        if not editable(self.text + event.text):
            event.stop()
            event.prevent_default()
            shell_of(self).session.toast(
                f"Not pasted: {len(event.text):,} characters are too many to edit here ({EDITABLE_CHARS:,} in "
                f"{EDITABLE_LINES:,} lines at most). I imports a file; ctrl+o edits in $EDITOR."
            )

    @property
    def true_text(self) -> str:
        """The edited text; `text` is the same with `BREAKS` encoded."""
        return decode_breaks(self.text)

    def get_line(self, line_index: int) -> Text:
        """A line of the document, as drawn."""
        return Text(printable(self.document.get_line(line_index).translate(_STAND_IN)), end="", no_wrap=True)


Complete = Callable[[str], Sequence[str]]
"""Returns completions of a text that is being typed, the likeliest first."""


class MessageField(TextField):
    """The text of one message; grows with it up to `MAX_LINES`. Tab accepts the first completion."""

    SCOPE = "answer"
    BINDINGS = keys.bindings("answer")
    MAX_LINES = 16

    @dataclass
    class PickRequested(Message):
        """The user asked for all answers to choose from."""

        field: MessageField

    def __init__(self, text: str, complete: Complete = lambda text: ()) -> None:
        self._complete = lru_cache(maxsize=1)(complete)
        super().__init__(text, show_line_numbers=False, highlight_cursor_line=False)

    @property
    def completions(self) -> Sequence[str]:
        """Completions of the text, the likeliest first; none for a long text."""
        return self._complete(self.true_text) if len(self.text) <= COMPLETED_CHARS else ()

    def update_suggestion(self) -> None:
        """Show the rest of the first completion behind the cursor."""
        first = next(iter(self.completions), "")
        ends = self.cursor_location == self.document.end and first.startswith(self.true_text)
        self.suggestion = one_line(first[len(self.text) :]) if ends else ""

    def action_complete(self) -> None:
        """Replace the text by the first completion."""
        self.put(next(iter(self.completions), ""))

    def put(self, text: str) -> None:
        """Replace the whole text, as typing would: the field's undo takes it back."""
        self.replace(encode_breaks(text), self.document.start, self.document.end)
        self.move_cursor(self.document.end)

    def action_pick(self) -> None:
        """Ask for the list of all answers."""
        self.post_message(self.PickRequested(self))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable tab as completion where there is none: it then goes to the next pane."""
        return bool(self.completions) if action == "complete" else super().check_action(action, parameters)

    def fit(self) -> None:
        """Set the height to the lines that the wrapped text needs, 1 to `MAX_LINES`."""
        self.styles.height = max(1, min(self.MAX_LINES, self.wrapped_document.height))

    def on_mount(self) -> None:
        """Fit once the width is known."""
        self.call_after_refresh(self.fit)

    def on_resize(self) -> None:
        """The text wraps at another width."""
        self.call_after_refresh(self.fit)


class JsonField(TextField):
    """A JSON text, highlighted in the colours of the app's theme: Textual's own are made for dark ones."""

    def on_mount(self) -> None:
        """Take the colours on."""
        self._app_theme_changed()

    def _app_theme_changed(self) -> None:
        colours = self.app.current_theme.variables
        styles = {
            part: Style(color=Color.parse(colours[name]).rich_color, bold=part == "json.label")
            for part, name in JSON_COLOURS.items()
        }
        self.register_theme(TextAreaTheme("json", syntax_styles=styles))
        if self.theme == "json":
            super()._app_theme_changed()
        self.theme = "json"


def json_field(text: str) -> TextField:
    """A field for a JSON text, highlighted where that is fast and the grammar is installed."""
    try:
        text.encode()
        highlight = len(text) <= HIGHLIGHT_BYTES
    except UnicodeEncodeError:
        highlight = False  # the text has bytes that are no UTF-8, which the highlighter cannot take
    field = JsonField(text, show_line_numbers=True, id="json")
    if highlight:
        try:
            field.language = "json"
        except LanguageDoesNotExist:
            field.language = None
    return field

"""Text fields of one line that are safe with untrusted text, and the completion of paths in them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from rich.text import Text
from textual.suggester import Suggester
from textual.widgets import Input

from curator.core.text import one_line, printable
from curator.tui import keys
from curator.workspace.storage.folder import SUFFIX

MOST_NAMES = 5_000
"""Most names of a folder that are read for a completion."""


def as_drawn(value: str) -> Text:
    """A field's text with control characters as visible stand-ins."""
    return Text(one_line(value), no_wrap=True, overflow="ignore", end="")


class PlainInput(Input):
    """An Input that draws control characters as stand-ins and keeps the true characters in `value`."""

    @property
    def _value(self) -> Text:
        return super()._value if self.password else as_drawn(self.value)

    def restricted(self) -> None:
        """Override the bell that Textual rings when the text is at its maximum length."""


class LineInput(PlainInput):
    """The field of a dialog; tab accepts its suggestion."""

    SCOPE = "field"
    BINDINGS = keys.bindings("field")

    def action_complete(self) -> None:
        """Accept the suggestion."""
        self.value = self._suggestion
        self.cursor_position = len(self.value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable tab as completion where nothing is suggested: it then goes to the next field."""
        if action == "complete":
            return bool(self._suggestion) and self.cursor_at_end
        return super().check_action(action, parameters)


class Paths(Suggester):
    """Completes the path of an existing file or folder.

    With `suffixes` (lower case) it offers only names that end in one of them, and folders that are no workspace.
    """

    def __init__(self, suffixes: tuple[str, ...] = ()) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._suffixes = suffixes

    async def get_suggestion(self, value: str) -> str | None:
        """The path with its last name completed; None where nothing completes it."""
        return await asyncio.to_thread(self._complete, value) if value else None

    def _complete(self, value: str) -> str | None:
        folder, _, start = value.rpartition("/")
        try:
            with os.scandir(
                Path(folder + "/" if folder or value.startswith("/") else ".").expanduser()
            ) as entries:
                names = [
                    entry.name + "/" * entry.is_dir()
                    for _, entry in zip(range(MOST_NAMES), entries, strict=False)
                    if entry.name.startswith(start) and (start or not entry.name.startswith("."))
                ]
        except (OSError, ValueError):
            return None
        first = next((name for name in sorted(names) if self._fits(name)), start)
        return value[: len(value) - len(start)] + first if first != start else None

    def _fits(self, name: str) -> bool:
        if self._suffixes and name.endswith(f"{SUFFIX}/"):
            return False
        ends = not self._suffixes or name.endswith("/") or name.lower().endswith(self._suffixes)
        return ends and printable(name) == name


def path_of(field: LineInput) -> Path:
    """The path in a field: expands `~`; strips quotes, `\\ ` escapes and `file://` of a pasted path."""
    text = field.value.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    elif "\\ " in text and not Path(text).exists():
        text = text.replace("\\ ", " ")
    text = text.removeprefix("file://")
    return Path(text).expanduser()

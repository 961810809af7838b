"""A field of one line that is safe to hand untrusted text, with tab to take what it suggests; and paths."""

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
"""Names of a folder that are looked at for a completion."""


def drawn(value: str) -> Text:
    """What a field shows of its text."""
    return Text(one_line(value), no_wrap=True, overflow="ignore", end="")


class PlainInput(Input):
    """An Input whose text is drawn printable, whatever it holds; editing keeps the true characters."""

    @property
    def _value(self) -> Text:
        return super()._value if self.password else drawn(self.value)

    def restricted(self) -> None:
        """No bell where no more fits: it shows."""


class LineInput(PlainInput):
    """The field of a dialog; tab takes what it suggests."""

    SCOPE = "field"
    BINDINGS = keys.bindings("field")

    def action_complete(self) -> None:
        """Take what is suggested."""
        self.value = self._suggestion
        self.cursor_position = len(self.value)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Tab goes to the next field where nothing is suggested."""
        if action == "complete":
            return bool(self._suggestion) and self.cursor_at_end
        return super().check_action(action, parameters)


class Paths(Suggester):
    """Completes the path of a file that is there; only folders (no workspaces) and names that end as told."""

    def __init__(self, suffixes: tuple[str, ...] = ()) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._suffixes = suffixes

    async def get_suggestion(self, value: str) -> str | None:
        """The whole path with its last name completed, or None."""
        return await asyncio.to_thread(self._complete, value) if value else None

    def _complete(self, value: str) -> str | None:
        folder, _, begun = value.rpartition("/")
        try:
            with os.scandir(Path(folder + "/" if folder or value.startswith("/") else ".").expanduser()) as found:
                names = [
                    entry.name + "/" * entry.is_dir()
                    for _, entry in zip(range(MOST_NAMES), found, strict=False)
                    if entry.name.startswith(begun) and (begun or not entry.name.startswith("."))
                ]
        except (OSError, ValueError):
            return None
        fit = [name for name in sorted(names) if self._fits(name)]
        return value[: len(value) - len(begun)] + fit[0] if fit and fit[0] != begun else None

    def _fits(self, name: str) -> bool:
        if self._suffixes and name.endswith(f"{SUFFIX}/"):
            return False
        ends = not self._suffixes or name.endswith("/") or name.lower().endswith(self._suffixes)
        return ends and printable(name) == name


def path_of(field: LineInput) -> Path:
    """The path that a field names: `~` is the home folder, quotes and escapes of a pasted one are taken off."""
    text = field.value.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    elif "\\ " in text and not Path(text).exists():
        text = text.replace("\\ ", " ")
    text = text.removeprefix("file://")
    return Path(text).expanduser()

"""The last line: the keys of what has the focus, one widget in all. Textual's footer makes a widget of each key
anew with every change of the focus, which took half the time of opening the editor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Input, TextArea

from curator.tui import keys

KEPT = ("app.palette", "app.help")
"""Actions whose keys are never left out: they tell all the others."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One key and what it does."""

    key: str
    shown: str
    description: str
    tooltip: str
    enabled: bool
    id: str

    @property
    def width(self) -> int:
        """Cells, with the space around the key and behind the words."""
        return cell_len(self.shown) + cell_len(self.description) + 3


class KeyLine(Widget):
    """Whole hints, as many as there is room for; commands and help in any case. A click presses the key."""

    can_focus = False
    ALLOW_SELECT = False

    _hints: tuple[Hint, ...] = ()

    def on_mount(self) -> None:
        """Draw again when other keys work."""
        self.screen.bindings_updated_signal.subscribe(self, self._note)

    def _note(self, screen: Screen[object]) -> None:
        if not (self.is_attached and screen is self.screen and screen.is_current and self.app.app_focus):
            return
        hints = tuple(self._active())
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def _active(self) -> list[Hint]:
        found: dict[str, Hint] = {}
        typing = isinstance(self.screen.focused, Input | TextArea)
        for _, binding, enabled, tooltip in self.screen.active_bindings.values():
            shown = keys.key_label(binding.key)
            if binding.show and not (typing and len(shown) == 1):  # there it would be a letter of the text
                words = tooltip or binding.description
                hint = Hint(binding.key, shown, binding.description, words, enabled, binding.id or "")
                found.setdefault(binding.action, hint)
        matters: Callable[[str], bool] = getattr(self.screen, "matters", lambda action: True)
        return sorted(found.values(), key=lambda hint: not matters(hint.id))

    def _placed(self) -> list[tuple[int, Hint]]:
        """What is shown, each with its column."""
        kept = [hint for hint in self._hints if hint.id in KEPT]
        room = self.size.width - sum(hint.width for hint in kept)
        placed, at = [], 0
        for hint in (*(hint for hint in self._hints if hint.id not in KEPT), *kept):
            if hint in kept or at + hint.width <= room:
                placed.append((at, hint))
                at += hint.width
        return placed

    def render(self) -> Content:
        """Keys and words in one line."""
        parts: list[tuple[str, str]] = []
        for _, hint in self._placed():
            dim = "" if hint.enabled else " dim"
            parts.append((f" {hint.shown} ", f"bold $footer-key-foreground{dim}"))
            parts.append((f"{hint.description} ", f"$footer-description-foreground{dim}"))
        return Content.assemble(*parts)

    def _at(self, x: int) -> Hint | None:
        return next((hint for at, hint in self._placed() if at <= x < at + hint.width), None)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Explain the key under the pointer."""
        hint = self._at(event.x)
        self.tooltip = Content(hint.tooltip) if hint else None

    def on_click(self, event: events.Click) -> None:
        """Press the key."""
        hint = self._at(event.x)
        if hint is not None and hint.enabled:
            self.app.simulate_key(hint.key)

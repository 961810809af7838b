"""`KeyLine`: the last line of a screen, with the keys that work where the focus is.

It is one widget. Textual's own footer mounts a widget for each key with every change of the focus, which took half
the time of opening the editor.
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

ALWAYS = ("app.palette", "app.help")
"""Actions whose keys are never left out: both lead to all others."""


@dataclass(frozen=True, slots=True)
class Hint:
    """One key and what it does. `key` is Textual's name of it, `label` what is drawn."""

    key: str
    label: str
    description: str
    tooltip: str
    enabled: bool
    id: str

    @property
    def width(self) -> int:
        """Width in cells, with a space on both sides of the key and one behind the words."""
        return cell_len(self.label) + cell_len(self.description) + 3


class KeyLine(Widget):
    """Draws as many hints as there is room for, the palette's and help's always. A click presses the key."""

    can_focus = False
    ALLOW_SELECT = False

    _hints: tuple[Hint, ...] = ()

    def on_mount(self) -> None:
        """Draw again whenever other keys work."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_updated)

    def _bindings_updated(self, screen: Screen[object]) -> None:
        if not (self.is_attached and screen is self.screen and screen.is_current and self.app.app_focus):
            return
        hints = tuple(self._active_hints())
        if hints != self._hints:
            self._hints = hints
            self.refresh()

    def _active_hints(self) -> list[Hint]:
        """One hint an action that works now, first those that can do something (see `StageScreen.matters`)."""
        hints: dict[str, Hint] = {}
        typing = isinstance(self.screen.focused, Input | TextArea)
        for _, binding, enabled, tooltip in self.screen.active_bindings.values():
            label = keys.key_label(binding.key)
            if binding.show and not (typing and len(label) == 1):  # in a text field the key types a letter
                words = tooltip or binding.description
                hint = Hint(binding.key, label, binding.description, words, enabled, binding.id or "")
                hints.setdefault(binding.action, hint)
        matters: Callable[[str], bool] = getattr(self.screen, "matters", lambda action: True)
        return sorted(hints.values(), key=lambda hint: not matters(hint.id))

    def _place_hints(self) -> list[tuple[int, Hint]]:
        """The hints that are drawn, each with the column where it begins."""
        always = [hint for hint in self._hints if hint.id in ALWAYS]
        room = self.size.width - sum(hint.width for hint in always)
        placed, at = [], 0
        for hint in (*(hint for hint in self._hints if hint.id not in ALWAYS), *always):
            if hint in always or at + hint.width <= room:
                placed.append((at, hint))
                at += hint.width
        return placed

    def render(self) -> Content:
        """Keys and words in one line."""
        parts: list[tuple[str, str]] = []
        for _, hint in self._place_hints():
            dim = "" if hint.enabled else " dim"
            parts.append((f" {hint.label} ", f"bold $footer-key-foreground{dim}"))
            parts.append((f"{hint.description} ", f"$footer-description-foreground{dim}"))
        return Content.assemble(*parts)

    def _at(self, x: int) -> Hint | None:
        return next((hint for at, hint in self._place_hints() if at <= x < at + hint.width), None)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Explain the key under the pointer."""
        hint = self._at(event.x)
        self.tooltip = Content(hint.tooltip) if hint else None

    def on_click(self, event: events.Click) -> None:
        """Press the key."""
        hint = self._at(event.x)
        if hint is not None and hint.enabled:
            self.app.simulate_key(hint.key)

"""`Action`: one thing the user can do; and the short form in which the table of all actions is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """One thing the user can do. `keys` are Textual key names, comma separated; empty: only in the palette."""

    id: str
    keys: str
    description: str
    tooltip: str
    show: bool = False
    """Whether the key line at the foot of the screen shows it."""
    priority: bool = False
    """Whether it takes precedence over a focused text field; never set for printable keys."""
    run: str = ""
    """The Textual action string; by default the part of `id` after the dot."""

    @property
    def scope(self) -> str:
        """The screen or widget that it belongs to: the part of `id` before the dot."""
        return self.id.partition(".")[0]

    @property
    def command(self) -> str:
        """The Textual action string that the keys run."""
        return self.run or self.id.partition(".")[2]


def make_rows(scope: str, *rows: tuple[str, str, str, str] | tuple[str, str, str, str, str]) -> list[Action]:
    """Build actions from (name, keys, description, tooltip[, flags]); flags: `show`, `priority`, `run=ACTION`."""
    actions = []
    for name, keys, description, tooltip, *rest in rows:
        flags = rest[0].split() if rest else []
        run = next((flag[4:] for flag in flags if flag.startswith("run=")), "")
        show, priority = "show" in flags, "priority" in flags
        actions.append(Action(f"{scope}.{name}", keys, description, tooltip, show, priority, run))
    return actions

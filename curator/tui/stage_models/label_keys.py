"""The labels on the keys 1 to 9: their names and colours, kept in the workspace."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from curator.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.workspace.workspace import Workspace

NAMES = ("good", "bad", "check", "hard", "tone", "facts", "style", "safety", "later")
"""What the keys stand for until somebody names them."""
COLOURS = 9
"""The colours `label-1` to `label-9` of every theme (docs/themes.md)."""


@dataclass(frozen=True, slots=True)
class Label:
    """What a number key stands for; an empty name is a key without a label."""

    name: str
    colour: int
    """1 to `COLOURS`."""


def of(workspace: Workspace) -> tuple[Label, ...]:
    """The nine labels of a workspace, by key."""
    stored = workspace.meta("labels")
    entries = stored if isinstance(stored, list) and stored else NAMES
    found = [_read(entry, key) for key, entry in enumerate(entries[:9], 1)]
    return (*found, *(Label("", key) for key in range(len(found) + 1, 10)))


def _read(entry: object, key: int) -> Label:
    """A stored label: `{"name", "colour"}`, or a name alone."""
    about = entry if isinstance(entry, dict) else {"name": entry}
    colour = about.get("colour")
    if not isinstance(colour, int) or not 0 < colour <= COLOURS:
        colour = key
    return Label(one_line(str(about.get("name") or "")), colour)


def store(workspace: Workspace, labels: Sequence[Label]) -> None:
    """Remember labels by key. Raises NotSaved."""
    workspace.set_meta("labels", [asdict(label) for label in labels])


def colours(workspace: Workspace) -> dict[str, int]:
    """The colour of each named label."""
    return {label.name: label.colour for label in of(workspace) if label.name}

"""The labels on the keys 1 to 9: their names and colours, stored in the workspace."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from curator.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.workspace.workspace import Workspace

NAMES = ("good", "bad", "check", "hard", "tone", "facts", "style", "safety", "later")
"""The labels of a new workspace, by key."""
COLOURS = 9
"""The number of label colours: `label-1` to `label-9` of every theme (docs/themes.md)."""


@dataclass(frozen=True, slots=True)
class Label:
    """The label on a number key; an empty name for a key without a label."""

    name: str
    colour: int
    """1 to `COLOURS`."""


def labels_of(workspace: Workspace) -> tuple[Label, ...]:
    """The nine labels of a workspace, by key."""
    stored = workspace.meta("labels")
    entries = stored if isinstance(stored, list) and stored else NAMES
    labels = [_read(entry, key) for key, entry in enumerate(entries[:9], 1)]
    return (*labels, *(Label("", key) for key in range(len(labels) + 1, 10)))


def _read(entry: object, key: int) -> Label:
    """A label from its stored form: `{"name", "colour"}`, or just the name."""
    fields = entry if isinstance(entry, dict) else {"name": entry}
    colour = fields.get("colour")
    if not isinstance(colour, int) or not 0 < colour <= COLOURS:
        colour = key
    return Label(one_line(str(fields.get("name") or "")), colour)


def store_labels(workspace: Workspace, labels: Sequence[Label]) -> None:
    """Store the labels in the order of their keys. Raises NotSaved."""
    workspace.set_meta("labels", [asdict(label) for label in labels])


def colours_by_name(workspace: Workspace) -> dict[str, int]:
    """The colour of each named label."""
    return {label.name: label.colour for label in labels_of(workspace) if label.name}

"""`ListPlace`: cursor, query, order and pane size of the Data stage, stored for the next start."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from curator.errors import CuratorError

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

KEY = "ui.place"


@dataclass(frozen=True, slots=True)
class ListPlace:
    """Stored in the workspace itself, as its meta value `ui.place`."""

    example: int | None = None
    query: str = ""
    sort: str = ""
    descending: bool = False
    above: int = 0
    """Lines between the top of the list and the cursor."""
    share: int = 45
    """Percent of the width, in a narrow terminal of the height, that the list takes."""

    @classmethod
    def of(cls, workspace: Workspace) -> ListPlace:
        """The stored place; defaults for values that are missing or of the wrong type."""
        values = workspace.meta(KEY)
        if not isinstance(values, dict):
            return cls()
        default = cls()
        valid: dict[str, Any] = {}
        for field in fields(cls):
            value, usual = values.get(field.name), getattr(default, field.name)
            if isinstance(value, int if usual is None else type(usual)):
                valid[field.name] = value
        return cls(**valid)

    def store(self, workspace: Workspace) -> None:
        """Store it if it changed; does nothing in a read-only workspace or on a full disk."""
        if not workspace.read_only and ListPlace.of(workspace) != self:
            try:
                workspace.set_meta(KEY, asdict(self))
            except CuratorError:
                return

    def with_share(self, share: int) -> ListPlace:
        """The same place with another pane size."""
        return replace(self, share=share)

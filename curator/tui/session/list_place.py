"""Where one was in a workspace: cursor, query, sort, pane sizes; comes back after a restart."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from curator.errors import CuratorError

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

KEY = "ui.place"


@dataclass(frozen=True, slots=True)
class ListPlace:
    """Kept in the workspace itself."""

    example: int | None = None
    query: str = ""
    sort: str = ""
    descending: bool = False
    above: int = 0
    """Rows between the top of the list and the cursor."""
    share: int = 45
    """Percent of the room that the list has."""

    @classmethod
    def of(cls, workspace: Workspace) -> ListPlace:
        """The remembered place; the default one where nothing usable is remembered."""
        values = workspace.meta(KEY)
        if not isinstance(values, dict):
            return cls()
        default = cls()
        kept: dict[str, Any] = {}
        for field in fields(cls):
            value, usual = values.get(field.name), getattr(default, field.name)
            if isinstance(value, int if usual is None else type(usual)):
                kept[field.name] = value
        return cls(**kept)

    def store(self, workspace: Workspace) -> None:
        """Remember it; a read-only workspace or a full disk is no reason to complain here."""
        if not workspace.read_only and ListPlace.of(workspace) != self:
            try:
                workspace.set_meta(KEY, asdict(self))
            except CuratorError:
                return

    def with_share(self, share: int) -> ListPlace:
        """The same with another pane size."""
        return replace(self, share=share)

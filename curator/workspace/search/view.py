"""`View`: the examples that a query chose, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from curator.workspace.storage.example_order import position


@dataclass(frozen=True, slots=True)
class View:
    """The ids that a query chose, in the order of a sort."""

    ids: Sequence[int]
    query: str = ""
    sort: str = ""
    descending: bool = False
    ascending_ids: bool = field(default=False, repr=False)

    @property
    def total(self) -> int:
        """Number of examples."""
        return len(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, at: int) -> int:
        return self.ids[at]

    def position(self, example: int) -> int:
        """The index of an example, -1 where it is not in the view."""
        return position(self.ids, example, self.ascending_ids)

"""`View`: the examples that a query chose, in order."""

from __future__ import annotations

from bisect import bisect_right
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
    group_starts: Sequence[int] = field(default=(), repr=False)
    """In a view sorted by answer: the index at which each group of equal answers begins; otherwise empty."""

    @property
    def total(self) -> int:
        """Number of examples."""
        return len(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, at: int) -> int:
        return self.ids[at]

    def group_at(self, index: int) -> range:
        """The indices of the examples with the answer of the one at an index; empty where nothing is grouped."""
        group = bisect_right(self.group_starts, index) - 1
        if not 0 <= index < len(self.ids) or group < 0:
            return range(0)
        is_last = group + 1 == len(self.group_starts)
        return range(self.group_starts[group], len(self.ids) if is_last else self.group_starts[group + 1])

    def position(self, example: int) -> int:
        """The index of an example, -1 where it is not in the view."""
        return position(self.ids, example, self.ascending_ids)

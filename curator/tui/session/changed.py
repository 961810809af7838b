"""`Changed`: the message to every screen that names the examples that changed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Changed:
    """The ids of the examples that changed, None for all. An empty set: only counts and other sums changed."""

    ids: frozenset[int] | None = None
    order: bool = True
    """Whether examples were added, deleted or moved, so that lists have to be made again."""

    def joined(self, later: Changed) -> Changed:
        """One message that stands for this one and a later one."""
        both = None if self.ids is None or later.ids is None else self.ids | later.ids
        return Changed(both, self.order or later.order)

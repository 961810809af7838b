"""Which examples are selected: some ids, or everything in the view but some ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Selection:
    """Selecting a million costs nothing: "all" is a flag with exceptions, a running range two indexes."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._all = False
        self.anchor: int | None = None
        """Index in the view where a running range began."""

    def clear(self) -> None:
        """Select nothing."""
        self._ids.clear()
        self._all = False
        self.anchor = None

    def select_all(self) -> None:
        """Select everything in the view."""
        self.clear()
        self._all = True

    def toggle(self, example: int) -> None:
        """Select an example, or release it."""
        self._ids.symmetric_difference_update((example,))

    def add(self, examples: Iterable[int]) -> None:
        """Select these too."""
        if self._all:
            self._ids.difference_update(examples)
        else:
            self._ids.update(examples)

    def holds(self, example: int, index: int, cursor: int) -> bool:
        """Whether the example at `index` is selected, a range running to `cursor` included."""
        if self.anchor is not None and min(self.anchor, cursor) <= index <= max(self.anchor, cursor):
            return True
        return (example in self._ids) is not self._all

    def end_range(self, ids: Sequence[int], cursor: int) -> None:
        """Take a running range in."""
        if self.anchor is not None:
            low, high = sorted((self.anchor, cursor))
            self.anchor = None
            self.add(ids[low : high + 1])

    def count(self, ids: Sequence[int], cursor: int) -> int:
        """How many of the view's examples are selected, a running range included."""
        chosen = len(ids) - len(self._ids) if self._all else len(self._ids)
        if self.anchor is not None:
            low, high = sorted((self.anchor, cursor))
            chosen += sum((example in self._ids) is self._all for example in ids[low : high + 1])
        return chosen

    def among(self, ids: Sequence[int]) -> list[int]:
        """The selected ids, in the view's order."""
        if not self._all and len(self._ids) == 1:
            return list(self._ids)
        return [example for example in ids if (example in self._ids) is not self._all]

    def __bool__(self) -> bool:
        return bool(self._all or self._ids or self.anchor is not None)

"""`Selection`: the selected examples of a list, as a set of ids or as all ids of the view except a set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Selection:
    """Selecting all of a million examples costs nothing: it is a flag with exceptions, a range two indexes."""

    def __init__(self) -> None:
        self._ids: set[int] = set()
        """The selected ids; with `_all` those that are not selected."""
        self._all = False
        self.anchor: int | None = None
        """Index in the view where the range that is being selected starts; None while there is none."""

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
        """Select an example, or deselect it."""
        self._ids.symmetric_difference_update((example,))

    def add(self, examples: Iterable[int]) -> None:
        """Select these too."""
        if self._all:
            self._ids.difference_update(examples)
        else:
            self._ids.update(examples)

    def holds(self, example: int, index: int, cursor: int) -> bool:
        """Whether the example at `index` is selected, or in the range from the anchor to `cursor`."""
        if self.anchor is not None and min(self.anchor, cursor) <= index <= max(self.anchor, cursor):
            return True
        return (example in self._ids) is not self._all

    def end_range(self, ids: Sequence[int], cursor: int) -> None:
        """Select the range from the anchor to `cursor`, if there is an anchor, and forget the anchor."""
        if self.anchor is not None:
            low, high = sorted((self.anchor, cursor))
            self.anchor = None
            self.add(ids[low : high + 1])

    def count(self, ids: Sequence[int], cursor: int) -> int:
        """How many of the view's examples are selected, those in the range up to `cursor` included."""
        count = len(ids) - len(self._ids) if self._all else len(self._ids)
        if self.anchor is not None:
            low, high = sorted((self.anchor, cursor))
            count += sum((example in self._ids) is self._all for example in ids[low : high + 1])
        return count

    def among(self, ids: Sequence[int]) -> list[int]:
        """The selected ids, in the view's order."""
        if not self._all and len(self._ids) == 1:
            return list(self._ids)
        return [example for example in ids if (example in self._ids) is not self._all]

    def __bool__(self) -> bool:
        return bool(self._all or self._ids or self.anchor is not None)

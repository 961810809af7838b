"""A sequence of ids stored as one byte for each possible id, which is how a filter finds them."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import compress, islice
from typing import overload

PAGE = 1024
"""Ids a page. The number of ids before each page is stored, so that the n-th id is searched in one page."""


class IdMask(Sequence[int]):
    """The ids whose byte in the mask is 1, ascending; all other bytes are 0."""

    def __init__(self, mask: bytearray) -> None:
        self._mask = mask
        self._before = [0]
        """How many ids of the sequence lie before each page; the last entry is the total."""
        total = 0
        for start in range(0, len(mask), PAGE):
            total += int.from_bytes(mask[start : start + PAGE], "little").bit_count()
            self._before.append(total)

    def __len__(self) -> int:
        return self._before[-1]

    @overload
    def __getitem__(self, at: int) -> int: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[int]: ...
    def __getitem__(self, at: int | slice) -> int | Sequence[int]:
        if isinstance(at, slice):
            start, stop, step = at.indices(len(self))
            if step == 1:
                return array("q", islice(self._from(start), max(0, stop - start)))
            return array("q", self)[at]
        index = at + len(self) if at < 0 else at
        if not 0 <= index < len(self):
            raise IndexError(at)
        return next(self._from(index))

    def __iter__(self) -> Iterator[int]:
        return compress(range(len(self._mask)), self._mask)

    def __contains__(self, example: object) -> bool:
        return isinstance(example, int) and 0 <= example < len(self._mask) and bool(self._mask[example])

    def index(self, value: object, start: int = 0, stop: int | None = None) -> int:
        """The index of an id. Raises ValueError where it is absent."""
        at = self.position(value) if isinstance(value, int) else -1
        if at < start or (stop is not None and at >= stop):
            raise ValueError(f"{value!r} is not chosen")
        return at

    def position(self, example: int) -> int:
        """The index of an id, -1 where it is absent."""
        if example not in self:
            return -1
        page = example // PAGE
        return self._before[page] + self._mask.count(1, page * PAGE, example)

    def _from(self, index: int) -> Iterator[int]:
        """The ids from an index on."""
        page = bisect_right(self._before, index) - 1
        inside = range(page * PAGE, len(self._mask))
        return islice(compress(inside, memoryview(self._mask)[page * PAGE :]), index - self._before[page], None)

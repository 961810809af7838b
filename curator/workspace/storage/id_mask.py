"""Ids that a filter chose, kept as it found them, one byte a possible id: quick to make at any size."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import compress, islice
from typing import overload

PAGE = 1024
"""Ids counted together: what is looked through to find the n-th."""


class IdMask(Sequence[int]):
    """The ids whose byte is 1, ascending; the others are 0."""

    def __init__(self, mask: bytearray) -> None:
        self._mask = mask
        self._before = [0]
        """How many are chosen before each page, and in all."""
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
        """Where an id stands. Raises ValueError where it does not."""
        at = self.position(value) if isinstance(value, int) else -1
        if at < start or (stop is not None and at >= stop):
            raise ValueError(f"{value!r} is not chosen")
        return at

    def position(self, example: int) -> int:
        """Where an id stands, -1 where it does not."""
        if example not in self:
            return -1
        page = example // PAGE
        return self._before[page] + self._mask.count(1, page * PAGE, example)

    def _from(self, index: int) -> Iterator[int]:
        """The ids from the one at an index on."""
        page = bisect_right(self._before, index) - 1
        inside = range(page * PAGE, len(self._mask))
        return islice(compress(inside, memoryview(self._mask)[page * PAGE :]), index - self._before[page], None)

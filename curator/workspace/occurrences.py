"""In which lines of a block a word occurs, ignoring the case of ASCII letters: in numpy, many bytes a step.

The property test that holds `search` to the meaning of a query searches this way too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Truths = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]

_CASE = 32
"""The bit that an ASCII letter's cases differ in."""
_COMMON = b' etaoinsr"hldcu,mpgyfbwv.:k{}[]'
"""Bytes of JSON text, the most common first; what is not among them is rare."""
_TOGETHER = 3
"""Bytes of a word that are compared everywhere; the others only where those agree."""
_BACKSLASH, _U = b"\\u"


class Finder:
    """Takes one block after another; its buffers are used again, for fresh memory costs as much as the search."""

    def __init__(self) -> None:
        self._room = np.empty((3, 0), np.uint8)

    def take(self, block: bytes, offsets: Sequence[int]) -> None:
        """The next block: whole lines. `offsets`: where each starts in the file, and where the last one ends."""
        self.data: Bytes = np.frombuffer(block, np.uint8)
        size = len(block)
        if size > self._room.shape[1]:
            self._room = np.empty((3, size + size // 8), np.uint8)
        self._folded: Bytes = np.bitwise_or(self.data, _CASE, out=self._room[0, :size])
        ends = np.frombuffer(offsets, np.uint64).astype(np.intp)  # type: ignore[call-overload]
        self.starts: Places = ends - ends[0]

    def seen(self, word: bytes, plain: bytes | bytearray, first: int) -> tuple[list[int], list[int]]:
        """Numbers of the lines (from `first`) with a word in lower case: where `plain` is 1 and no escape reaches
        into the word, and the others."""
        lines, at = self._lines(word)
        sure = np.frombuffer(plain, np.uint8)[lines] == 1
        sure &= ~self._escaped(at)
        return (lines[sure] + first).tolist(), (lines[~sure] + first).tolist()

    def _lines(self, word: bytes) -> tuple[Places, Places]:
        """Indexes of the lines with a word, and where it first stands in each."""
        at = self._places(word, self._folded)
        if not len(at):
            return at, at
        index = np.searchsorted(at, self.starts[:-1])
        first = at[np.minimum(index, len(at) - 1)]
        lines = np.flatnonzero((index < len(at)) & (first < self.starts[1:]))
        return lines, first[lines]

    def signs(self, sign: bytes, digits: bytes) -> list[int]:
        """Where one of `digits` (none given: anything) follows a sign, exactly as spelled."""
        at = self._places(sign, self.data)
        if digits and len(at):
            after = self.data[np.minimum(at + len(sign), len(self.data) - 1)]
            at = at[np.isin(after, np.frombuffer(digits, np.uint8))]
        return [int(place) for place in at]

    def _escaped(self, at: Places) -> Truths:
        """Where an escape may reach into what stands at `at`: its first byte would be no letter of the text."""
        data = self.data
        found: Truths = data[np.maximum(at - 1, 0)] == _BACKSLASH
        for back in (2, 3, 4, 5):
            sign = np.maximum(at - back, 0)
            found |= (data[sign] == _BACKSLASH) & (data[sign + 1] == _U)
        return found

    def _places(self, word: bytes, letters: Bytes) -> Places:
        """Where a word stands; `letters` is what its letters are compared with."""
        size = len(self.data) - len(word) + 1
        if size <= 0:
            return np.empty(0, np.intp)
        order = sorted(range(len(word)), key=lambda place: _COMMON.find(word[place]) % 100, reverse=True)
        found: Any = self._room[1, :size].view(np.bool_)
        also: Any = self._room[2, :size].view(np.bool_)
        np.equal(self._side(word[order[0]], letters)[order[0] : order[0] + size], word[order[0]], out=found)
        together = _TOGETHER if word[order[0]] in _COMMON else 1
        for place in order[1:together]:
            np.equal(self._side(word[place], letters)[place : place + size], word[place], out=also)
            np.logical_and(found, also, out=found)
        at: Places = np.flatnonzero(found)
        for place in order[together:]:
            if not len(at):
                break
            at = at[self._side(word[place], letters)[at + place] == word[place]]
        return at

    def _side(self, byte: int, letters: Bytes) -> Bytes:
        return letters if 97 <= byte <= 122 else self.data

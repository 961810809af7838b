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
_ONES = np.uint64(0x0101010101010101)
_BACKSLASHES = _ONES * np.uint64(_BACKSLASH)
_LAST_FIVE = np.uint64(0x8080808080000000)
SKIPPED, NEAR = 24, 192
"""Where a very common word is looked for first: so many bytes of a line, behind those that no text stands in."""
FAR = 0.1
"""It is no such word where more than this share of the lines have it elsewhere."""


class Finder:
    """Takes one block after another; its buffers are used again, for fresh memory costs as much as the search."""

    def __init__(self) -> None:
        self._room = np.empty((3, 0), np.uint8)
        self._near: bool | None = None
        """Whether nearly all lines have the word near their start; None until there was a block that may tell."""

    def wanted(self, size: int) -> int:
        """The bytes of the next block, usually `size`: more where little is done with most of them."""
        return 2 * size if self._near else size

    def take(self, block: bytes, offsets: Sequence[int]) -> None:
        """The next block: whole lines. `offsets`: where each starts in the file, and where the last one ends."""
        self.block = block
        self.data: Bytes = np.frombuffer(block, np.uint8)
        ends = np.frombuffer(offsets, np.uint64).astype(np.intp)  # type: ignore[call-overload]
        self.starts: Places = ends - ends[0]

    def seen(self, word: bytes, plain: bytes | bytearray) -> tuple[bytearray, dict[int, int]]:
        """One byte a line, 1 where a word in lower case is for sure: `plain` is 1 and no escape reaches into it.

        And the indexes of the other lines that have it, with where it first stands in each.
        """
        sure = np.frombuffer(plain, np.uint8)
        if self._near and word.isalpha() and len(word) < NEAR:
            found = self._near_start(word, sure)
            left: Places = np.flatnonzero(found == 0)
            self._near = _nearly_all(found, sure)
            data, starts = self._cut(left)
        else:
            found, left = np.zeros(len(plain), np.uint8), np.arange(len(plain))
            data, starts = self.data, self.starts
        lines, at = self._lines(word, data, starts)
        known = sure[left[lines]] == 1
        known &= ~_escaped(data, at)
        found[left[lines[known]]] = 1
        unsure, places = left[lines[~known]], (at - starts[lines])[~known]
        if self._near is None:
            self._near = _nearly_all(found, sure) or None
        return bytearray(found), dict(zip(unsure.tolist(), places.tolist(), strict=True))

    def _near_start(self, word: bytes, plain: Bytes) -> Bytes:
        """1 for each plain line that has a word of letters near its start, with no escape close before it."""
        found = np.zeros(len(plain), np.uint8)
        long = np.flatnonzero((plain == 1) & (np.diff(self.starts) > SKIPPED + NEAR))
        if not len(long):
            return found
        shape = (len(self.data) - NEAR + 1,)
        every: Any = np.ndarray(shape, f"V{NEAR}", self.block, strides=(1,))
        rows = every[self.starts[long] + SKIPPED].view(np.uint8).reshape(-1, NEAR)
        np.bitwise_or(rows, _CASE, out=rows)
        rows[:, -1] = 0  # no word reaches from one row into the next
        letters = rows.reshape(-1)
        self._reserve(len(letters))
        here, also = (self._room[row, : len(letters)].view(np.bool_) for row in (1, 2))
        size = len(letters) - len(word) + 1
        here[size:] = False
        np.equal(letters[:size], word[0], out=here[:size])
        for place, letter in enumerate(word[1:], 1):
            np.equal(letters[place : place + size], letter, out=also[:size])
            np.logical_and(here[:size], also[:size], out=here[:size])
        first = here.reshape(-1, NEAR).argmax(axis=1)
        has = here[np.arange(0, len(letters), NEAR) + first]
        found[long] = has & ~self._signs_before(self.starts[long] + SKIPPED + first)
        return found

    def _signs_before(self, at: Places) -> Truths:
        """Where one of the five bytes before a place may be a backslash: no place is among the first eight."""
        every: Any = np.ndarray((len(self.data) - 7,), "<u8", self.block, strides=(1,))
        signs = every[at - 8] ^ _BACKSLASHES  # a byte that is 0 borrows from its highest bit
        found: Truths = ((signs - _ONES) & ~signs & _LAST_FIVE) != 0
        return found

    def _cut(self, lines: Places) -> tuple[Bytes, Places]:
        """Some lines of the block, joined, and where each of them starts and the last one ends."""
        starts, ends = self.starts[lines], self.starts[lines + 1]
        joined = b"".join([self.block[at:end] for at, end in zip(starts.tolist(), ends.tolist(), strict=True)])
        return np.frombuffer(joined, np.uint8), np.concatenate(([0], np.cumsum(ends - starts)))

    def _reserve(self, size: int) -> None:
        if size > self._room.shape[1]:
            self._room = np.empty((3, size + size // 8), np.uint8)

    def _lines(self, word: bytes, data: Bytes, starts: Places) -> tuple[Places, Places]:
        """Indexes of the lines with a word, and where it first stands in each."""
        at = self._places(word, data, fold=True)
        if not len(at):
            return at, at
        index = np.searchsorted(at, starts[:-1])
        first = at[np.minimum(index, len(at) - 1)]
        lines = np.flatnonzero((index < len(at)) & (first < starts[1:]))
        return lines, first[lines]

    def signs(self, sign: bytes, digits: bytes) -> list[int]:
        """Where one of `digits` (none given: anything) follows a sign, exactly as spelled."""
        at = self._places(sign, self.data, fold=False)
        if digits and len(at):
            after = self.data[np.minimum(at + len(sign), len(self.data) - 1)]
            at = at[np.isin(after, np.frombuffer(digits, np.uint8))]
        return [int(place) for place in at]

    def _places(self, word: bytes, data: Bytes, *, fold: bool) -> Places:
        """Where a word stands in some bytes; `fold`: whatever the case of their letters."""
        size = len(data) - len(word) + 1
        if size <= 0:
            return np.empty(0, np.intp)
        self._reserve(len(data))
        letters = np.bitwise_or(data, _CASE, out=self._room[0, : len(data)]) if fold else data
        sides = [letters if 97 <= byte <= 122 else data for byte in word]
        order = sorted(range(len(word)), key=lambda place: _COMMON.find(word[place]) % 100, reverse=True)
        found: Any = self._room[1, :size].view(np.bool_)
        also: Any = self._room[2, :size].view(np.bool_)
        np.equal(sides[order[0]][order[0] : order[0] + size], word[order[0]], out=found)
        together = _TOGETHER if word[order[0]] in _COMMON else 1
        for place in order[1:together]:
            np.equal(sides[place][place : place + size], word[place], out=also)
            np.logical_and(found, also, out=found)
        at: Places = np.flatnonzero(found)
        for place in order[together:]:
            if not len(at):
                break
            at = at[sides[place][at + place] == word[place]]
        return at


def _nearly_all(found: Bytes, plain: Bytes) -> bool:
    """Whether most lines are plain and nearly all of those have the word."""
    most = int(np.count_nonzero(plain))
    return 2 * most > len(plain) and int(np.count_nonzero(found)) >= (1 - FAR) * most


def _escaped(data: Bytes, at: Places) -> Truths:
    """Where an escape may reach into what stands at `at`: its first byte would be no letter of the text."""
    found: Truths = data[np.maximum(at - 1, 0)] == _BACKSLASH
    for back in (2, 3, 4, 5):
        sign = np.maximum(at - back, 0)
        found |= (data[sign] == _BACKSLASH) & (data[sign + 1] == _U)
    return found

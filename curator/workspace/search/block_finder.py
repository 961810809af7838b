"""In which lines of a block a word occurs, ignoring the case of ASCII letters: in numpy, many bytes a step.

The property test that holds `search` to the meaning of a query searches this way too.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from curator.workspace.analysis.flag_columns import QUOTES
from curator.workspace.search.message_text import is_content
from curator.workspace.storage.line_file import Block

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
_HEX = b"0123456789abcdef"
_ONES = np.uint64(0x0101010101010101)
_BACKSLASHES = _ONES * np.uint64(_BACKSLASH)
_FOUR = np.uint64(0x0080808080000000)
SKIPPED, NEAR = 24, 192
"""Where a common word is looked for first: so many bytes of a line (a multiple of eight), behind those that no
text stands in."""
OFTEN = 0.4
"""A word is common where so many of the lines have it, and as long as so many have it there."""
NEARLY_ALL = 0.9
"""Where so many have it, little is done with the rest of the lines, and a block may be large."""
ONE_BY_ONE = 48
"""Up to so many lines of a block are searched each by itself."""


class Finder:
    """Takes one block after another; its buffers are used again, for fresh memory costs as much as the search."""

    def __init__(self) -> None:
        self._room = np.empty((3, 0), np.uint8)
        self._near: float | None = None
        """The share of lines with the word near their start, 0 where it is small; None where nobody looked yet."""

    def wanted(self, size: int) -> int:
        """The bytes of the next block, usually `size`: more where little is done with most of them."""
        return size if not self._near else 12 * size if self._near >= NEARLY_ALL else 2 * size

    def take(self, block: Block, base: int, offsets: Sequence[int]) -> None:
        """The next block: its lines, maybe behind other bytes, and where in the file it begins.

        `offsets`: where each line starts in the file, and where the last one ends.
        """
        self.block = block
        self.data: Bytes = np.frombuffer(block, np.uint8)
        ends = np.frombuffer(offsets, np.int64)  # type: ignore[call-overload]
        self.starts: Places = (ends - base).astype(np.intp, copy=False)

    def seen(self, word: bytes, plain: bytes | bytearray, opens: bytes | bytearray) -> tuple[bytearray, list[int]]:
        """One byte a line, 1 where a word in lower case is said for sure: no escape reaches into it, and `plain`
        is 1, or `opens` is and it stands in such a content. And the indexes of the other lines that have it.
        """
        self._plain, self._opens = np.frombuffer(plain, np.bool_), np.frombuffer(opens, np.bool_)
        size = len(plain)
        if self._near and word.isalpha() and len(word) < NEAR <= len(self.data):
            found, unsure = self._near_start(word)
            asked = found.copy()
            asked[unsure] = True
            near = int(np.count_nonzero(asked)) / size
            self._near = near if near >= OFTEN else 0
            lines, at = self._lines_of(word, np.flatnonzero(~asked))
        else:
            found, unsure = np.zeros(size, np.bool_), []
            lines, at = self._lines(word, self.data, self.starts)
            if self._near is None and len(lines) >= OFTEN * size:
                self._near = OFTEN  # at most; the next block tells
        unsure += self._tell(word, lines, at, found)
        return bytearray(found), unsure

    def _near_start(self, word: bytes) -> tuple[Truths, list[int]]:
        """Where a word of letters is said for sure near a line's start, and lines that have it there in doubt."""
        begins = self.starts[:-1] + SKIPPED
        long = self.starts[1:] - begins > NEAR
        np.minimum(begins, len(self.data) - NEAR, out=begins)
        every: Any = np.ndarray((len(self.data) - NEAR + 1,), f"V{NEAR}", self.block, strides=(1,))
        rows = every[begins].view(np.uint8).reshape(-1, NEAR)
        np.bitwise_or(rows, _CASE, out=rows)
        rows[:, -1] = 0  # no word reaches from one row into the next
        has = self._unescaped(word, rows.reshape(-1)).reshape(-1, NEAR)
        hit = np.bitwise_or.reduce(has.view(np.uint64), axis=1) > 0
        hit &= long
        found: Truths = hit & self._plain
        begun = np.flatnonzero(hit & self._opens & ~found)
        said = self._in_contents(begun, begins[begun] + has[begun].argmax(axis=1))
        found[begun[said]] = True
        return found, begun[~said].tolist()

    def _unescaped(self, word: bytes, letters: Bytes) -> Truths:
        """Where a word begins in rows of small letters, no backslash so close before it that it may be cut."""
        self._reserve(len(letters))
        here, also = (self._room[row, : len(letters)].view(np.bool_) for row in (0, 1))
        size = len(letters) - len(word) + 1
        here[size:] = False
        np.equal(letters[:size], word[0], out=here[:size])
        for place, letter in enumerate(word[1:], 1):
            np.equal(letters[place : place + size], letter, out=also[:size])
            np.logical_and(here[:size], also[:size], out=here[:size])
        np.equal(letters, _BACKSLASH | _CASE, out=also)
        reach = 5 if word[0] in _HEX else 1
        for back in range(1, reach + 1):
            np.greater(here[back:], also[:-back], out=here[back:])
        here.reshape(-1, NEAR)[:, :reach] = False  # what is before these is not in the row
        return here

    def _in_contents(self, lines: Places, at: Places) -> Truths:
        """Which of some lines that begin with contents have in one of those what stands at these places."""
        before = list(map(self.block.__getitem__, map(slice, self.starts[lines].tolist(), at.tolist())))
        quotes = zip(map(bytes.count, before, repeat(b'"')), before, strict=True)
        return np.array([n == QUOTES or is_content(text) for n, text in quotes], np.bool_)

    def _tell(self, word: bytes, lines: Places, at: Places, found: Truths) -> list[int]:
        """Mark as found those of some lines that say for sure what they have at some places; get the others."""
        if not len(lines):
            return []
        free = ~self._escaped(at, word)
        sure = free & self._plain[lines]
        begun = np.flatnonzero(free & self._opens[lines] & ~sure)
        if len(begun):
            sure[begun] = self._in_contents(lines[begun], at[begun])
        found[lines[sure]] = True
        others: list[int] = lines[~sure].tolist()
        return others

    def _lines_of(self, word: bytes, lines: Places) -> tuple[Places, Places]:
        """Which of some lines have a word, and where it first stands in each."""
        starts, ends = self.starts[lines], self.starts[lines + 1]
        spans: tuple[list[int], list[int]] = starts.tolist(), ends.tolist()
        if len(lines) > ONE_BY_ONE:
            joined = b"".join(map(self.block.__getitem__, map(slice, *spans)))
            begins = np.concatenate(([0], np.cumsum(ends - starts)))
            some, at = self._lines(word, np.frombuffer(joined, np.uint8), begins)
            return lines[some], at - begins[some] + starts[some]
        places: list[int] = list(map(self.block.find, repeat(word), *spans))
        for index, (start, end) in enumerate(zip(*spans, strict=True)):
            if places[index] < 0:
                place = self.block[start:end].lower().find(word)
                places[index] = start + place if place >= 0 else -1
        found = np.array(places, np.intp)
        has = found >= 0
        return lines[has], found[has]

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

    def _escaped(self, at: Places, word: bytes) -> Truths:
        """Where an escape may reach into a word at some places: its first byte would be no letter of the text."""
        found: Truths = self.data[np.maximum(at - 1, 0)] == _BACKSLASH
        if word[0] not in _HEX:
            return found
        if len(self.data) < 8:
            return found | True
        every: Any = np.ndarray((len(self.data) - 7,), "<u8", self.block, strides=(1,))
        signs = every[np.maximum(at - 8, 0)] ^ _BACKSLASHES  # a byte that is 0 borrows from its highest bit
        close = np.flatnonzero((((signs - _ONES) & ~signs & _FOUR) != 0) | (at < 8))
        for back in (2, 3, 4, 5):
            sign = np.maximum(at[close] - back, 0)
            found[close] |= (self.data[sign] == _BACKSLASH) & (self.data[sign + 1] == _U)
        return found

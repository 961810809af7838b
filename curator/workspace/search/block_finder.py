"""Finds the lines of a block in which a word occurs, ignoring the case of ASCII letters; numpy, many bytes a step.

`text_scan` uses it for large files, and tells it of which lines the bytes alone decide. A property test
(tests/workspace/test_views.py) compares the results with those of parsing each example.
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
"""The bit in which the two cases of an ASCII letter differ."""
_COMMON = b' etaoinsr"hldcu,mpgyfbwv.:k{}[]'
"""Frequent bytes of JSON text, the most frequent first; all others are rare."""
_BYTES_EVERYWHERE = 3
"""How many bytes of a word are compared at every place; the others only where those match."""
_BACKSLASH, _U = b"\\u"
_HEX = b"0123456789abcdef"
_ONES = np.uint64(0x0101010101010101)
_BACKSLASHES = _ONES * np.uint64(_BACKSLASH)
_FOUR = np.uint64(0x0080808080000000)
SKIPPED, NEAR = 24, 192
"""A common word is searched in bytes 24 to 216 of each line first: before 24 there is only JSON syntax. Both are
multiples of 8."""
OFTEN = 0.4
"""A word is common where this share of the lines has it, and stays so while this share has it near the start."""
NEARLY_ALL = 0.9
"""Where this share has it near the start, few lines are searched as a whole, and a block may be larger."""
ONE_BY_ONE = 48
"""Up to this number of lines are searched one by one."""


class Finder:
    """Searches one block after another; its buffers are reused, as new memory costs as much time as the search."""

    def __init__(self) -> None:
        self._buffers = np.empty((3, 0), np.uint8)
        self._near: float | None = None
        """The share of lines with the word near their start, 0 if below `OFTEN`; None before the first block."""

    def block_size(self, size: int) -> int:
        """Bytes that the next block should have: `size`, or more where most lines are searched in part only."""
        return size if not self._near else 12 * size if self._near >= NEARLY_ALL else 2 * size

    def take(self, block: Block, base: int, offsets: Sequence[int]) -> None:
        """Set the block to search: bytes from offset `base` of the file on, which may begin before the first line.

        `offsets`: where in the file each line starts, and where the last one ends.
        """
        self.block = block
        self.data: Bytes = np.frombuffer(block, np.uint8)
        ends = np.frombuffer(offsets, np.int64)  # type: ignore[call-overload]
        self.starts: Places = (ends - base).astype(np.intp, copy=False)

    def find(self, word: bytes, plain: bytes | bytearray, opens: bytes | bytearray) -> tuple[bytearray, list[int]]:
        """(one byte a line, 1 where a message text certainly has a lower-case word; indexes of uncertain lines).

        A line is certain where no escape reaches into the word, and either its byte in `plain` is 1, or its byte
        in `opens` is and the word stands in one of the contents that the line begins with. An uncertain line has
        the word's bytes, but maybe not in a message text.
        """
        self._plain, self._opens = np.frombuffer(plain, np.bool_), np.frombuffer(opens, np.bool_)
        size = len(plain)
        if self._near and word.isalpha() and len(word) < NEAR <= len(self.data):
            certain, uncertain = self._near_start(word)
            searched = certain.copy()
            searched[uncertain] = True
            near = int(np.count_nonzero(searched)) / size
            self._near = near if near >= OFTEN else 0
            lines, at = self._lines_of(word, np.flatnonzero(~searched))
        else:
            certain, uncertain = np.zeros(size, np.bool_), []
            lines, at = self._lines(word, self.data, self.starts)
            if self._near is None and len(lines) >= OFTEN * size:
                self._near = OFTEN  # a guess; the next block measures it
        uncertain += self._mark_certain(word, lines, at, certain)
        return bytearray(certain), uncertain

    def _near_start(self, word: bytes) -> tuple[Truths, list[int]]:
        """As `find`, for a word of letters near the start of the lines."""
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
        certain: Truths = hit & self._plain
        opening = np.flatnonzero(hit & self._opens & ~certain)
        in_content = self._in_contents(opening, begins[opening] + has[opening].argmax(axis=1))
        certain[opening[in_content]] = True
        return certain, opening[~in_content].tolist()

    def _unescaped(self, word: bytes, letters: Bytes) -> Truths:
        """Where a word begins in rows of lower-case bytes, unless a backslash before it may be of an escape."""
        self._reserve(len(letters))
        here, also = (self._buffers[row, : len(letters)].view(np.bool_) for row in (0, 1))
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
        here.reshape(-1, NEAR)[:, :reach] = False  # what precedes these bytes is not in the row
        return here

    def _in_contents(self, lines: Places, at: Places) -> Truths:
        """For lines that begin with message contents: whether a place in each lies in one of these contents."""
        before = list(map(self.block.__getitem__, map(slice, self.starts[lines].tolist(), at.tolist())))
        quotes = zip(map(bytes.count, before, repeat(b'"')), before, strict=True)
        return np.array([n == QUOTES or is_content(text) for n, text in quotes], np.bool_)

    def _mark_certain(self, word: bytes, lines: Places, at: Places, certain: Truths) -> list[int]:
        """Set `certain` for those of some lines whose word at a place is certain; return the others."""
        if not len(lines):
            return []
        free = ~self._escaped(at, word)
        sure = free & self._plain[lines]
        opening = np.flatnonzero(free & self._opens[lines] & ~sure)
        if len(opening):
            sure[opening] = self._in_contents(lines[opening], at[opening])
        certain[lines[sure]] = True
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
        first = np.array(places, np.intp)
        has = first >= 0
        return lines[has], first[has]

    def _reserve(self, size: int) -> None:
        if size > self._buffers.shape[1]:
            self._buffers = np.empty((3, size + size // 8), np.uint8)

    def _lines(self, word: bytes, data: Bytes, starts: Places) -> tuple[Places, Places]:
        """Indexes of the lines with a word, and where it first stands in each."""
        at = self._places(word, data, fold=True)
        if not len(at):
            return at, at
        index = np.searchsorted(at, starts[:-1])
        first = at[np.minimum(index, len(at) - 1)]
        lines = np.flatnonzero((index < len(at)) & (first < starts[1:]))
        return lines, first[lines]

    def sign_places(self, sign: bytes, digits: bytes) -> list[int]:
        """Where a byte of `digits` (empty: any byte) follows a sign, in exactly this spelling."""
        at = self._places(sign, self.data, fold=False)
        if digits and len(at):
            after = self.data[np.minimum(at + len(sign), len(self.data) - 1)]
            at = at[np.isin(after, np.frombuffer(digits, np.uint8))]
        return [int(place) for place in at]

    def _places(self, word: bytes, data: Bytes, *, fold: bool) -> Places:
        """Where a word stands in some bytes; with `fold` in any case of its letters."""
        size = len(data) - len(word) + 1
        if size <= 0:
            return np.empty(0, np.intp)
        self._reserve(len(data))
        letters = np.bitwise_or(data, _CASE, out=self._buffers[0, : len(data)]) if fold else data
        sides = [letters if 97 <= byte <= 122 else data for byte in word]
        order = sorted(range(len(word)), key=lambda place: _COMMON.find(word[place]) % 100, reverse=True)
        matches: Any = self._buffers[1, :size].view(np.bool_)
        also: Any = self._buffers[2, :size].view(np.bool_)
        np.equal(sides[order[0]][order[0] : order[0] + size], word[order[0]], out=matches)
        everywhere = _BYTES_EVERYWHERE if word[order[0]] in _COMMON else 1
        for place in order[1:everywhere]:
            np.equal(sides[place][place : place + size], word[place], out=also)
            np.logical_and(matches, also, out=matches)
        at: Places = np.flatnonzero(matches)
        for place in order[everywhere:]:
            if not len(at):
                break
            at = at[sides[place][at + place] == word[place]]
        return at

    def _escaped(self, at: Places, word: bytes) -> Truths:
        """At which of some places an escape may reach into the word, whose first byte is then no letter."""
        escaped: Truths = self.data[np.maximum(at - 1, 0)] == _BACKSLASH
        if word[0] not in _HEX:
            return escaped
        if len(self.data) < 8:
            return escaped | True
        every: Any = np.ndarray((len(self.data) - 7,), "<u8", self.block, strides=(1,))
        # zero bytes of 64 bits in one step: subtracting 1 from each borrows from its highest bit
        signs = every[np.maximum(at - 8, 0)] ^ _BACKSLASHES
        close = np.flatnonzero((((signs - _ONES) & ~signs & _FOUR) != 0) | (at < 8))
        for back in (2, 3, 4, 5):
            sign = np.maximum(at[close] - back, 0)
            escaped[close] |= (self.data[sign] == _BACKSLASH) & (self.data[sign + 1] == _U)
        return escaped

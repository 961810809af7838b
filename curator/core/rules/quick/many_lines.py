"""`byte_hints` for many lines at once: their bits, and the number of quotes, by a few NumPy passes over all bytes.

NumPy takes 0.1 s and some memory to load, so this is for large files, and callers import it late.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curator.core.rules.byte_hints import ESCAPED_MARKS, LEADS, MARKS, PHRASES, byte_bits
from curator.core.rules.has import Has

Places = NDArray[np.intp]

_TAG = b"\xf3"
"""The lead byte of tags, all of which rules report."""
_PAD = b"\n" * 16
"""Before and after all lines, so that every byte has neighbours."""
_SURE, _WIDE, _DIGIT, _ESCAPE, _FIRST_MARK = 1, 2, 3, 4, 5
_LETTERS = sorted({letter for letter, _, _ in MARKS} - {b"@"})
_KINDS = (
    *((_SURE, b"\x7f@" + _TAG), (_WIDE, LEADS.replace(_TAG, b"")), (_DIGIT, b"0123456789"), (_ESCAPE, b"\\")),
    *enumerate(_LETTERS, _FIRST_MARK),
)
_CLASSES = bytearray(256)
for _kind, _bytes in _KINDS:
    for _byte in _bytes:
        _CLASSES[_byte] = _kind
_QUOTE, _BACKSLASH = b'"\\'
_BETWEEN = np.zeros(256, bool)
_BETWEEN[list(b" ().-")] = True
_RARE = np.zeros(256, bool)
_RARE[list(b"bfu")] = True


class ManyLines:
    """Lines joined to one block of bytes."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.lines = lines
        self.block = b"".join((_PAD, *lines, _PAD))
        self.data = np.frombuffer(self.block, np.uint8)
        self._backslashes: Places | None = None

    def quotes(self) -> int | None:
        """The number of quotes that are not escaped; None where a backslash before a quote may itself be
        escaped."""
        data = self.data
        backslashes = self._backslashes if self._backslashes is not None else np.flatnonzero(data == _BACKSLASH)
        escaped = backslashes[data[backslashes + 1] == _QUOTE]
        if (data[escaped - 1] == _BACKSLASH).any():
            return None
        return int(np.count_nonzero(data == _QUOTE)) - len(escaped)

    def bits(self) -> list[int]:
        """The bits of each line as `byte_bits` gives them; some bits are left out where no rule has a finding."""
        line_bits = [0] * len(self.lines)
        wide, suspects = self._suspects()
        for at in wide:
            line_bits[at] = Has.WIDE
        for at in suspects:
            line_bits[at] = byte_bits(self.lines[at])
        return line_bits

    def _suspects(self) -> tuple[list[int], list[int]]:
        """The indexes of the lines with characters that must be checked, and of those that may have other bits."""
        data, lines = self.data, self.lines
        classes = np.frombuffer(self.block.translate(_CLASSES), np.uint8)
        at = _nonzero(classes)
        kinds = classes[at]
        self._backslashes = escapes = at[kinds == _ESCAPE]
        places = [at[kinds == _SURE], escapes[_RARE[data[escapes + 1]]], _long_numbers(at[kinds == _DIGIT], data)]
        places += [_occurrences_of(escapes, data, mark) for mark in ESCAPED_MARKS]
        for kind, letter in enumerate(_LETTERS, _FIRST_MARK):
            mine = at[kinds == kind]
            if len(mine):
                places += [
                    _occurrences_of(mine - where, data, mark) for rare, mark, where in MARKS if rare == letter
                ]
        pairs = np.frombuffer(self.block, "<u2", len(self.block) // 2)
        for phrase, *firsts in PHRASES:
            for first in firsts:
                number = np.uint16(int.from_bytes(phrase[first : first + 2], "little"))
                places.append(_occurrences_of(np.flatnonzero(pairs == number) * 2 - first, data, phrase))
        ends = np.cumsum(np.fromiter(map(len, lines), np.intp, len(lines))) + len(_PAD)
        return _lines_of_places(at[kinds == _WIDE], ends), _lines_of_places(np.concatenate(places), ends)


def _lines_of_places(places: Places, ends: Places) -> list[int]:
    """The indexes of the lines in which some offsets of the block lie."""
    inside = np.zeros(len(ends), bool)  # np.unique would load more of NumPy than all of this module
    inside[np.searchsorted(ends, places, "right")] = True
    line_numbers: list[int] = np.flatnonzero(inside).tolist()
    return line_numbers


def _long_numbers(digits: Places, data: NDArray[np.uint8]) -> Places:
    """The offsets at which eight digits begin with at most three separators between each two: rules report no
    number with fewer digits or more separators."""
    gaps = np.diff(digits)
    near = gaps <= 4
    for step in (1, 2, 3):
        near &= (gaps <= step) | _BETWEEN[data[digits[:-1] + step]]
    two = near[:-1] & near[1:]
    four = two[:-2] & two[2:]
    return digits[: max(len(four) - 3, 0)][four[:-3] & four[3:]]


def _occurrences_of(places: Places, data: NDArray[np.uint8], mark: bytes) -> Places:
    """The offsets among `places` at which a mark begins."""
    for at, byte in enumerate(mark):
        places = places[data[places + at] == byte]
        if not len(places):
            break
    return places


def _nonzero(classes: NDArray[np.uint8]) -> Places:
    """The offsets at which classes are not 0, found eight at a time, since there are few."""
    whole = len(classes) // 8 * 8
    eights = np.flatnonzero(classes[:whole].view(np.uint64))
    inside = np.flatnonzero(classes[:whole].reshape(-1, 8)[eights].view(bool))
    at: Places = eights[inside >> 3] * 8 + (inside & 7)
    return np.concatenate((at, np.flatnonzero(classes[whole:]) + whole))

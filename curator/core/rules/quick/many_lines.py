"""Many lines at once: what the bytes of each tell (`hints.byte_bits`), and whether a key may stand twice in any,
by a few passes over all their bytes.

NumPy takes a tenth of a second and some memory to load, so this is for large files; it is imported by its callers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curator.core.rules.byte_hints import LEADS, MARKS, PHRASES, byte_bits
from curator.core.rules.has import Has

Places = NDArray[np.intp]

_TAG = b"\xf3"
"""The one lead whose characters are all odd."""
_PAD = b"\n" * 16
"""Before and behind all lines, so that every byte has neighbours."""
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


class Together:
    """Some lines whose bytes lie in one piece."""

    def __init__(self, lines: Sequence[bytes]) -> None:
        self.lines = lines
        self.block = b"".join((_PAD, *lines, _PAD))
        self.data = np.frombuffer(self.block, np.uint8)
        self._backslashes: Places | None = None

    def quotes(self) -> int | None:
        """All quotes that no backslash escapes; None where a backslash before one may itself be escaped."""
        data = self.data
        backslashes = self._backslashes if self._backslashes is not None else np.flatnonzero(data == _BACKSLASH)
        escaped = backslashes[data[backslashes + 1] == _QUOTE]
        if (data[escaped - 1] == _BACKSLASH).any():
            return None
        return int(np.count_nonzero(data == _QUOTE)) - len(escaped)

    def bits(self) -> list[int]:
        """As `byte_bits` of each line, or less: 0 for one of whose bytes no rule on texts has anything to say."""
        found = [0] * len(self.lines)
        wide, suspects = self._suspects()
        for at in wide:
            found[at] = Has.WIDE
        for at in suspects:
            found[at] = byte_bits(self.lines[at])
        return found

    def _suspects(self) -> tuple[list[int], list[int]]:
        """The places of the lines with characters that may be odd, and of those that may have any bits."""
        data, lines = self.data, self.lines
        classes = np.frombuffer(self.block.translate(_CLASSES), np.uint8)
        at = _rare(classes)
        kinds = classes[at]
        self._backslashes = escapes = at[kinds == _ESCAPE]
        places = [at[kinds == _SURE], escapes[_RARE[data[escapes + 1]]], _numbers(at[kinds == _DIGIT], data)]
        for kind, letter in enumerate(_LETTERS, _FIRST_MARK):
            mine = at[kinds == kind]
            if len(mine):
                places += [_marked(mine - where, data, mark) for rare, mark, where in MARKS if rare == letter]
        pairs = np.frombuffer(self.block, "<u2", len(self.block) // 2)
        for phrase, *firsts in PHRASES:
            for first in firsts:
                number = np.uint16(int.from_bytes(phrase[first : first + 2], "little"))
                places.append(_marked(np.flatnonzero(pairs == number) * 2 - first, data, phrase))
        ends = np.cumsum(np.fromiter(map(len, lines), np.intp, len(lines))) + len(_PAD)
        return _lines(at[kinds == _WIDE], ends), _lines(np.concatenate(places), ends)


def _lines(places: Places, ends: Places) -> list[int]:
    """The lines in which some places are."""
    inside = np.zeros(len(ends), bool)  # np.unique would load more of numpy than everything here
    inside[np.searchsorted(ends, places, "right")] = True
    found: list[int] = np.flatnonzero(inside).tolist()
    return found


def _numbers(digits: Places, data: NDArray[np.uint8]) -> Places:
    """Where eight digits stand with nothing between them but up to three separators: no fewer are a number that
    rules mind, and there are no more separators in one."""
    gaps = np.diff(digits)
    near = gaps <= 4
    for step in (1, 2, 3):
        near &= (gaps <= step) | _BETWEEN[data[digits[:-1] + step]]
    two = near[:-1] & near[1:]
    four = two[:-2] & two[2:]
    return digits[: max(len(four) - 3, 0)][four[:-3] & four[3:]]


def _marked(places: Places, data: NDArray[np.uint8], mark: bytes) -> Places:
    """Those of some places at which a mark stands."""
    for at, byte in enumerate(mark):
        places = places[data[places + at] == byte]
        if not len(places):
            break
    return places


def _rare(classes: NDArray[np.uint8]) -> Places:
    """Where classes are not 0, of which there are few: eight are looked at together."""
    whole = len(classes) // 8 * 8
    eights = np.flatnonzero(classes[:whole].view(np.uint64))
    inside = np.flatnonzero(classes[:whole].reshape(-1, 8)[eights].view(bool))
    at: Places = eights[inside >> 3] * 8 + (inside & 7)
    return np.concatenate((at, np.flatnonzero(classes[whole:]) + whole))

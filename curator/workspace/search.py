"""Full-text search over the sources' bytes: what the bytes rule out is never parsed.

JSON may hide a letter behind an escape, and a few letters outside ASCII fold to ASCII ones; lines where that
is possible are parsed and asked. The result is exactly that of `Text.matches` on every example.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from curator.core.example import parse
from curator.core.query import Text
from curator.workspace.flags import FOLDING, HIDING, PLAIN, SIGNS, SOURCE, having
from curator.workspace.source import trim
from curator.workspace.stored import Base, Stored, batches

if TYPE_CHECKING:
    from curator.workspace.occurrences import Finder

BLOCK = 512 * 1024
"""Bytes a step: they stay in the processor's cache, and no call holds the interpreter for long."""
AT_ONCE = 8 * 1024 * 1024
"""Bytes of a source that are searched the plain way, before numpy is worth its loading."""
FEW = 0.05
"""Below this share of wanted examples they are read one by one instead of scanned."""
_SAFE_RUN = re.compile(r"[a-z0-9 !#$%&'()*+,\-.:;<=>?@\[\]^_`{|}~]+")
_PUNCTUATION = frozenset("{}[]:,")
_PLAIN = having(SOURCE | PLAIN, SOURCE | PLAIN)
_KNOWN = having(SOURCE, SOURCE)
_ODD = having(SOURCE | HIDING, SOURCE | HIDING)
_NEVER = bytes(256)
_FREE: AbstractContextManager[object] = nullcontext()
_STRUCTURE = "messages role content system developer user assistant tool function"


def scan(
    stored: Stored,
    text: Text,
    wanted: bytearray | None = None,
    states: bytearray | None = None,
    guard: AbstractContextManager[object] = _FREE,
) -> Iterator[list[int]]:
    """Ids of the examples (deleted ones too) that a text node matches; only those set in `wanted`, if given.

    They come in the order of the bytes, block by block, also where a block has none: a reader can show the first
    ones, or stop.

    `states` (see `flags`) tells of which ids the source's bytes hold text in contents only, where a hit needs no
    parsing, and of which they hide no letter. `guard` is held for moments only, around what asks the database:
    a long scan keeps nobody waiting.
    """
    with guard:
        rows = stored.db.execute("SELECT id FROM example WHERE raw IS NOT NULL ORDER BY id").fetchall()
    rewritten = [row[0] for row in rows]
    if wanted is not None and wanted.count(1) <= FEW * len(wanted):
        yield from _one_by_one(stored, text, [i for i in stored.order.all if wanted[i]], guard)
        return
    skip = set(rewritten)
    for base in stored.bases:
        if not base.hidden:
            for found in _Scan(base, text, wanted, states).matches():
                yield [i for i in found if i not in skip] if skip else found
    yield from _one_by_one(stored, text, [i for i in rewritten if wanted is None or wanted[i]], guard)


def _one_by_one(
    stored: Stored, text: Text, ids: list[int], guard: AbstractContextManager[object]
) -> Iterator[list[int]]:
    for part in batches(ids):
        with guard:
            raws = list(stored.raws(part))
        yield [example for example, raw in raws if text.matches(parse(raw))]


class _Scan:
    """One source searched block by block."""

    def __init__(self, base: Base, text: Text, wanted: bytearray | None, states: bytearray | None) -> None:
        self.base, self.text, self.wanted = base, text, wanted
        self.offsets: Sequence[int] = base.source.offsets
        self.needle = _needle(text)
        whole = self.needle is not None and text.role is None and self.needle.decode() == text.folded
        telling = text.folded not in _STRUCTURE and not set(text.folded) <= _PUNCTUATION
        end = base.first_id + base.source.lines
        mine = bytes(base.source.lines) if states is None else states[base.first_id : end]
        mine = mine.ljust(base.source.lines, b"\0")
        self.plain = mine.translate(_PLAIN if whole and telling else _NEVER)
        """One byte a line: 1 where a hit needs no parsing."""
        self.known = mine.translate(_KNOWN)
        """One byte a line: 1 where it is known whether its bytes hide a letter; `odd`: where they may."""
        self.odd = mine.translate(_ODD)
        self.hiding = [(sign, digits) for letter, sign, digits in SIGNS if letter in text.folded]
        self.hiding += [(sign, b"") for letter, sign in FOLDING if letter in text.folded]

    def matches(self) -> Iterator[list[int]]:
        """The ids of each block, in order."""
        large = None
        for first, block in self.base.source.blocks(BLOCK):
            if self.needle is None:
                yield self._all(first, block)
                continue
            if large is None and self.offsets[first] >= AT_ONCE:
                from curator.workspace.occurrences import Finder  # numpy, for large sources only

                large = Finder()
            yield self._hits(first, block, self.needle, large)

    def _all(self, first: int, block: bytes) -> list[int]:
        """Every line of a block is parsed: a regular expression, a fuzzy word, a word without ASCII."""
        numbers = range(first, self._end(first, block))
        return [self.base.first_id + number for number in numbers if self._asked(number, first, block)]

    def _end(self, first: int, block: bytes) -> int:
        """The number of the line behind a block's last."""
        return bisect_left(self.offsets, self.offsets[first] + len(block), first, len(self.offsets))

    def _hits(self, first: int, block: bytes, needle: bytes, large: Finder | None) -> list[int]:
        """The ids of a block, in order."""
        end = self._end(first, block)
        if large is None:
            lowered = block.lower()
            sure, unsure = self._seen(self._found(lowered, needle, first), lowered, first)
        else:
            large.take(block, self.offsets[first : end + 1])
            sure, unsure = large.seen(needle, self.plain[first:end], first)
        odd = set(self._odd(first, end, block, large)).difference(sure)
        lines = [number for number in {*unsure, *odd} if self._asked(number, first, block)]
        if self.wanted is not None:
            sure = [number for number in sure if self.wanted[self.base.first_id + number]]
        lines = sorted([*sure, *lines]) if lines else sure
        return [self.base.first_id + number for number in lines]

    def _found(self, lowered: bytes, needle: bytes, first: int) -> Iterator[tuple[int, int]]:
        """(number of a line with the needle, where in the block it first stands there)."""
        offsets, start = self.offsets, self.offsets[first]
        at = lowered.find(needle)
        while at >= 0:
            number = bisect_right(offsets, start + at, first, len(offsets)) - 1
            yield number, at
            at = lowered.find(needle, offsets[number + 1] - start)

    def _seen(self, found: Iterable[tuple[int, int]], lowered: bytes, first: int) -> tuple[list[int], list[int]]:
        """Lines that match for sure, and those to be asked."""
        sure: list[int] = []
        unsure: list[int] = []
        for number, at in found:
            escaped = b"\\" in lowered[max(at - 5, 0) : at]
            (sure if self.plain[number] and not escaped else unsure).append(number)
        return sure, unsure

    def _odd(self, first: int, end: int, block: bytes, large: Finder | None) -> Iterable[int]:
        """Lines whose bytes may hide the needle."""
        if self.known.find(0, first, end) < 0:
            at = self.odd.find(1, first, end)
            found = []
            while at >= 0:
                found.append(at)
                at = self.odd.find(1, at + 1, end)
            return found
        start = self.offsets[first]
        places = [at for sign, digits in self.hiding for at in _signs(block, sign, digits, large)]
        return {bisect_right(self.offsets, start + at, first, len(self.offsets)) - 1 for at in places}

    def _asked(self, number: int, first: int, block: bytes) -> bool:
        """Parse one line and ask the text node itself."""
        example = self.base.first_id + number
        if self.wanted is not None and not self.wanted[example]:
            return False
        start = self.offsets[first]
        raw = trim(block[self.offsets[number] - start : self.offsets[number + 1] - start], first=number == 0)
        return bool(raw.strip()) and self.text.matches(parse(raw))


def _signs(block: bytes, sign: bytes, digits: bytes, large: Finder | None) -> Iterable[int]:
    """Where one of `digits` (none given: anything) follows a sign."""
    if large is not None:
        return large.signs(sign, digits)
    places = [found.start() for found in re.finditer(re.escape(sign), block)]
    return [at for at in places if not digits or block[at + len(sign) : at + len(sign) + 1] in digits]


def _needle(text: Text) -> bytes | None:
    """Bytes that every match has in lower case, as far as escapes allow; None where there are no such bytes."""
    if text.kind != "word":
        return None
    runs = [run for found in _SAFE_RUN.findall(text.folded) for run in found.split(" ")]
    longest = max(runs, key=len, default="")
    return longest.encode() if longest else None

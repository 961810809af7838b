"""Full-text search over the sources' bytes: what the bytes rule out is never parsed.

JSON may hide a letter behind an escape, and a few letters outside ASCII fold to ASCII ones; lines where that
is possible are parsed and asked. The result is exactly that of `Text.matches` on every example.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from curator.core.example import parse
from curator.core.query import Text
from curator.workspace.source import trim
from curator.workspace.stored import Base, Stored, batches

BLOCK = 1024 * 1024
"""Bytes a step: no single call holds the interpreter for longer than a millisecond or two."""
FEW = 0.05
"""Below this share of wanted examples they are read one by one instead of scanned."""
_SAFE_RUN = re.compile(r"[a-z0-9 !#$%&'()*+,\-.:;<=>?@\[\]^_`{|}~]+")
_HIDING = (("", b"\\u00", b"234567"), ("k", b"\\u212", b"aA"), ("i", b"\\u0130", b""))
"""Escapes of letters that are, or fold to, ASCII: the letter (empty: any), the beginning, what may follow."""
_FOLDING = (("k", b"\xe2\x84\xaa"), ("i", b"\xc4\xb0"))
"""The Kelvin sign and the dotted capital I, whose lower case is an ASCII letter."""
_PUNCTUATION = frozenset("{}[]:,")
_FREE: AbstractContextManager[object] = nullcontext()
_STRUCTURE = "messages role content system developer user assistant tool function"


def scan(
    stored: Stored,
    text: Text,
    wanted: bytearray | None = None,
    plain: bytearray | None = None,
    guard: AbstractContextManager[object] = _FREE,
) -> Iterator[int]:
    """Ids of the examples (deleted ones too) that a text node matches; only those set in `wanted`, if given.

    `plain` tells for which ids the source's bytes hold text in contents only: a hit needs no parsing there.
    `guard` is held for moments only, around what asks the database: a long scan keeps nobody waiting.
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
            found = _Scan(base, text, wanted, plain).matches()
            yield from (i for i in found if i not in skip) if skip else found
    yield from _one_by_one(stored, text, [i for i in rewritten if wanted is None or wanted[i]], guard)


def _one_by_one(
    stored: Stored, text: Text, ids: list[int], guard: AbstractContextManager[object]
) -> Iterator[int]:
    for part in batches(ids):
        with guard:
            raws = list(stored.raws(part))
        yield from (example for example, raw in raws if text.matches(parse(raw)))


class _Scan:
    """One source searched block by block."""

    def __init__(self, base: Base, text: Text, wanted: bytearray | None, plain: bytearray | None) -> None:
        self.base, self.text, self.wanted = base, text, wanted
        self.offsets: Sequence[int] = base.source.offsets
        self.needle = _needle(text)
        whole = self.needle is not None and text.role is None and self.needle.decode() == text.folded
        telling = text.folded not in _STRUCTURE and not set(text.folded) <= _PUNCTUATION
        self.plain = plain if whole and telling else None
        self.hiding = [(sign, digits) for letter, sign, digits in _HIDING if letter in text.folded]
        self.folding = [sign for letter, sign in _FOLDING if letter in text.folded]

    def matches(self) -> Iterator[int]:
        """Ids in order."""
        for first, block in self.base.source.blocks(BLOCK):
            yield from self._all(first, block) if self.needle is None else self._hits(first, block, self.needle)

    def _all(self, first: int, block: bytes) -> Iterator[int]:
        """Every line of a block is parsed: a regular expression, a fuzzy word, a word without ASCII."""
        number, end = first, self.offsets[first] + len(block)
        while number < self.base.source.lines and self.offsets[number] < end:
            if self._asked(number, first, block):
                yield self.base.first_id + number
            number += 1

    def _hits(self, first: int, block: bytes, needle: bytes) -> Iterator[int]:
        offsets, start, first_id = self.offsets, self.offsets[first], self.base.first_id
        wanted, plain = self.wanted, self.plain
        lowered = block.lower()
        odd = self._odd(first, block)
        found: list[int] = []
        at = lowered.find(needle)
        while at >= 0:
            number = bisect_right(offsets, start + at, first, len(offsets)) - 1
            example = first_id + number
            if wanted is None or wanted[example]:
                sure = plain is not None and plain[example] and b"\\" not in lowered[max(at - 5, 0) : at]
                if sure or self._asked(number, first, block):
                    found.append(example)
            at = lowered.find(needle, offsets[number + 1] - start)
        if odd:
            known = set(found)
            found += [first_id + n for n in odd if first_id + n not in known and self._asked(n, first, block)]
            found.sort()
        return iter(found)

    def _odd(self, first: int, block: bytes) -> set[int]:
        """Lines whose bytes may hide the needle."""
        places: list[int] = []
        for sign, digits in self.hiding:
            at = block.find(sign)
            while at >= 0:
                if block[at + len(sign) : at + len(sign) + 1] in digits:
                    places.append(at)
                at = block.find(sign, at + len(sign))
        for sign in self.folding:
            if sign in block:
                places += [m.start() for m in re.finditer(re.escape(sign), block)]
        start = self.offsets[first]
        return {bisect_right(self.offsets, start + at, first, len(self.offsets)) - 1 for at in places}

    def _asked(self, number: int, first: int, block: bytes) -> bool:
        """Parse one line and ask the text node itself."""
        example = self.base.first_id + number
        if self.wanted is not None and not self.wanted[example]:
            return False
        start = self.offsets[first]
        raw = trim(block[self.offsets[number] - start : self.offsets[number + 1] - start], first=number == 0)
        return bool(raw.strip()) and self.text.matches(parse(raw))


def _needle(text: Text) -> bytes | None:
    """Bytes that every match has in lower case, as far as escapes allow; None where there are no such bytes."""
    if text.kind != "word":
        return None
    runs = [run for found in _SAFE_RUN.findall(text.folded) for run in found.split(" ")]
    longest = max(runs, key=len, default="")
    return longest.encode() if longest else None

"""Full-text search over the sources' bytes: what the bytes rule out is never parsed.

JSON may hide a letter behind an escape, and a few letters outside ASCII fold to ASCII ones; lines where that
is possible are parsed and asked. The result is exactly that of `Text.matches` on every example.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from curator.core.example import parse
from curator.core.lines import trim
from curator.core.query.query import Text
from curator.workspace.analysis.flag_columns import (
    FOLDING,
    HIDING,
    OPENS,
    PLAIN,
    ROLES,
    SIGNS,
    SOURCE,
    having,
    having_any,
)
from curator.workspace.search.message_text import begins_with, is_content, says
from curator.workspace.storage.examples import Source, StoredExamples, batches
from curator.workspace.storage.line_file import Block

if TYPE_CHECKING:
    from curator.workspace.search.block_finder import Finder

BLOCK = 512 * 1024
"""Bytes a step: they stay in the processor's cache, and no call holds the interpreter for long."""
AT_ONCE = 8 * 1024 * 1024
"""Bytes of a source that are searched the plain way, before numpy is worth its loading where it is not loaded."""
FEW = 0.05
"""Below this share of wanted examples they are read one by one instead of scanned."""
_SAFE_RUN = re.compile(r"[a-z0-9 !#$%&'()*+,\-.:;<=>?@\[\]^_`{|}~]+")
_PUNCTUATION = frozenset("{}[]:,")
_PLAIN = having(SOURCE | PLAIN, SOURCE | PLAIN)
_KNOWN = having(SOURCE, SOURCE)
_VALID = having_any(sum(ROLES.values()))
_ODD = having(SOURCE | HIDING, SOURCE | HIDING)
_OPENS = having(OPENS, OPENS)
_NEVER = bytes(256)
_FREE: AbstractContextManager[object] = nullcontext()
Looks = tuple[bytearray, bytearray]
"""The columns `states` and `roles` of `flags`."""
Found = tuple[int, bytearray]
"""One byte for each id from a first one on: 1 where the example matches."""
_STRUCTURE = "messages role content system developer user assistant tool function"


def scan(
    stored: StoredExamples,
    text: Text,
    wanted: bytearray | None = None,
    looks: Looks | None = None,
    guard: AbstractContextManager[object] = _FREE,
) -> Iterator[Found]:
    """Which examples (deleted ones too) a text node matches; only those set in `wanted`, if given.

    They come in the order of the bytes, block by block, also where a block has none: a reader can show the first
    ones, or stop. Each id comes once.

    `looks` tell of which ids the source's bytes hold text in contents only, or begin with contents, so that a
    hit needs no parsing, and of which they hide no letter. `guard` is held for moments only, around what asks
    the database: a long scan keeps nobody waiting.
    """
    with guard:
        rows = stored.db.execute("SELECT id FROM example WHERE raw IS NOT NULL ORDER BY id").fetchall()
    rewritten = [row[0] for row in rows]
    if wanted is not None and wanted.count(1) <= FEW * len(wanted):
        yield from _one_by_one(stored, text, [i for i in stored.order.all if wanted[i]], guard)
        return
    for source in stored.sources:
        if not source.hidden:
            for first, found in _Scan(source, text, wanted, looks).matches():
                for example in rewritten[
                    bisect_left(rewritten, first) : bisect_left(rewritten, first + len(found))
                ]:
                    found[example - first] = 0
                yield first, found
    yield from _one_by_one(stored, text, [i for i in rewritten if wanted is None or wanted[i]], guard)


def _one_by_one(
    stored: StoredExamples, text: Text, ids: list[int], guard: AbstractContextManager[object]
) -> Iterator[Found]:
    for part in batches(ids):
        with guard:
            raws = list(stored.raws(part))
        yield 0, bytearray()
        yield from ((example, bytearray(b"\1")) for example, raw in raws if text.matches(parse(raw)))


class _Scan:
    """One source searched block by block."""

    def __init__(self, source: Source, text: Text, wanted: bytearray | None, looks: Looks | None) -> None:
        self.source, self.text, self.wanted = source, text, wanted
        self.offsets: Sequence[int] = source.line_file.offsets
        self.needle = _needle(text)
        whole = self.needle is not None and text.role is None and self.needle.decode() == text.folded
        self.whole = whole
        """Whether the needle is all of the word."""
        self.telling = text.folded not in _STRUCTURE and not set(text.folded) <= _PUNCTUATION
        """Whether the word is none that keys and roles may have."""
        states, roles = (self._mine(column) for column in looks or (b"", b""))
        self.plain = states.translate(_PLAIN if whole else _NEVER)
        """One byte a line: 1 where a hit needs no parsing."""
        self.opens = roles.translate(_OPENS if whole else _NEVER)
        """One byte a line: 1 where a hit needs none in the messages that it begins with (`OPENING`)."""
        self.nothing = bytes(len(states))
        self.valid = roles.translate(_VALID)
        """One byte a line: 1 where it is valid JSON, as roles were seen in it."""
        self.known = states.translate(_KNOWN)
        """One byte a line: 1 where it is known whether its bytes hide a letter; `odd`: where they may."""
        self.odd = states.translate(_ODD)
        self.hiding = [(sign, digits) for letter, sign, digits in SIGNS if letter in text.folded]
        self.hiding += [(sign, b"") for letter, sign in FOLDING if letter in text.folded]

    def _mine(self, column: bytes | bytearray) -> bytes:
        """One byte a line of a column that has one byte an id."""
        lines = self.source.line_file.lines
        return bytes(column[self.source.first_id : self.source.first_id + lines]).ljust(lines, b"\0")

    def matches(self) -> Iterator[Found]:
        """The matches of each block, in order."""
        line_file, first, large = self.source.line_file, 0, None
        plainly = 0 if "numpy" in sys.modules and line_file.size > AT_ONCE else AT_ONCE
        while first < line_file.lines:
            if large is None and self.needle is not None and self.offsets[first] >= plainly:
                from curator.workspace.search.block_finder import Finder

                large = Finder()
            end = line_file.line_after(first, BLOCK if large is None else large.wanted(BLOCK))
            start = self.offsets[first]
            self.start, self.block = (
                line_file.map_lines(first, end)
                if large is not None
                else (start, line_file.read(start, self.offsets[end] - start))
            )
            yield self.source.first_id + first, self._hits(first, end, large)
            first = end

    def _hits(self, first: int, end: int, large: Finder | None) -> bytearray:
        """One byte a line of a block, 1 where it matches. Without a needle (a regular expression, a fuzzy word, a
        word without ASCII) every line is parsed."""
        found = bytearray(end - first)
        unsure: Iterable[int] = range(first, end)
        if self.needle is not None:
            found, seen = self._seen(first, end, self.needle, large)
            unsure = {*seen, *self._odd(first, end, large)}
        for number in unsure:
            if not found[number - first] and self._asked(number):
                found[number - first] = 1
        if self.wanted is None:
            return found
        mine = self.wanted[self.source.first_id + first : self.source.first_id + end]
        both = int.from_bytes(found, "little") & int.from_bytes(mine, "little")
        return bytearray(both.to_bytes(end - first, "little"))

    def _seen(self, first: int, end: int, needle: bytes, large: Finder | None) -> tuple[bytearray, list[int]]:
        """One byte a line, 1 where it matches for sure, and the numbers of those to be asked."""
        known = (self.plain, self.opens) if self.telling else (self.nothing, self.nothing)
        plain, opens = (column[first:end] for column in known)
        if large is not None:
            large.take(self.block, self.start, self.offsets[first : end + 1])
            found, others = large.seen(needle, plain, opens)
        else:
            found, others = self._found(first, end, needle, plain, opens)
        if not self.whole:
            return found, [first + at for at in others]
        unsure, starts = [], self.offsets[first : end + 1]
        for at in others:
            said = self._is_said(first + at, starts[at] - self.start, starts[at + 1] - self.start)
            if said is None:
                unsure.append(first + at)
            else:
                found[at] = said
        return found, unsure

    def _found(
        self, first: int, end: int, needle: bytes, plain: bytes, opens: bytes
    ) -> tuple[bytearray, list[int]]:
        """As `Finder.seen`, for few lines."""
        block, base, offsets = bytes(self.block), self.start, self.offsets
        lowered = block.lower()
        found, others = bytearray(end - first), []
        at = lowered.find(needle)
        while at >= 0:
            number = bisect_right(offsets, base + at, first, end) - 1
            line, start = number - first, offsets[number] - base
            sure = plain[line] or (opens[line] and is_content(block[start:at]))
            if sure and b"\\" not in block[max(at - 5, 0) : at]:
                found[line] = 1
            else:
                others.append(line)
            at = lowered.find(needle, offsets[number + 1] - base)
        return found, others

    def _is_said(self, number: int, start: int, end: int) -> bool | None:
        """Whether a line that has the word says it; None: to be asked."""
        opens = self.opens[number]
        if not self.telling and (opens or self.plain[number]):
            said = begins_with(self.needle or b"", self.block, start, end)
            if said or (said is not None and self.valid[number]):
                return said
        return says(self.block[start:end], self.text.folded, plain=not opens)

    def _odd(self, first: int, end: int, large: Finder | None) -> Iterable[int]:
        """Lines whose bytes may hide the needle."""
        if self.known.find(0, first, end) < 0:
            at = self.odd.find(1, first, end)
            found = []
            while at >= 0:
                found.append(at)
                at = self.odd.find(1, at + 1, end)
            return found
        places = [at for sign, digits in self.hiding for at in _signs(self.block, sign, digits, large)]
        lines = {bisect_right(self.offsets, self.start + at, first, end) - 1 for at in places}
        return lines - {first - 1}  # a map may begin before them

    def _asked(self, number: int) -> bool:
        """Parse one line and ask the text node itself."""
        example = self.source.first_id + number
        if self.wanted is not None and not self.wanted[example]:
            return False
        start, end = (self.offsets[at] - self.start for at in (number, number + 1))
        raw = trim(self.block[start:end], first=number == 0)
        return bool(raw.strip()) and self.text.matches(parse(raw))


def _signs(block: Block, sign: bytes, digits: bytes, large: Finder | None) -> Iterable[int]:
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

"""Full-text search in the bytes of the sources: only lines for which the bytes do not decide are parsed.

JSON may spell a letter as an escape, and the lower case of a few letters outside ASCII is an ASCII letter; lines
where that is possible are parsed. The result is exactly that of `Text.matches` for every example.
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
from curator.workspace.search.message_text import begins_with, contains_word, is_content
from curator.workspace.storage.examples import StoredExamples, batches
from curator.workspace.storage.line_file import Block
from curator.workspace.storage.sources import Source

if TYPE_CHECKING:
    from curator.workspace.search.block_finder import Finder

BLOCK = 512 * 1024
"""Bytes a step: they fit into the processor's cache, and no call holds the interpreter's lock for long."""
AT_ONCE = 8 * 1024 * 1024
"""Bytes of a source that are searched without numpy, if it is not loaded: below, loading it takes longer."""
FEW = 0.05
"""Up to this share of examples to search they are read one by one, instead of all being scanned."""
_SAFE_RUN = re.compile(r"[a-z0-9 !#$%&'()*+,\-.:;<=>?@\[\]^_`{|}~]+")
_PUNCTUATION = frozenset("{}[]:,")
_PLAIN = having(SOURCE | PLAIN, SOURCE | PLAIN)
_ANALYSED = having(SOURCE, SOURCE)
_VALID = having_any(sum(ROLES.values()))
_MAY_HIDE = having(SOURCE | HIDING, SOURCE | HIDING)
_OPENS = having(OPENS, OPENS)
_ALL_ZERO = bytes(256)
_FREE: AbstractContextManager[object] = nullcontext()
Facts = tuple[bytearray, bytearray]
"""The columns `states` and `roles` of `analysis/flag_columns.py`: one byte an id each."""
Matches = tuple[int, bytearray]
"""(first id, one byte for each id from it on: 1 where the example matches)."""
_STRUCTURE = "messages role content system developer user assistant tool function"


def scan(
    stored: StoredExamples,
    text: Text,
    within: bytearray | None = None,
    facts: Facts | None = None,
    guard: AbstractContextManager[object] = _FREE,
) -> Iterator[Matches]:
    """Which examples (deleted ones too) a text node matches; only among those set in `within`, if given.

    Yields the matches of each block in file order, also of a block without any, so that the caller can show the
    first ones or stop. Each id comes once, those of changed examples last.

    `facts` tell for which lines a hit needs no parsing (text stands in contents only, or the line begins with
    contents), and which hide no letter in an escape. `guard` is held only around questions to the database.
    """
    with guard:
        rows = stored.db.execute("SELECT id FROM example WHERE raw IS NOT NULL ORDER BY id").fetchall()
    rewritten = [row[0] for row in rows]
    if within is not None and within.count(1) <= FEW * len(within):
        yield from _one_by_one(stored, text, [i for i in stored.order.all if within[i]], guard)
        return
    for source in stored.sources:
        if not source.hidden:
            for first, matches in _Scan(source, text, within, facts).matches():
                for example in rewritten[
                    bisect_left(rewritten, first) : bisect_left(rewritten, first + len(matches))
                ]:
                    matches[example - first] = 0
                yield first, matches
    yield from _one_by_one(stored, text, [i for i in rewritten if within is None or within[i]], guard)


def _one_by_one(
    stored: StoredExamples, text: Text, ids: list[int], guard: AbstractContextManager[object]
) -> Iterator[Matches]:
    for part in batches(ids):
        with guard:
            raws = list(stored.raws(part))
        yield 0, bytearray()
        yield from ((example, bytearray(b"\1")) for example, raw in raws if text.matches(parse(raw)))


class _Scan:
    """Searches one source, block by block."""

    def __init__(self, source: Source, text: Text, within: bytearray | None, facts: Facts | None) -> None:
        self.source, self.text, self.within = source, text, within
        self.offsets: Sequence[int] = source.line_file.offsets
        self.needle = _needle(text)
        whole = self.needle is not None and text.role is None and self.needle.decode() == text.folded
        self.whole = whole
        """Whether the needle is the whole word."""
        self.not_syntax = text.folded not in _STRUCTURE and not set(text.folded) <= _PUNCTUATION
        """Whether the word cannot stand in keys, roles or JSON punctuation."""
        states, roles = (self._by_line(column) for column in facts or (b"", b""))
        self.plain = states.translate(_PLAIN if whole else _ALL_ZERO)
        """One byte a line: 1 where a hit needs no parsing."""
        self.opens = roles.translate(_OPENS if whole else _ALL_ZERO)
        """One byte a line: 1 where a hit in the messages at its beginning (`OPENING`) needs no parsing."""
        self.nothing = bytes(len(states))
        """One byte a line, all 0."""
        self.valid = roles.translate(_VALID)
        """One byte a line: 1 where it is valid JSON, as the analysis read roles in it."""
        self.analysed = states.translate(_ANALYSED)
        """One byte a line: 1 where `may_hide` is known."""
        self.may_hide = states.translate(_MAY_HIDE)
        """One byte a line: 1 where its bytes may spell a letter in another way."""
        self.hiding = [(sign, digits) for letter, sign, digits in SIGNS if letter in text.folded]
        self.hiding += [(sign, b"") for letter, sign in FOLDING if letter in text.folded]

    def _by_line(self, column: bytes | bytearray) -> bytes:
        """The bytes of this source's lines in a column that has one byte an id."""
        lines = self.source.line_file.lines
        return bytes(column[self.source.first_id : self.source.first_id + lines]).ljust(lines, b"\0")

    def matches(self) -> Iterator[Matches]:
        """The matches of each block, in order."""
        line_file, first, large = self.source.line_file, 0, None
        plainly = 0 if "numpy" in sys.modules and line_file.size > AT_ONCE else AT_ONCE
        while first < line_file.lines:
            if large is None and self.needle is not None and self.offsets[first] >= plainly:
                from curator.workspace.search.block_finder import Finder  # heavy

                large = Finder()
            end = line_file.line_after(first, BLOCK if large is None else large.block_size(BLOCK))
            start = self.offsets[first]
            self.start, self.block = (
                line_file.map_lines(first, end)
                if large is not None
                else (start, line_file.read(start, self.offsets[end] - start))
            )
            yield self.source.first_id + first, self._hits(first, end, large)
            first = end

    def _hits(self, first: int, end: int, large: Finder | None) -> bytearray:
        """One byte a line of a block: 1 where it matches.

        Without a needle (a regular expression, a fuzzy word, a word without ASCII) every line is parsed.
        """
        hits = bytearray(end - first)
        unsure: Iterable[int] = range(first, end)
        if self.needle is not None:
            hits, uncertain = self._certain_hits(first, end, self.needle, large)
            unsure = {*uncertain, *self._hiding_lines(first, end, large)}
        for number in unsure:
            if not hits[number - first] and self._matches_parsed(number):
                hits[number - first] = 1
        if self.within is None:
            return hits
        allowed = self.within[self.source.first_id + first : self.source.first_id + end]
        both = int.from_bytes(hits, "little") & int.from_bytes(allowed, "little")
        return bytearray(both.to_bytes(end - first, "little"))

    def _certain_hits(
        self, first: int, end: int, needle: bytes, large: Finder | None
    ) -> tuple[bytearray, list[int]]:
        """(one byte a line, 1 where it certainly matches; the numbers of lines to be parsed)."""
        columns = (self.plain, self.opens) if self.not_syntax else (self.nothing, self.nothing)
        plain, opens = (column[first:end] for column in columns)
        if large is not None:
            large.take(self.block, self.start, self.offsets[first : end + 1])
            hits, others = large.find(needle, plain, opens)
        else:
            hits, others = self._find(first, end, needle, plain, opens)
        if not self.whole:
            return hits, [first + at for at in others]
        unsure, starts = [], self.offsets[first : end + 1]
        for at in others:
            contained = self._contains(first + at, starts[at] - self.start, starts[at + 1] - self.start)
            if contained is None:
                unsure.append(first + at)
            else:
                hits[at] = contained
        return hits, unsure

    def _find(
        self, first: int, end: int, needle: bytes, plain: bytes, opens: bytes
    ) -> tuple[bytearray, list[int]]:
        """As `Finder.find`, without numpy."""
        block, base, offsets = bytes(self.block), self.start, self.offsets
        lowered = block.lower()
        hits, others = bytearray(end - first), []
        at = lowered.find(needle)
        while at >= 0:
            number = bisect_right(offsets, base + at, first, end) - 1
            line, start = number - first, offsets[number] - base
            sure = plain[line] or (opens[line] and is_content(block[start:at]))
            if sure and b"\\" not in block[max(at - 5, 0) : at]:
                hits[line] = 1
            else:
                others.append(line)
            at = lowered.find(needle, offsets[number + 1] - base)
        return hits, others

    def _contains(self, number: int, start: int, end: int) -> bool | None:
        """Whether a message text of a line has the word that its bytes have; None: parse it to find out."""
        opens = self.opens[number]
        if not self.not_syntax and (opens or self.plain[number]):
            at_start = begins_with(self.needle or b"", self.block, start, end)
            if at_start or (at_start is not None and self.valid[number]):
                return at_start
        return contains_word(self.block[start:end], self.text.folded, plain=not opens)

    def _hiding_lines(self, first: int, end: int, large: Finder | None) -> Iterable[int]:
        """Numbers of lines whose bytes may spell the needle in another way."""
        if self.analysed.find(0, first, end) < 0:
            at = self.may_hide.find(1, first, end)
            numbers = []
            while at >= 0:
                numbers.append(at)
                at = self.may_hide.find(1, at + 1, end)
            return numbers
        places = [at for sign, digits in self.hiding for at in _signs(self.block, sign, digits, large)]
        lines = {bisect_right(self.offsets, self.start + at, first, end) - 1 for at in places}
        return lines - {first - 1}  # a mapping may begin before the block's first line

    def _matches_parsed(self, number: int) -> bool:
        """Whether the text node matches a line, by parsing it."""
        example = self.source.first_id + number
        if self.within is not None and not self.within[example]:
            return False
        start, end = (self.offsets[at] - self.start for at in (number, number + 1))
        raw = trim(self.block[start:end], first=number == 0)
        return bool(raw.strip()) and self.text.matches(parse(raw))


def _signs(block: Block, sign: bytes, digits: bytes, large: Finder | None) -> Iterable[int]:
    """Where a byte of `digits` (empty: any byte) follows a sign."""
    if large is not None:
        return large.sign_places(sign, digits)
    places = [match.start() for match in re.finditer(re.escape(sign), block)]
    return [at for at in places if not digits or block[at + len(sign) : at + len(sign) + 1] in digits]


def _needle(text: Text) -> bytes | None:
    """Lower-case bytes that every match has unless it spells them as escapes; None where there are none."""
    if text.kind != "word":
        return None
    runs = [run for safe in _SAFE_RUN.findall(text.folded) for run in safe.split(" ")]
    longest = max(runs, key=len, default="")
    return longest.encode() if longest else None

"""Full-text search over the sources' bytes: what the bytes rule out is never parsed.

JSON may hide a letter behind an escape, and a few letters outside ASCII fold to ASCII ones; lines where that
is possible are parsed and asked. The result is exactly that of `Text.matches` on every example.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from curator.core.example import parse
from curator.core.query import Text
from curator.workspace.source import trim
from curator.workspace.stored import Base, Stored

BLOCK = 1024 * 1024
"""Bytes a step: no single call holds the interpreter for longer than a millisecond or two."""
FEW = 0.05
"""Below this share of wanted examples they are read one by one instead of scanned."""
_SAFE_RUN = re.compile(r"[a-z0-9 !#$%&'()*+,\-.:;<=>?@\[\]^_`{|}~]+")
_HIDDEN = re.compile(rb"\\u(?:00[2-7]|212[aA]|0130)")
_STRUCTURE = "messages role content system developer user assistant tool function"


def scan(stored: Stored, text: Text, wanted: bytearray | None = None) -> Iterator[int]:
    """Ids of the examples (deleted ones too) that a text node matches; only those set in `wanted`, if given."""
    rewritten = [row[0] for row in stored.db.execute("SELECT id FROM example WHERE raw IS NOT NULL ORDER BY id")]
    if wanted is not None and wanted.count(1) <= FEW * len(wanted):
        yield from _one_by_one(stored, text, [i for i in stored.order.all if wanted[i]])
        return
    skip = set(rewritten)
    for base in stored.bases:
        if not base.hidden:
            yield from (i for i in _base(base, text, wanted) if i not in skip)
    rows = [i for i in rewritten if wanted is None or wanted[i]]
    yield from _one_by_one(stored, text, rows)


def _one_by_one(stored: Stored, text: Text, ids: list[int]) -> Iterator[int]:
    return (example for example, raw in stored.raws(ids) if text.matches(parse(raw)))


def _base(base: Base, text: Text, wanted: bytearray | None) -> Iterator[int]:
    """Matches in one source, block by block."""
    needle = _needle(text)
    for first, block in base.source.blocks(BLOCK):
        lines = _lines(base, first, len(block)) if needle is None else _candidates(base, first, block, needle)
        start = base.source.offsets[first]
        for number in lines:
            example = base.first_id + number
            if wanted is not None and not wanted[example]:
                continue
            begin, end = base.source.offsets[number] - start, base.source.offsets[number + 1] - start
            raw = trim(block[begin:end], first=number == 0)
            if (needle is not None and _surely(raw, text, needle)) or (raw.strip() and text.matches(parse(raw))):
                yield example


def _needle(text: Text) -> bytes | None:
    """Bytes that every match has in lower case, as far as escapes allow; None where there are no such bytes."""
    if text.kind != "word":
        return None
    runs = [run for found in _SAFE_RUN.findall(text.folded) for run in found.split(" ")]
    longest = max(runs, key=len, default="")
    return longest.encode() if longest else None


def _lines(base: Base, first: int, length: int) -> Iterator[int]:
    number, end = first, base.source.offsets[first] + length
    while number < base.source.lines and base.source.offsets[number] < end:
        yield number
        number += 1


def _candidates(base: Base, first: int, block: bytes, needle: bytes) -> Iterator[int]:
    """Numbers of the lines that may match, ascending."""
    offsets, start = base.source.offsets, base.source.offsets[first]
    odd = _odd_lines(base, first, block, needle)
    lowered = block.lower()
    at = lowered.find(needle)
    found: list[int] = []
    while at >= 0:
        number = bisect_right(offsets, start + at, first, len(offsets)) - 1
        found.append(number)
        at = lowered.find(needle, offsets[number + 1] - start)
    return iter(sorted({*found, *odd}) if odd else found)


def _odd_lines(base: Base, first: int, block: bytes, needle: bytes) -> set[int]:
    """Lines whose bytes may hide the needle: an escaped ASCII letter, a Kelvin sign, a dotted capital I."""
    places = [m.start() for m in _HIDDEN.finditer(block)] if b"\\u" in block else []
    for letter, sign in ((b"k", b"\xe2\x84\xaa"), (b"i", b"\xc4\xb0")):
        if letter in needle and sign in block:
            places += [m.start() for m in re.finditer(re.escape(sign), block)]
    offsets, start = base.source.offsets, base.source.offsets[first]
    return {bisect_right(offsets, start + at, first, len(offsets)) - 1 for at in places}


def _surely(raw: bytes, text: Text, needle: bytes) -> bool:
    """Whether a line is such a plain chat example that the bytes alone prove the match."""
    if text.role is not None or needle.decode() != text.folded or text.folded in _STRUCTURE:
        return False
    roles = raw.count(b'"role":')
    return (
        roles > 0
        and raw.startswith(b'{"messages"')
        and raw.endswith(b"]}")
        and raw.count(b'"content":') == roles
        and raw.count(b'":') == 2 * roles + 1
        and b"\\" not in raw
        and needle in raw.lower()
    )

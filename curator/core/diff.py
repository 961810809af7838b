"""The differences of two texts, word by word, and of two examples, field by field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from curator.core.example import Path, format_path

SpanKind = Literal["equal", "insert", "delete"]
ChangeKind = Literal["added", "removed", "changed"]

_PIECE = re.compile(r"\w+|\s+|[^\w\s]")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_MAX_PIECES = 20_000
"""Texts with more pieces are compared by lines, and with more lines as wholes: the memory of a comparison
grows with the product of both numbers."""


@dataclass(frozen=True, slots=True)
class DiffSpan:
    """A piece of text that is in both texts ("equal"), only in the first ("delete") or in the second
    ("insert")."""

    kind: SpanKind
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs; `before` of an added value and `after` of a removed one is None.

    `location` is the place of the value in the second example; for a removed value, in the first.
    """

    location: str
    kind: ChangeKind
    before: Any = None
    after: Any = None


def compare_texts(before: str, after: str) -> list[DiffSpan]:
    """The differences of two texts by words, white space and punctuation.

    The equal and deleted spans together are `before`, the equal and inserted ones `after`. Where text was
    replaced, the deletion comes first.
    """
    pieces_before, pieces_after = _pieces(before, after)
    kinds = [
        (kind, piece)
        for start, end, kind, at, until in _runs(pieces_before, pieces_after)
        for piece in (pieces_before[start:end] if kind != "insert" else pieces_after[at:until])
    ]
    spans = [
        DiffSpan(kind, "".join(text for _, text in run)) for kind, run in groupby(kinds, key=lambda pair: pair[0])
    ]
    return _deletions_first(_without_islands(spans))


def _pieces(before: str, after: str) -> tuple[list[str], list[str]]:
    for pattern in (_PIECE, _LINE):
        pieces_before, pieces_after = pattern.findall(before), pattern.findall(after)
        if len(pieces_before) <= _MAX_PIECES and len(pieces_after) <= _MAX_PIECES:
            return pieces_before, pieces_after
    return [before], [after]


def _runs(before: Sequence[str], after: Sequence[str]) -> Iterable[tuple[int, int, SpanKind, int, int]]:
    """The edit runs by the longest common subsequence: (start, end) before, kind, (start, end) after."""
    from rapidfuzz.distance import Indel  # heavy: rapidfuzz

    names: dict[str, int] = {}
    a, b = ([names.setdefault(piece, len(names)) for piece in side] for side in (before, after))
    for code in Indel.opcodes(a, b):
        kind: SpanKind = "equal" if code.tag == "equal" else "insert" if code.tag == "insert" else "delete"
        yield code.src_start, code.src_end, kind, code.dest_start, code.dest_end


def _without_islands(spans: list[DiffSpan]) -> list[DiffSpan]:
    """Turn blanks between two changes into a part of the changes: one long replacement is easier to read."""
    out: list[DiffSpan] = []
    for at, span in enumerate(spans):
        inner = 0 < at < len(spans) - 1
        if span.kind == "equal" and inner and span.text.isspace() and "\n" not in span.text:
            out += [DiffSpan("delete", span.text), DiffSpan("insert", span.text)]
        else:
            out.append(span)
    return out


def _deletions_first(spans: list[DiffSpan]) -> list[DiffSpan]:
    out: list[DiffSpan] = []
    for equal, run in groupby(spans, key=lambda span: span.kind == "equal"):
        stretch = list(run)
        if equal:
            out += stretch
            continue
        kinds: tuple[SpanKind, SpanKind] = ("delete", "insert")
        for kind in kinds:
            text = "".join(span.text for span in stretch if span.kind == kind)
            if text:
                out.append(DiffSpan(kind, text))
    return out


def compare_examples(before: Any, after: Any) -> list[Difference]:
    """The values that differ between two parsed examples, in the order of the second.

    Lists are aligned by their equal items, so an added message does not make the following ones differ.
    """
    return list(_compare(before, after, ()))


def _compare(before: Any, after: Any, path: Path) -> Iterable[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _compare_objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _compare_lists(before, after, path)
    elif _key(before) != _key(after):
        yield Difference(format_path(path), "changed", before, after)


def _compare_objects(before: dict[str, Any], after: dict[str, Any], path: Path) -> Iterable[Difference]:
    for key, value in after.items():
        if key in before:
            yield from _compare(before[key], value, (*path, key))
        else:
            yield Difference(format_path((*path, key)), "added", None, value)
    for key, value in before.items():
        if key not in after:
            yield Difference(format_path((*path, key)), "removed", value, None)


def _compare_lists(before: list[Any], after: list[Any], path: Path) -> Iterable[Difference]:
    keys_before, keys_after = [_key(item) for item in before], [_key(item) for item in after]
    removed: list[int] = []
    added: list[int] = []
    for start, end, kind, at, until in [*_runs(keys_before, keys_after), (0, 0, "equal", 0, 0)]:
        if kind == "delete":
            removed += range(start, end)
        elif kind == "insert":
            added += range(at, until)
        else:
            yield from _compare_replaced(before, after, removed, added, path)
            removed, added = [], []


def _compare_replaced(
    before: list[Any], after: list[Any], removed: list[int], added: list[int], path: Path
) -> Iterable[Difference]:
    """Compare removed and added items of one run pair by pair; the remaining ones are only added or removed."""
    pairs = min(len(removed), len(added))
    for old, new in zip(removed, added, strict=False):
        yield from _compare(before[old], after[new], (*path, new))
    for new in added[pairs:]:
        yield Difference(format_path((*path, new)), "added", None, after[new])
    for old in removed[pairs:]:
        yield Difference(format_path((*path, old)), "removed", before[old], None)


def _key(value: Any) -> str:
    """A key that is equal exactly for equal JSON values: 1, 1.0 and true differ, key order is ignored."""
    try:
        return json.dumps(value, sort_keys=True)
    except (RecursionError, TypeError, ValueError):
        return repr(type(value)) + str(id(value))

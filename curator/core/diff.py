"""What changed between two texts, word by word, and between two examples, field by field."""

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
"""More pieces than this on a side are compared as lines, then as wholes: the comparison's memory grows with
the product of both sides."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of text that both sides have, or only the first ("delete") or the second ("insert")."""

    kind: SpanKind
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs; `before` of an added and `after` of a removed one is None.

    `location` is where the value is in the second example, for a removed one in the first.
    """

    location: str
    kind: ChangeKind
    before: Any = None
    after: Any = None


def words(before: str, after: str) -> list[Span]:
    """The differences of two texts by words, white space and marks.

    The texts of the equal and deleted spans are `before`, of the equal and inserted ones `after`. Where both
    change, the deletion comes first.
    """
    left, right = _pieces(before, after)
    kinds = [
        (kind, piece)
        for start, end, kind, at, until in _runs(left, right)
        for piece in (left[start:end] if kind != "insert" else right[at:until])
    ]
    spans = [
        Span(kind, "".join(text for _, text in run)) for kind, run in groupby(kinds, key=lambda pair: pair[0])
    ]
    return _deletions_first(_without_islands(spans))


def _pieces(before: str, after: str) -> tuple[list[str], list[str]]:
    for pattern in (_PIECE, _LINE):
        left, right = pattern.findall(before), pattern.findall(after)
        if len(left) <= _MAX_PIECES and len(right) <= _MAX_PIECES:
            return left, right
    return [before], [after]


def _runs(left: Sequence[str], right: Sequence[str]) -> Iterable[tuple[int, int, SpanKind, int, int]]:
    """Edit runs (from, to, kind, from, to) by the longest common subsequence."""
    from rapidfuzz.distance import Indel

    names: dict[str, int] = {}
    a, b = ([names.setdefault(piece, len(names)) for piece in side] for side in (left, right))
    for code in Indel.opcodes(a, b):
        kind: SpanKind = "equal" if code.tag == "equal" else "insert" if code.tag == "insert" else "delete"
        yield code.src_start, code.src_end, kind, code.dest_start, code.dest_end


def _without_islands(spans: list[Span]) -> list[Span]:
    """Blanks between two changes belong to the changes: one long replacement reads better than confetti."""
    out: list[Span] = []
    for at, span in enumerate(spans):
        inner = 0 < at < len(spans) - 1
        if span.kind == "equal" and inner and span.text.isspace() and "\n" not in span.text:
            out += [Span("delete", span.text), Span("insert", span.text)]
        else:
            out.append(span)
    return out


def _deletions_first(spans: list[Span]) -> list[Span]:
    out: list[Span] = []
    for equal, run in groupby(spans, key=lambda span: span.kind == "equal"):
        stretch = list(run)
        if equal:
            out += stretch
            continue
        kinds: tuple[SpanKind, SpanKind] = ("delete", "insert")
        for kind in kinds:
            text = "".join(span.text for span in stretch if span.kind == kind)
            if text:
                out.append(Span(kind, text))
    return out


def examples(before: Any, after: Any) -> list[Change]:
    """The values that differ between two parsed examples, in the order of the second.

    Lists are aligned by equal items, so an added message does not shift the others.
    """
    return list(_compare(before, after, ()))


def _compare(before: Any, after: Any, path: Path) -> Iterable[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _objects(before, after, path)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path)
    elif _key(before) != _key(after):
        yield Change(format_path(path), "changed", before, after)


def _objects(before: dict[str, Any], after: dict[str, Any], path: Path) -> Iterable[Change]:
    for key, value in after.items():
        if key in before:
            yield from _compare(before[key], value, (*path, key))
        else:
            yield Change(format_path((*path, key)), "added", None, value)
    for key, value in before.items():
        if key not in after:
            yield Change(format_path((*path, key)), "removed", value, None)


def _lists(before: list[Any], after: list[Any], path: Path) -> Iterable[Change]:
    left, right = [_key(item) for item in before], [_key(item) for item in after]
    gone: list[int] = []
    come: list[int] = []
    for start, end, kind, at, until in [*_runs(left, right), (0, 0, "equal", 0, 0)]:
        if kind == "delete":
            gone += range(start, end)
        elif kind == "insert":
            come += range(at, until)
        else:
            yield from _paired(before, after, gone, come, path)
            gone, come = [], []


def _paired(before: list[Any], after: list[Any], gone: list[int], come: list[int], path: Path) -> Iterable[Change]:
    """Items replaced side by side are compared within, where they are of one kind; the rest came or went."""
    pairs = min(len(gone), len(come))
    for old, new in zip(gone, come, strict=False):
        yield from _compare(before[old], after[new], (*path, new))
    for new in come[pairs:]:
        yield Change(format_path((*path, new)), "added", None, after[new])
    for old in gone[pairs:]:
        yield Change(format_path((*path, old)), "removed", before[old], None)


def _key(value: Any) -> str:
    """Equal exactly where the JSON values are: 1, 1.0 and true differ; key order does not count."""
    try:
        return json.dumps(value, sort_keys=True)
    except (RecursionError, TypeError, ValueError):
        return repr(type(value)) + str(id(value))

"""Giving examples new bytes as one change: those of a few together, those of many as they are read.

A change of many examples is written while it is worked out: at no time are the new bytes of all of them in memory.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from curator.core.example import MAX_LINE_BYTES
from curator.errors import CuratorError
from curator.workspace.changes.writing import Writing, parted_words, twin_words
from curator.workspace.meter import without_collecting
from curator.workspace.records import Change, Twin
from curator.workspace.storage.examples import ExampleRow
from curator.workspace.storage.open_change import (
    REVISION,
    SHOWN_IDS,
    Addition,
    FieldChange,
    NewBytes,
    OpenChange,
)

TOGETHER = 2_000
"""Up to so many changed examples are held in memory until all are known."""
TOGETHER_BYTES = 16 * 1024 * 1024
"""Up to so many new bytes, where nothing is held out."""
_AT_ONCE, _AT_ONCE_BYTES = 500, 1024 * 1024
"""Examples and bytes that are written by one statement."""


class _Rewritten(NamedTuple):
    """An example whose bytes change; `lines` are the new ones, none where it is deleted."""

    example: int
    row: ExampleRow | None
    lines: list[bytes]

    @property
    def size(self) -> int:
        return sum(map(len, self.lines))


def rewrite(
    writing: Writing, kind: str, template: str, ids: Iterable[int], change: Callable[[int, bytes], bytes]
) -> Change:
    """Give examples new bytes, (id, old bytes) → new bytes; those that stay the same are left alone.

    Of several lines of new bytes the first one stays the example, and the others are added behind it. Where there
    are no new bytes the example is deleted.
    """
    with writing.guard, without_collecting():
        examples = writing.begin(ids)
        held_out = writing.has_held_out()
        changed = _changed(writing, examples, change)
        first, size = [], 0
        for each in changed:
            first.append(each)
            size += each.size
            if len(first) > TOGETHER or (size > TOGETHER_BYTES and not held_out):
                rest = chain(iter(first), changed)
                del first
                return _write_as_it_comes(writing, kind, template, rest, len(examples))
        return _write_together(writing, kind, template, first)


def _changed(
    writing: Writing, examples: Sequence[int], change: Callable[[int, bytes], bytes]
) -> Iterator[_Rewritten]:
    """Those of some examples that get other bytes. Raises CuratorError for a line that is too long."""
    stored = writing.stored.rows_and_raws(examples)
    for example, row, old in writing.journal.meter.over("Changing", stored, len(examples)):
        new = change(example, old)
        if new != old:
            lines = new.split(b"\n") if new else []
            if any(len(line) > MAX_LINE_BYTES for line in lines):
                raise CuratorError(f"an example is at most {MAX_LINE_BYTES // 2**20} MB long")
            yield _Rewritten(example, row, lines)


def _write_together(writing: Writing, kind: str, template: str, changed: Sequence[_Rewritten]) -> Change:
    new_bytes, parts, additions = _as_parts(changed, writing.stored.next_id())
    for each in new_bytes:
        parts.append(FieldChange(each.example, "raw", each.before, each.after))
        parts.append(FieldChange(each.example, "version", each.version_before, REVISION))
    fresh = {each.example: each.after for each in new_bytes}
    fresh |= {addition.id: addition.raw for addition in additions}
    twins = writing.held_out_twins(fresh.items(), len(fresh))
    parts += writing.twin_parts(twins)
    parted = writing.parted(fresh)
    parts += [FieldChange(each.example, "split", each.held_out, each.side) for each in parted]
    label = writing.describe(template, [each.example for each in changed]) + twin_words(twins)
    label += parted_words(parted)
    done = writing.journal.commit(kind, label, parts, additions=additions, examples=len(changed))
    gone = [each.example for each in changed if not each.lines]
    if additions or gone:
        writing.restructure()
    writing.publish([*fresh, *gone], bool(additions or gone))
    return replace(done, twins=twins, parted=parted)


def _write_as_it_comes(
    writing: Writing, kind: str, template: str, changed: Iterator[_Rewritten], count: int
) -> Change:
    """As `_write_together`, for changes among `count` examples, which are written before all of them are known.

    So many are compared with held-out ones for the same words alone, and none of them goes back from there.
    """
    held_out, next_id = writing.has_held_out(), writing.stored.next_id()
    with writing.journal.open_change() as change:
        stream = _Stream(change, changed, next_id)
        twins: tuple[Twin, ...] = ()
        if held_out:
            twins = writing.held_out_twins(stream.write(), count)
            change.write(writing.twin_parts(twins))
        else:
            for _ in stream.write():
                pass
        label = writing.describe(template, stream.examples) + twin_words(twins)
        change.end_redo()
        ids = sorted(stream.touched) if len(stream.touched) <= SHOWN_IDS else stream.touched
        done = change.close(kind, label, len(stream.examples), ids=ids)
    if stream.moved:
        writing.restructure()
    writing.publish(stream.touched, stream.moved)
    return replace(done, twins=twins)


class _Stream:
    """Writes changed examples as they come."""

    def __init__(self, change: OpenChange, changed: Iterator[_Rewritten], next_id: int) -> None:
        self._change = change
        self._changed = changed
        self._next_id = next_id
        self.examples = array("q")
        """The changed examples so far."""
        self.touched = array("q")
        """They, and those that were added behind them."""
        self.moved = False
        """Whether examples were added or deleted."""

    def write(self) -> Iterator[tuple[int, bytes]]:
        """Write all; yields the id and the new bytes of each example that is on its way to the disk."""
        for batch in _batches(self._changed):
            new_bytes, parts, additions = _as_parts(batch, self._next_id)
            self._next_id += len(additions)
            self._change.rewrite(new_bytes)
            self._change.add(additions)
            self._change.write(parts)
            self.moved = self.moved or bool(parts)
            self.examples.extend(each.example for each in batch)
            self.touched.extend(each.example for each in batch)
            self.touched.extend(addition.id for addition in additions)
            yield from ((each.example, each.after) for each in new_bytes)
            yield from ((addition.id, addition.raw) for addition in additions)


def _as_parts(
    changed: Sequence[_Rewritten], next_id: int
) -> tuple[list[NewBytes], list[FieldChange], list[Addition]]:
    """New bytes, and the additions behind examples that became several lines, the first of them with the id
    `next_id`; and the parts by which examples come and go."""
    new_bytes, parts, additions = [], [], list[Addition]()
    for example, row, lines in changed:
        if not lines:
            parts.append(FieldChange(example, "deleted", row.deleted if row is not None else 0, 1))
            continue
        before = (None, 0) if row is None else (row.raw, row.version)
        new_bytes.append(NewBytes(example, *before, lines[0]))
        anchor = example
        for line in lines[1:]:
            additions.append(Addition(next_id + len(additions), line, anchor))
            anchor = additions[-1].id
    parts += [FieldChange(addition.id, "deleted", 2, 0) for addition in additions]
    return new_bytes, parts, additions


def _batches(changed: Iterable[_Rewritten]) -> Iterator[list[_Rewritten]]:
    """Examples in pieces of `_AT_ONCE` at most, or of about `_AT_ONCE_BYTES`."""
    batch, size = [], 0
    for each in changed:
        batch.append(each)
        size += each.size
        if len(batch) >= _AT_ONCE or size >= _AT_ONCE_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch

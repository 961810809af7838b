"""Splits a dataset into training and validation: finds groups, draws the sides, and checks them for leaks."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD
from curator.core.split import Items, Side, Split, Splitter
from curator.core.text import count_of, one_line
from curator.errors import CuratorError, UsageError
from curator.workspace.duplicates.index_by_id import Duplicates
from curator.workspace.duplicates.leak_check import LeakCheck, Read
from curator.workspace.duplicates.row_reader import RawOf
from curator.workspace.duplicates.ties import Ties
from curator.workspace.meter import Meter


class NumberedExamples(Protocol):
    """Examples by number, above 0: read once in order, afterwards one by one."""

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """(number, bytes) in order."""

    def raw(self, number: int) -> bytes:
        """The bytes of one that was read."""


_LOOKS = 5
"""Most times the sides are drawn: again where the last look finds copies on both."""
_COMPARED = 4_000
"""Pairs of a chain of copies that are all compared; in a longer one those count that the search compared."""
_FAR = 2
"""A side that is so many times as large as asked, or as small, is far from it."""


@dataclass(frozen=True, slots=True)
class Division:
    """The ids of both sides in dataset order; `reasons` are sentences on why the sides are as they are."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    seed: int
    leaks: int
    """Validation examples with a copy in training; 0 unless something went wrong."""
    reasons: tuple[str, ...]


def divide(
    raws: Mapping[int, bytes],
    validation: float,
    seed: int = 0,
    *,
    stratify: str | None = None,
    strata: Mapping[int, Hashable] | None = None,
    fixed: Mapping[int, Side] | None = None,
    ties: Ties | None = None,
    threshold: float = DEFAULT_THRESHOLD,
    meter: Meter | None = None,
) -> Division:
    """Divide examples (id → bytes, in order) so that no copy, contradiction or look-alike is on both sides.

    `validation` is the size of that side: a share below 1, else a count. Both sides hold equal shares of each
    stratum: `stratify` is `answer` or a location such as `metadata.topic`, `strata` gives the strata directly.
    `fixed` holds the side of examples that must not move. `ties` is what is known of these examples, and maybe of
    more, where they were read before. Lines that are no JSON objects stay in training, where a check reports them.
    `meter` shows the progress. Raises UsageError for a bad size or stratum and fewer than two examples,
    CuratorError for a side far from what was asked.
    """
    meter = meter or Meter()
    stratify = stratify if strata is None else None
    ties = ties or Ties(raws, stratify=stratify, threshold=threshold, meter=meter)
    among = ties.among(raws.keys())
    sound = ties.sound(among)
    broken, shapeless = ties.rest(among)
    items = Items(ties.rows.ids[sound], ties.strata if strata is None else strata, fixed or {})
    _refuse_nothing(items, len(raws), stratify)
    documents = ties.shared_documents(among)
    known = Read(ties.rows, ties.phrases, ties.kin.minimums, ties.kin.words_in_order, ties.kin.one_system)
    try:
        splitter = Splitter(items, validation, seed, ties.families, documents, ties.copies_among)
        sides, leaks = _draw(splitter, LeakCheck(raws, threshold, meter, known))
    except ValueError as error:
        raise UsageError(str(error)) from None
    reasons = list(sides.reasons)
    if documents:
        reasons.append(f"{count_of(len(documents), 'long text')} that several examples ask about stay on one side")
    reasons += _reasons_for_the_rest(broken, shapeless)
    _refuse_far_sides(sides, items, reasons)
    train = ties.rows.ids[among & ~ties.rows.mask(sides.validation)]
    return Division(tuple(train.tolist()), sides.validation, seed, leaks, tuple(reasons))


def _reasons_for_the_rest(broken: int, shapeless: int) -> Iterator[str]:
    """Sentences on the lines that are not divided."""
    if broken:
        lines = count_of(broken, "broken line stays", "broken lines stay")
        yield f"{lines} in training; check finds {'it' if broken == 1 else 'them'}"
    if shapeless:
        yield f"in training, since they have no messages: {shapeless} (check names their shape)"


def _draw(splitter: Splitter, leak_check: LeakCheck) -> tuple[Split, int]:
    """Draw the sides, and draw again with what the last look finds beside the groups: copies on both sides.

    Returns the sides, and how many examples of the validation side still have a copy on the other.
    """
    copies: list[Sequence[int]] = []
    for _ in range(_LOOKS):
        sides = splitter.split(copies)
        leaks = leak_check.pairs(sides.validation)
        if not leaks:
            break
        copies += leaks
    if copies:
        words = f"a last look found {count_of(len(copies), 'more pair', 'more pairs')} of copies, on one side too"
        sides = replace(sides, reasons=(*sides.reasons, words))
    return sides, len({held_out for held_out, _ in leaks})


def _refuse_far_sides(sides: Split, items: Items, reasons: Sequence[str]) -> None:
    """Raise CuratorError where a side is empty or far from what was asked, with the reasons and the way out."""
    placed = sum(side == "validation" for side in items.fixed.values())
    wish = max(sides.asked, placed)
    size, count = len(sides.validation), len(items.ids)
    is_near = wish / _FAR <= size <= wish * _FAR and count - size >= (count - wish) / _FAR
    if 0 < size < count and is_near:
        return
    because = "; ".join(reasons) or "the examples that were placed by hand leave no room"
    raise CuratorError(
        f"No split: {size:,} of {count_of(count)} would be held out instead of {wish:,} ({because}). Ask for "
        "another share or number, remove copies first (curator dedup), or let go examples pinned to a side.",
        title="Not split",
    )


def _refuse_nothing(items: Items, count: int, stratify: str | None) -> None:
    """Raise UsageError where there is nothing to divide, or nothing to stratify by."""
    if len(items.ids) < 2:
        others = "; curator check says what the others are" if len(items.ids) < count else ""
        raise UsageError(
            f"there is nothing to divide: {count_of(len(items.ids), 'sound example')} with messages{others}"
        )
    if stratify and set(items.strata.values()) == {None}:
        raise UsageError(f"no example has '{one_line(stratify)}': --stratify wants answer or a location")


def find_copied_lines(
    test_lines: Iterable[tuple[int, bytes]], raws: Mapping[int, bytes], threshold: float
) -> list[tuple[int, int]]:
    """Find the lines of a test set, given as (number, bytes), with an exact or near copy in `raws`.

    Returns (line number, first id that it copies), sorted.
    """
    lines = dict(test_lines)
    copies = _copies_across(_both(raws.items(), lines.items()), _raw_of(raws, lines), threshold)
    return sorted((line, own[0]) for line, own in copies)


def copies_by_example(test_lines: Iterable[tuple[int, bytes]], raws: Mapping[int, bytes]) -> dict[int, int]:
    """The examples of `raws` of which a test set holds an exact or near copy, each with the first such line."""
    lines = dict(test_lines)
    return _first_lines(
        _copies_across(_both(raws.items(), lines.items()), _raw_of(raws, lines), DEFAULT_THRESHOLD)
    )


def copies_by_example_read(test: NumberedExamples, training: NumberedExamples) -> dict[int, int]:
    """As `copies_by_example`, of sets that are read once and not held in memory."""

    def raw_of(key: int) -> bytes:
        return training.raw(key) if key >= 0 else test.raw(-key)

    return _first_lines(_copies_across(_both(training, test), raw_of, DEFAULT_THRESHOLD))


def _both(
    examples: Iterable[tuple[int, bytes]], test_lines: Iterable[tuple[int, bytes]]
) -> Iterator[tuple[int, bytes]]:
    """Both sets, the lines of the second with negative keys."""
    return chain(examples, ((-number, raw) for number, raw in test_lines))


def _raw_of(raws: Mapping[int, bytes], lines: Mapping[int, bytes]) -> RawOf:
    return lambda key: raws[key] if key >= 0 else lines[-key]


def _first_lines(copies: Iterable[tuple[int, list[int]]]) -> dict[int, int]:
    first: dict[int, int] = {}
    for line, own in copies:
        for example in own:
            first[example] = min(line, first.get(example, line))
    return first


def _copies_across(
    both: Iterable[tuple[int, bytes]], raw_of: RawOf, threshold: float
) -> Iterator[tuple[int, list[int]]]:
    """The test lines, which have negative keys, with copies among the other examples, and these.

    The question is that of a split's last look: each pair is compared directly, and a copy of a copy is none.
    """
    duplicates = Duplicates.build(both, raw_of)
    for chain_of_copies in duplicates.arrange(threshold).chains:
        own = [key for key in chain_of_copies if key >= 0]
        lines = [key for key in chain_of_copies if key < 0]
        if len(own) * len(lines) > _COMPARED:
            for same_lines, copied in duplicates.copies_across(lines, own, threshold):
                yield from ((-line, copied) for line in same_lines)
            continue
        for line in lines if own else ():
            copied = [key for key in own if duplicates.are_copies(line, key, threshold)]
            if copied:
                yield -line, copied

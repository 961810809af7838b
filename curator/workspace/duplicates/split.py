"""Splits a dataset into training and validation: finds groups, draws the sides, and checks them for leaks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Protocol

from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD
from curator.core.duplicates.groups import Arrangement
from curator.core.duplicates.plain_lines import plain_chat
from curator.core.duplicates.texts import messages_of, normalise, prompt_and_answer
from curator.core.example import parse, parse_path
from curator.core.split import Item, Side, Split, split
from curator.core.text import one_line
from curator.errors import CuratorError, UsageError
from curator.workspace.duplicates.documents import same_document
from curator.workspace.duplicates.index_by_id import Duplicates, RawOf
from curator.workspace.duplicates.leak_check import LeakCheck
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
    duplicates: Duplicates | None = None,
    threshold: float = DEFAULT_THRESHOLD,
    meter: Meter | None = None,
) -> Division:
    """Divide examples (id → bytes, in order) so that no copy, contradiction or look-alike is on both sides.

    `validation` is the size of that side: a share below 1, else a count. Both sides hold equal shares of each
    stratum: `stratify` is `answer` or a location such as `metadata.topic`, `strata` gives the strata directly.
    `fixed` holds the side of examples that must not move. Without `duplicates` they are searched for. Lines that
    are no JSON objects stay in training, where a check reports them. `meter` shows the progress. Raises UsageError
    for a bad size or stratum and fewer than two examples, CuratorError for a side far from what was asked.
    """
    meter = meter or Meter()
    ids, own_strata, shapeless = _readable(raws, stratify if strata is None else None, meter)
    strata = own_strata if strata is None else strata
    progress = meter.share(len(raws))
    if duplicates is None:
        read = meter.over("Reading", raws.items(), len(raws))
        duplicates = Duplicates.build(read, raws.__getitem__, progress=progress)
    arrangement = duplicates.arrange(threshold)
    families = _families(arrangement, duplicates)
    documents = same_document(raws, meter.over("Reading", raws.items(), len(raws)))
    items = [Item(i, strata.get(i), (fixed or {}).get(i)) for i in ids]
    try:
        leak_check = LeakCheck(raws, threshold, meter)
        sides, leaks = _draw(
            partial(split, items, validation, seed, families=families, documents=documents),
            [*arrangement.chains],
            leak_check,
        )
    except ValueError as error:
        raise UsageError(str(error)) from None
    reasons = list(sides.reasons)
    if documents:
        reasons.append(f"{len(documents)} long texts that several examples ask about stay on one side")
    reasons += _reasons_for_the_rest(len(raws) - len(ids) - shapeless, shapeless)
    _refuse_far_sides(sides, items, reasons)
    validation_ids = set(sides.validation)
    train = tuple(example for example in raws if example not in validation_ids)
    return Division(train, sides.validation, seed, leaks, tuple(reasons))


def _reasons_for_the_rest(broken: int, shapeless: int) -> Iterator[str]:
    """Sentences on the lines that are not divided."""
    if broken:
        yield f"{broken} broken lines stay in training; check finds them"
    if shapeless:
        yield f"in training, since they have no messages: {shapeless} (check names their shape)"


def _families(arrangement: Arrangement, duplicates: Duplicates) -> list[tuple[int, ...]]:
    """What should stay on one side without being copies: look-alikes and contradictions."""
    look_alikes = [group.ids for group in arrangement.groups if group.kind == "family"]
    return look_alikes + [conflict.ids for conflict in duplicates.conflicts()]


def _draw(
    split_by: Callable[[list[Sequence[int]]], Split], copies: list[Sequence[int]], leak_check: LeakCheck
) -> tuple[Split, int]:
    """Draw the sides, and draw again with what the last look finds beside the groups: copies on both sides.

    Returns the sides, and how many examples of the validation side still have a copy on the other.
    """
    grouped = len(copies)
    for _ in range(_LOOKS):
        sides = split_by(copies)
        leaks = leak_check.pairs(sides.validation)
        if not leaks:
            break
        copies += leaks
    if len(copies) > grouped:
        words = f"a last look found {len(copies) - grouped} more pairs of copies, which stay on one side too"
        sides = replace(sides, reasons=(*sides.reasons, words))
    return sides, len({held_out for held_out, _ in leaks})


def _refuse_far_sides(sides: Split, items: Sequence[Item], reasons: Sequence[str]) -> None:
    """Raise CuratorError where a side is empty or far from what was asked, with the reasons and the way out."""
    fixed_sides = [item.fixed for item in items]
    wish = max(sides.asked, fixed_sides.count("validation"))
    size, count = len(sides.validation), len(items)
    is_near = wish / _FAR <= size <= wish * _FAR and count - size >= (count - wish) / _FAR
    if 0 < size < count and is_near:
        return
    because = "; ".join(reasons) or "the examples that were placed by hand leave no room"
    raise CuratorError(
        f"No split: {size:,} of {count:,} examples would be held out instead of {wish:,} ({because}). Ask for "
        "another share or number, remove copies first (curator dedup), or let go examples pinned to a side.",
        title="Not split",
    )


def _readable(
    raws: Mapping[int, bytes], stratify: str | None, meter: Meter
) -> tuple[list[int], dict[int, Hashable], int]:
    """The examples with messages, their strata by `stratify` (none without it), and how many objects have none."""
    ids: list[int] = []
    shapeless = 0
    strata: dict[int, Hashable] = {}
    for example, raw in meter.over("Parsing", raws.items(), len(raws)):
        if not stratify and plain_chat(raw) is not None:
            ids.append(example)
            continue
        line = parse(raw)
        if line.broken or not isinstance(line.value, dict):
            continue
        if not messages_of(line.value):
            shapeless += 1
            continue
        ids.append(example)
        if stratify:
            strata[example] = _stratum(line.value, stratify)
    if len(ids) < 2:
        others = "; curator check says what the others are" if len(ids) < len(raws) else ""
        raise UsageError(f"there is nothing to divide: {len(ids)} sound examples with messages{others}")
    if stratify and set(strata.values()) == {None}:
        raise UsageError(f"no example has '{one_line(stratify)}': --stratify wants answer or a location")
    return ids, strata, shapeless


def _stratum(value: object, field: str) -> Hashable:
    """The answer of an example, or the value at a location; None where it has none."""
    if field == "answer":
        return normalise(prompt_and_answer(value)[1] or "")
    try:
        for step in parse_path(field):
            value = value[step]  # type: ignore[index]
    except (LookupError, TypeError, ValueError):
        return None
    return str(value)


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

"""Splits a dataset into training and validation: finds groups, draws the sides, and checks them for leaks."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD
from curator.core.duplicates.texts import normalise, prompt_and_answer
from curator.core.example import parse, parse_path
from curator.core.split import Item, Side, split
from curator.core.text import one_line
from curator.errors import UsageError
from curator.workspace.duplicates.index_by_id import Duplicates
from curator.workspace.duplicates.leak_check import LeakCheck
from curator.workspace.meter import Meter


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
    are no JSON objects stay in training, where a check reports them. `meter` shows the progress. Raises
    UsageError for a bad size or stratum, and for fewer than two examples.
    """
    meter = meter or Meter()
    ids, own_strata = _readable(raws, stratify if strata is None else None, meter)
    strata = own_strata if strata is None else strata
    progress = meter.share(len(raws))
    if duplicates is None:
        read = meter.over("Reading", raws.items(), len(raws))
        duplicates = Duplicates.build(read, raws.__getitem__, progress=progress)
    groups = duplicates.groups(threshold)
    copies = [group.ids for group in groups if group.kind != "family"]
    families = [group.ids for group in groups if group.kind == "family"]
    families += [conflict.ids for conflict in duplicates.conflicts()]
    items = [Item(i, strata.get(i), (fixed or {}).get(i)) for i in ids]
    try:
        sides = split(items, validation, seed, copies, families)
    except ValueError as error:
        raise UsageError(str(error)) from None
    leak_check = LeakCheck(raws, threshold, meter)
    held_out, moved = _without_leaks(sides.validation, leak_check)
    reasons = list(sides.reasons)
    if moved:
        reasons.append(f"{moved} moved to training: a last look found near copies of them there")
    if len(ids) < len(raws):
        reasons.append(f"{len(raws) - len(ids)} broken lines stay in training; check finds them")
    validation_ids = set(held_out)
    train = tuple(example for example in raws if example not in validation_ids)
    return Division(train, held_out, seed, len(leak_check.leaking(held_out)), tuple(reasons))


def _readable(
    raws: Mapping[int, bytes], stratify: str | None, meter: Meter
) -> tuple[list[int], dict[int, Hashable]]:
    """The examples that are JSON objects, and their strata by `stratify` (none without it)."""
    ids: list[int] = []
    strata: dict[int, Hashable] = {}
    for example, raw in meter.over("Parsing", raws.items(), len(raws)):
        line = parse(raw)
        if isinstance(line.value, dict) and not line.broken:
            ids.append(example)
            if stratify:
                strata[example] = _stratum(line.value, stratify)
    if len(ids) < 2:
        raise UsageError(f"there is nothing to divide: {len(ids)} sound examples")
    if stratify and set(strata.values()) == {None}:
        raise UsageError(f"no example has '{one_line(stratify)}': --stratify wants answer or a location")
    return ids, strata


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


def _without_leaks(held_out: tuple[int, ...], leak_check: LeakCheck) -> tuple[tuple[int, ...], int]:
    """The held-out ids without those that leak, and how many these are. Moving one may make another one leak."""
    moved = 0
    while leaking := leak_check.leaking(held_out):
        moved += len(leaking)
        held_out = tuple(example for example in held_out if example not in leaking)
    return held_out, moved


def find_copied_lines(
    test_lines: Iterable[tuple[int, bytes]], raws: Mapping[int, bytes], threshold: float
) -> list[tuple[int, int]]:
    """Find the lines of a test set, given as (number, bytes), with an exact or near copy in `raws`.

    Returns (line number, first id that it copies), sorted.
    """
    lines = {-number: raw for number, raw in test_lines}
    both = {**raws, **lines}
    groups = Duplicates.build(both.items(), both.__getitem__).groups(threshold)
    pairs = []
    for group in groups:
        own = [example for example in group.ids if example in raws]
        if group.kind != "family" and own:
            pairs += [(-line, own[0]) for line in group.ids if line in lines]
    return sorted(pairs)

"""Train and validation of a dataset: groups found, sides drawn, and the result checked for leaks on its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD
from curator.core.duplicates.texts import normalise, prompt_and_answer
from curator.core.example import parse, parse_path
from curator.core.split import Item, Side, split
from curator.core.text import one_line
from curator.errors import UsageError
from curator.workspace.duplicates.index_by_id import Duplicates
from curator.workspace.duplicates.leak_check import Leaks
from curator.workspace.meter import Meter


@dataclass(frozen=True, slots=True)
class Division:
    """Ids by side in dataset order; `reasons` say in words why the sides are as they are."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    seed: int
    leaks: int
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

    `stratify` is `answer` or a location such as `metadata.topic`; `strata` gives the strata directly. Lines
    that are no JSON objects stay in training, where a check finds them. `meter` is told how far it is. Raises
    UsageError for a bad share.
    """
    meter = meter or Meter()
    sound: list[int] = []
    stratum: dict[int, Hashable] = {}
    for example, raw in meter.over("Parsing", raws.items(), len(raws)):
        line = parse(raw)
        if isinstance(line.value, dict) and not line.broken:
            sound.append(example)
            if strata is None and stratify:
                stratum[example] = _stratum(line.value, stratify)
    if len(sound) < 2:
        raise UsageError(f"there is nothing to divide: {len(sound)} sound examples")
    told = meter.share(len(raws))
    if duplicates is None:
        read = meter.over("Reading", raws.items(), len(raws))
        duplicates = Duplicates.build(read, raws.__getitem__, progress=told)
    groups = duplicates.groups(threshold)
    whole = [group.ids for group in groups if group.kind != "family"]
    kin = [group.ids for group in groups if group.kind == "family"]
    kin += [conflict.ids for conflict in duplicates.conflicts()]
    if strata is None and stratify:
        strata = stratum
        if set(strata.values()) == {None}:
            raise UsageError(f"no example has '{one_line(stratify)}': --stratify wants answer or a location")
    items = [Item(i, (strata or {}).get(i), (fixed or {}).get(i)) for i in sound]
    try:
        made = split(items, validation, seed, whole, kin)
    except ValueError as error:
        raise UsageError(str(error)) from None
    leaks = Leaks(raws, threshold, meter)
    held, moved = _without_leaks(made.validation, leaks)
    reasons = list(made.reasons)
    if moved:
        reasons.append(f"{moved} moved to training: a last look found near copies of them there")
    if len(sound) < len(raws):
        reasons.append(f"{len(raws) - len(sound)} broken lines stay in training; check finds them")
    chosen = set(held)
    train = tuple(example for example in raws if example not in chosen)
    return Division(train, held, seed, len(leaks.leaking(held)), tuple(reasons))


def _stratum(value: object, field: str) -> Hashable:
    if field == "answer":
        return normalise(prompt_and_answer(value)[1] or "")
    try:
        for step in parse_path(field):
            value = value[step]  # type: ignore[index]
    except (LookupError, TypeError, ValueError):
        return None
    return str(value)


def _without_leaks(held: Sequence[int], leaks: Leaks) -> tuple[tuple[int, ...], int]:
    """The held-out ids less those with a copy in training; taking one away may uncover another."""
    kept, moved = tuple(held), 0
    while leaking := leaks.leaking(kept):
        moved += len(leaking)
        kept = tuple(example for example in kept if example not in leaking)
    return kept, moved


def copied_from(
    test_lines: Iterable[tuple[int, bytes]], raws: Mapping[int, bytes], threshold: float
) -> list[tuple[int, int]]:
    """Lines of a test set, each (number, bytes), with a copy in `raws`, exact or near: (number, first such id)."""
    lines = {-number: raw for number, raw in test_lines}
    both = {**raws, **lines}
    found = Duplicates.build(both.items(), both.__getitem__).groups(threshold)
    pairs = []
    for group in found:
        own = [example for example in group.ids if example in raws]
        if group.kind != "family" and own:
            pairs += [(-line, own[0]) for line in group.ids if line in lines]
    return sorted(pairs)


def sizes(division: Division, strata: Mapping[int, Hashable]) -> dict[Hashable, tuple[int, int]]:
    """Training and validation examples of each stratum."""
    train = Counter(strata.get(example) for example in division.train)
    held = Counter(strata.get(example) for example in division.validation)
    return {stratum: (train[stratum], held[stratum]) for stratum in sorted(train | held, key=str)}

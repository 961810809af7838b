"""Dividing examples into training and validation without leaks: all copies of an example go to one side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from curator.core.duplicates.disjoint_sets import DisjointSets
from curator.core.text import count_of

Side = Literal["train", "validation"]

_WHOLE_FAMILY = 0.2
"""Look-alikes with a larger share of all examples are divided, else they could not be on both sides."""


@dataclass(frozen=True, slots=True)
class Item:
    """One example to place. Both sides get equal shares of each `stratum`; `fixed` is a side chosen in advance."""

    id: int
    stratum: Hashable = None
    fixed: Side | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """The ids of the two sides, in the order of the items, and sentences that explain the division."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    seed: int
    reasons: tuple[str, ...]
    asked: int = 0
    """How many were asked for on the validation side."""


def split(
    items: Sequence[Item],
    validation: float,
    seed: int = 0,
    groups: Iterable[Sequence[int]] = (),
    families: Iterable[Sequence[int]] = (),
    documents: Iterable[Sequence[int]] = (),
) -> Split:
    """Put about `validation` of the items (a share below 1, else a count) on the validation side.

    `groups` are never torn. `documents`, items that share a text, and `families` of look-alikes are divided
    only where they would hold over a fifth of all items, families first.

    Equal items, groups and seeds give an equal split; the draw of a group depends only on the seed and its
    first id. A group with a fixed member goes to its side; with members fixed on both sides, to training. Raises
    ValueError where `validation` is out of range.
    """
    if not items:
        return Split((), (), seed, ("nothing to split",))
    count = _validation_count(validation, len(items))
    reasons: list[str] = []
    units = _units(items, groups, documents, families, reasons)
    sides = {unit[0].id: _fixed_side(unit) for unit in units}
    quota = _quotas(items, count)
    used = Counter(dict.fromkeys(quota, 0))
    for unit in units:
        if sides[unit[0].id] == "validation":
            used[_stratum(unit)] += len(unit)
    free = sorted((u for u in units if sides[u[0].id] is None), key=lambda unit: _draw(seed, unit))
    for unit in free:
        if used[_stratum(unit)] + len(unit) <= quota[_stratum(unit)]:
            used[_stratum(unit)] += len(unit)
            sides[unit[0].id] = "validation"
    _top_up(free, sides, count - sum(used.values()))
    on_validation = {item.id for unit in units if sides[unit[0].id] == "validation" for item in unit}
    train = tuple(item.id for item in items if item.id not in on_validation)
    validation_ids = tuple(item.id for item in items if item.id in on_validation)
    if len(validation_ids) != count:
        reasons.append(f"{len(validation_ids)} instead of {count} for validation, since groups are never torn")
    return Split(train, validation_ids, seed, tuple(reasons), count)


def _validation_count(validation: float, count: int) -> int:
    if not 0 < validation < count:
        raise ValueError(f"validation must be a share below 1 or a count below {count}, not {validation:g}")
    if validation < 1:
        return min(count - 1, max(1, round(validation * count)))
    if validation != int(validation):
        raise ValueError(f"a count of examples must be whole, not {validation:g}")
    return int(validation)


def _units(
    items: Sequence[Item],
    groups: Iterable[Sequence[int]],
    documents: Iterable[Sequence[int]],
    families: Iterable[Sequence[int]],
    reasons: list[str],
) -> list[list[Item]]:
    """The lists of items that must stay together; members and lists are in the order of the items."""
    item_ids = {item.id for item in items}
    copies = DisjointSets()
    whole_groups = _join(copies, groups, item_ids)
    documented = copies.copy()
    whole_groups += _join(documented, documents, item_ids)
    alike = documented.copy()
    whole_groups += _join(alike, families, item_ids)
    levels = [copies, documented, alike]
    members = [_members(items, sets) for sets in levels]
    units: list[list[Item]] = []
    divided = 0
    pending = [(2, unit) for unit in reversed(members[2].values())]
    while pending:
        level, unit = pending.pop()
        if not level or len(unit) <= _WHOLE_FAMILY * len(items):
            units.append(unit)
            continue
        parts = {levels[level - 1].find(item.id): None for item in unit}
        divided += len(parts) > 1
        pending += [(level - 1, members[level - 1][part]) for part in reversed(parts)]
    if whole_groups:
        which = f"{count_of(whole_groups, 'group')} of duplicates, contradictions or look-alikes"
        reasons.append(f"{which} stay{'s' * (whole_groups == 1)} on one side")
    if divided:
        which = f"{count_of(divided, 'family', 'families')} of look-alikes or contradictions"
        verbs = ("holds", "was") if divided == 1 else ("hold", "were")
        reasons.append(f"{which} {verbs[0]} over a fifth of the examples and {verbs[1]} divided")
    return units


def _join(sets: DisjointSets, groups: Iterable[Sequence[int]], item_ids: set[int]) -> int:
    """Join the members of each group; return how many groups have two or more of the items."""
    count = 0
    for ids in groups:
        present = [i for i in ids if i in item_ids]
        count += len(present) > 1
        for other in present[1:]:
            sets.join(present[0], other)
    return count


def _members(items: Sequence[Item], sets: DisjointSets) -> dict[int, list[Item]]:
    """The items of each set, by its representative, in the order of the items."""
    units: dict[int, list[Item]] = {}
    for item in items:
        units.setdefault(sets.find(item.id), []).append(item)
    return units


def _fixed_side(unit: list[Item]) -> Side | None:
    sides = {item.fixed for item in unit} - {None}
    if not sides:
        return None
    return "train" if "train" in sides else "validation"


def _stratum(unit: list[Item]) -> Hashable:
    return unit[0].stratum


def _quotas(items: Sequence[Item], count: int) -> dict[Hashable, int]:
    """`count` distributed over the strata in proportion to their sizes (largest remainder method)."""
    sizes = Counter(item.stratum for item in items)
    exact = {stratum: count * size / len(items) for stratum, size in sizes.items()}
    quota = {stratum: int(share) for stratum, share in exact.items()}
    by_remainder = sorted(exact, key=lambda stratum: (quota[stratum] - exact[stratum], str(stratum)))
    for stratum in by_remainder[: count - sum(quota.values())]:
        quota[stratum] += 1
    return quota


def _draw(seed: int, unit: list[Item]) -> bytes:
    """A pseudo-random sort key from the seed and the first id of the unit, so that new examples move no others."""
    return hashlib.blake2b(f"{seed}:{unit[0].id}".encode(), digest_size=16).digest()


def _top_up(free: list[list[Item]], sides: dict[int, Side | None], missing: int) -> None:
    """Fill the places that the strata left with the first units in `free` that fit; the others go to training."""
    for unit in free:
        if sides[unit[0].id] is None:
            fits = len(unit) <= missing
            sides[unit[0].id] = "validation" if fits else "train"
            missing -= len(unit) if fits else 0

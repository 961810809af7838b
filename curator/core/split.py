"""Train and validation without leaks: groups of copies go to one side whole."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from curator.core.duplicates.disjoint_sets import DisjointSets

Side = Literal["train", "validation"]

_WHOLE_FAMILY = 0.2
"""A look-alike family larger than this share of the set may be torn: else nothing could be validated on it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One example to place. `stratum` is what both sides should hold in equal shares; `fixed` stays put."""

    id: int
    stratum: Hashable = None
    fixed: Side | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """The two sides, in the order of the items, and why they are as they are, in words."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    seed: int
    reasons: tuple[str, ...]


def split(
    items: Sequence[Item],
    validation: float,
    seed: int = 0,
    groups: Iterable[Sequence[int]] = (),
    families: Iterable[Sequence[int]] = (),
) -> Split:
    """Put about `validation` of the items (a share below 1, else a count) on the validation side.

    The same items, groups and seed give the same split; an item's luck depends on the seed and its group
    only. A group with a fixed member follows it (train wins a tie). Raises ValueError for a bad share.
    """
    if not items:
        return Split((), (), seed, ("nothing to split",))
    wanted = _wanted(validation, len(items))
    reasons: list[str] = []
    units = _units(items, groups, families, reasons)
    sides = {unit[0].id: _fixed_side(unit) for unit in units}
    quota = _quotas(items, wanted)
    taken = Counter(dict.fromkeys(quota, 0))
    for unit in units:
        if sides[unit[0].id] == "validation":
            taken[_stratum(unit)] += len(unit)
    free = sorted((u for u in units if sides[u[0].id] is None), key=lambda unit: _luck(seed, unit))
    for unit in free:
        if taken[_stratum(unit)] + len(unit) <= quota[_stratum(unit)]:
            taken[_stratum(unit)] += len(unit)
            sides[unit[0].id] = "validation"
    _top_up(free, sides, wanted - sum(taken.values()))
    chosen = {item.id for unit in units if sides[unit[0].id] == "validation" for item in unit}
    train = tuple(item.id for item in items if item.id not in chosen)
    held = tuple(item.id for item in items if item.id in chosen)
    if len(held) != wanted:
        reasons.append(f"{len(held)} instead of {wanted} for validation, since groups are never torn")
    return Split(train, held, seed, tuple(reasons))


def _wanted(validation: float, count: int) -> int:
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
    families: Iterable[Sequence[int]],
    reasons: list[str],
) -> list[list[Item]]:
    """Items that must stay together, as lists; members and lists in the order of the items."""
    together = DisjointSets()
    known = {item.id for item in items}
    kept = loose = 0
    for ids in groups:
        present = [i for i in ids if i in known]
        kept += len(present) > 1
        for other in present[1:]:
            together.join(present[0], other)
    for ids in families:
        present = [i for i in ids if i in known]
        if len(present) > _WHOLE_FAMILY * len(items):
            loose += 1
            continue
        kept += len(present) > 1
        for other in present[1:]:
            together.join(present[0], other)
    if kept:
        reasons.append(f"{kept} groups of duplicates, contradictions or look-alikes stay on one side")
    if loose:
        reasons.append(f"{loose} families of look-alikes hold over a fifth of the examples and were divided")
    units: dict[int, list[Item]] = {}
    for item in items:
        units.setdefault(together.find(item.id), []).append(item)
    return list(units.values())


def _fixed_side(unit: list[Item]) -> Side | None:
    sides = {item.fixed for item in unit} - {None}
    if not sides:
        return None
    return "train" if "train" in sides else "validation"


def _stratum(unit: list[Item]) -> Hashable:
    return unit[0].stratum


def _quotas(items: Sequence[Item], wanted: int) -> dict[Hashable, int]:
    """Whole numbers by stratum in proportion, summing to `wanted` (largest remainders)."""
    sizes = Counter(item.stratum for item in items)
    exact = {stratum: wanted * size / len(items) for stratum, size in sizes.items()}
    quota = {stratum: int(share) for stratum, share in exact.items()}
    by_remainder = sorted(exact, key=lambda stratum: (quota[stratum] - exact[stratum], str(stratum)))
    for stratum in by_remainder[: wanted - sum(quota.values())]:
        quota[stratum] += 1
    return quota


def _luck(seed: int, unit: list[Item]) -> bytes:
    """A draw that depends on the seed and the unit's first id alone, so that newcomers move nobody."""
    return hashlib.blake2b(f"{seed}:{unit[0].id}".encode(), digest_size=16).digest()


def _top_up(free: list[list[Item]], sides: dict[int, Side | None], missing: int) -> None:
    """Fill what strata could not with the luckiest units that still fit; the rest is for training."""
    for unit in free:
        if sides[unit[0].id] is None:
            fits = len(unit) <= missing
            sides[unit[0].id] = "validation" if fits else "train"
            missing -= len(unit) if fits else 0

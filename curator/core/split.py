"""Dividing examples into training and validation without leaks: all copies of an example go to one side."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curator.core.duplicates.disjoint_sets import DisjointSets
from curator.core.duplicates.id_rows import IdRows
from curator.core.text import count_of

Side = Literal["train", "validation"]
Groups = Iterable[Sequence[int]]
Rows = NDArray[np.int64]

_WHOLE_FAMILY = 0.2
"""Look-alikes with a larger share of all examples are divided, else they could not be on both sides."""


@dataclass(frozen=True, slots=True)
class Items:
    """The examples to place, by id, in order. Both sides get equal shares of each stratum; `fixed` are sides
    chosen in advance."""

    ids: Sequence[int] | Rows
    strata: Mapping[int, Hashable] = field(default_factory=dict)
    fixed: Mapping[int, Side] = field(default_factory=dict)


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
    items: Items,
    validation: float,
    seed: int = 0,
    groups: Groups = (),
    families: Groups = (),
    documents: Groups = (),
    copies_among: Callable[[Sequence[int]], Groups] | None = None,
) -> Split:
    """Put about `validation` of the items (a share below 1, else a count) on the validation side.

    `groups` are never torn. `documents`, items that share a text, and `families` of look-alikes are divided
    only where they would hold over a fifth of all items, families first; `copies_among` then names the groups
    among the ids of such a family.

    Equal items, groups and seeds give an equal split; the draw of a group depends only on the seed and its
    first id. A group with a fixed member goes to its side; with members fixed on both sides, to training. Raises
    ValueError where `validation` is out of range.
    """
    return Splitter(items, validation, seed, families, documents, copies_among).split(groups)


class Splitter:
    """Divides the same items again and again, with other groups (`split`)."""

    def __init__(
        self,
        items: Items,
        validation: float,
        seed: int = 0,
        families: Groups = (),
        documents: Groups = (),
        copies_among: Callable[[Sequence[int]], Groups] | None = None,
    ) -> None:
        self._rows = IdRows(items.ids)
        self._items, self._seed, self._copies_among = items, seed, copies_among
        self._wish = _validation_count(validation, len(self._rows)) if len(self._rows) else 0
        self._documents = self._rows_of(documents)
        self._alike = DisjointSets()
        _join(self._alike, self._documents)
        _join(self._alike, self._rows_of(families))

    def split(self, groups: Groups = ()) -> Split:
        """The two sides, with these groups whole."""
        seed, count, ids = self._seed, self._wish, self._rows.ids
        if not len(ids):
            return Split((), (), seed, ("nothing to split",))
        reasons: list[str] = []
        heads, sizes = self._units([*groups], reasons)
        quota = _quotas(self._items, count, len(ids))
        used = Counter(dict.fromkeys(quota, 0))
        sides = self._fixed_sides(heads)
        for head, side in sides.items():
            if side == "validation":
                used[self._stratum(head)] += sizes.get(head, 1)
        chosen = [head for head, side in sides.items() if side == "validation"]
        is_free = heads == np.arange(len(ids))
        is_free[[*sides]] = False
        chosen += self._drawn(is_free, sizes, quota, used)
        is_chosen = np.zeros(len(ids), np.bool_)
        is_chosen[chosen] = True
        held_out = is_chosen[heads]
        validation = tuple(ids[held_out].tolist())
        if len(validation) != count:
            reasons.append(f"{len(validation)} instead of {count} for validation, since groups are never torn")
        return Split(tuple(ids[~held_out].tolist()), validation, seed, tuple(reasons), count)

    def _drawn(
        self,
        is_free: NDArray[np.bool_],
        sizes: dict[int, int],
        quota: dict[Hashable, int],
        used: Counter[Hashable],
    ) -> list[int]:
        """Of the free units, by their first rows, those drawn for the validation side."""
        room = {stratum for stratum, most in quota.items() if used[stratum] < most}
        drawn: list[int] = []
        passed: list[int] = []
        for head in self._order[is_free[self._order]].tolist():
            if not room:
                break
            stratum, size = self._stratum(head), sizes.get(head, 1)
            if used[stratum] + size > quota[stratum]:
                passed.append(head)
                continue
            used[stratum] += size
            drawn.append(head)
            if used[stratum] == quota[stratum]:
                room.remove(stratum)
        return drawn + _top_up(passed, sizes, self._wish - sum(used.values()))

    @cached_property
    def _order(self) -> Rows:
        """The rows in the order in which they are drawn: by a hash of the seed and the id, so that new examples
        move no others."""
        digests = b"".join([_draw(self._seed, item) for item in self._rows.ids.tolist()])
        keys = np.frombuffer(digests, ">u8").reshape(-1, 2)
        return np.lexsort((keys[:, 1], keys[:, 0]))

    def _stratum(self, row: int) -> Hashable:
        return self._items.strata.get(int(self._rows.ids[row])) if self._items.strata else None

    def _rows_of(self, groups: Groups) -> list[list[int]]:
        """The rows of each group with two or more of the items."""
        members = [*groups]
        rows = self._rows.rows([*chain.from_iterable(members)]).tolist()
        at, found = 0, []
        for ids in members:
            present = [row for row in rows[at : at + len(ids)] if row >= 0]
            at += len(ids)
            if len(present) > 1:
                found.append(present)
        return found

    def _units(self, groups: list[Sequence[int]], reasons: list[str]) -> tuple[Rows, dict[int, int]]:
        """The first row of each row's unit, the rows that must stay together; and the sizes of units by these."""
        whole = self._rows_of(groups)
        sets = self._alike.copy()
        _join(sets, whole)
        units: list[list[int]] = []
        divided = 0
        for unit in sets.sets():
            parts = [unit] if len(unit) <= _WHOLE_FAMILY * len(self._rows) else self._parts(unit, whole)
            divided += len(parts) > 1
            units += [part for part in parts if len(part) > 1]
        heads = np.arange(len(self._rows))
        sizes = {unit[0]: len(unit) for unit in units}
        if units:
            heads[[*chain.from_iterable(units)]] = np.repeat([*sizes], [*sizes.values()])
            which = f"{count_of(len(units), 'group')} of duplicates, contradictions or look-alikes"
            reasons.append(f"{which} stay{'s' * (len(units) == 1)} on one side")
        if divided:
            which = f"{count_of(divided, 'family', 'families')} of look-alikes or contradictions"
            verbs = ("holds", "was") if divided == 1 else ("hold", "were")
            reasons.append(f"{which} {verbs[0]} over a fifth of the examples and {verbs[1]} divided")
        return heads, sizes

    def _parts(self, unit: list[int], groups: list[list[int]]) -> list[list[int]]:
        """The parts of a unit that is too large: the sets that share documents or copies, or where one of these is
        too large as well, the copies alone."""
        inside = set(unit)
        copies = DisjointSets()
        named = self._copies_among(self._rows.ids[unit].tolist()) if self._copies_among else ()
        _join(copies, self._rows_of(named))
        _join(copies, (rows for rows in groups if rows[0] in inside))
        documented = copies.copy()
        _join(documented, (rows for rows in self._documents if rows[0] in inside))
        parts: list[list[int]] = []
        for part in _sets_of(unit, documented):
            parts += [part] if len(part) <= _WHOLE_FAMILY * len(self._rows) else _sets_of(part, copies)
        return parts

    def _fixed_sides(self, heads: Rows) -> dict[int, Side]:
        """The side of each unit with a fixed member, by its first row."""
        sides: dict[int, Side] = {}
        fixed = self._items.fixed
        for row, side in zip(self._rows.rows(fixed.keys()).tolist(), fixed.values(), strict=True):
            if row >= 0:
                head = int(heads[row])
                sides[head] = "train" if "train" in (side, sides.get(head)) else "validation"
        return sides


def _join(sets: DisjointSets, groups: Iterable[Sequence[int]]) -> None:
    for rows in groups:
        for other in rows[1:]:
            sets.join(rows[0], other)


def _sets_of(rows: Iterable[int], sets: DisjointSets) -> list[list[int]]:
    """The rows, divided into their sets."""
    members: dict[int, list[int]] = {}
    for row in rows:
        members.setdefault(sets.find(row), []).append(row)
    return [*members.values()]


def _validation_count(validation: float, count: int) -> int:
    if not 0 < validation < count:
        raise ValueError(f"validation must be a share below 1 or a count below {count}, not {validation:g}")
    if validation < 1:
        return min(count - 1, max(1, round(validation * count)))
    if validation != int(validation):
        raise ValueError(f"a count of examples must be whole, not {validation:g}")
    return int(validation)


def _quotas(items: Items, count: int, size: int) -> dict[Hashable, int]:
    """`count` distributed over the strata in proportion to their sizes (largest remainder method)."""
    if not items.strata:
        return {None: count}
    sizes = Counter(items.strata.get(int(item)) for item in items.ids)
    exact = {stratum: count * held / size for stratum, held in sizes.items()}
    quota = {stratum: int(share) for stratum, share in exact.items()}
    by_remainder = sorted(exact, key=lambda stratum: (quota[stratum] - exact[stratum], str(stratum)))
    for stratum in by_remainder[: count - sum(quota.values())]:
        quota[stratum] += 1
    return quota


def _draw(seed: int, item: int) -> bytes:
    """A pseudo-random sort key from the seed and the first id of a unit."""
    return hashlib.blake2b(f"{seed}:{item}".encode(), digest_size=16).digest()


def _top_up(passed: Iterable[int], sizes: Mapping[int, int], missing: int) -> list[int]:
    """Fill the places that the strata left with the first units that fit; the others go to training."""
    fitting = []
    for head in passed:
        if missing <= 0:
            break
        if sizes.get(head, 1) <= missing:
            fitting.append(head)
            missing -= sizes.get(head, 1)
    return fitting

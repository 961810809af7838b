"""Divides a dataset into training, validation and test: no copy, contradiction or look-alike is on two of them."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from curator.core.split import Side
from curator.core.text import count_of
from curator.errors import UsageError
from curator.workspace.duplicates.split import Division, divide
from curator.workspace.duplicates.ties import Ties
from curator.workspace.meter import Meter

AnySide = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class ThreeSides:
    """The ids of the sides in dataset order; `reasons` are sentences on why the sides are as they are."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    seed: int
    leaks: int
    """Held-out examples with a copy on another side; 0 unless something went wrong."""
    reasons: tuple[str, ...]

    @property
    def side_of(self) -> dict[int, AnySide]:
        """The side of each held-out example."""
        sides: dict[int, AnySide] = dict.fromkeys(self.validation, "validation")
        return sides | dict.fromkeys(self.test, "test")


def divide_in_three(
    raws: Mapping[int, bytes],
    validation: float,
    test: float,
    seed: int = 0,
    *,
    stratify: str | None = None,
    strata: Mapping[int, Hashable] | None = None,
    fixed: Mapping[int, AnySide] | None = None,
    meter: Meter | None = None,
) -> ThreeSides:
    """As `divide`, with a test side of the size `test` (a share below 1 of all, or a count; 0: none).

    The validation side is the one that `divide` makes with this seed; the test side is drawn from the others, so
    that a test side that is made later leaves the validation side as it is.
    """
    meter = meter or Meter()
    fixed = fixed or {}
    if not test:
        as_two = _as_two_sides(fixed, "validation")
        sides = divide(raws, validation, seed, stratify=stratify, strata=strata, fixed=as_two, meter=meter)
        return ThreeSides(sides.train, sides.validation, (), sides.seed, sides.leaks, sides.reasons)
    counts = _count(validation, len(raws), "validation"), _count(test, len(raws), "test")
    if sum(counts) >= len(raws):
        raise UsageError(f"nothing of {count_of(len(raws))} would be left to train on")
    ties = Ties(raws, stratify=stratify if strata is None else None, meter=meter)
    shared: dict[str, Any] = {"stratify": stratify, "strata": strata, "ties": ties, "meter": meter}
    first = divide(raws, validation, seed, fixed=_as_two_sides(fixed, "validation"), **shared)
    others = _Some(raws, first.train)
    return _join_sides(first, divide(others, counts[1], seed, fixed=_as_two_sides(fixed, "test"), **shared))


def _join_sides(first: Division, second: Division) -> ThreeSides:
    """The three sides: `second` divides what `first` left for training into training and test."""
    reasons = [*first.reasons, *(reason.replace("validation", "test") for reason in second.reasons)]
    leaks, unique_reasons = first.leaks + second.leaks, tuple(dict.fromkeys(reasons))
    return ThreeSides(second.train, first.validation, second.validation, first.seed, leaks, unique_reasons)


class _Some(Mapping[int, bytes]):
    """Some of the examples of a mapping, in its order; it holds no bytes."""

    def __init__(self, raws: Mapping[int, bytes], ids: tuple[int, ...]) -> None:
        self._raws = raws
        self._ids = dict.fromkeys(ids)

    def __getitem__(self, example: int) -> bytes:
        return self._raws[example]

    def __iter__(self) -> Iterator[int]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)


def _as_two_sides(fixed: Mapping[int, AnySide], held_out: AnySide) -> dict[int, Side]:
    """The fixed sides as `divide` wants them when it draws one of the held-out sides."""
    return {example: "validation" if side == held_out else "train" for example, side in fixed.items()}


def _count(size: float, total: int, side: str) -> int:
    """A share or a count of examples as a count. Raises UsageError where it is neither."""
    if not 0 < size < total or (size >= 1 and size != int(size)):
        raise UsageError(f"{side} must be a share below 1 or a count below {total}, not {size:g}")
    return max(1, round(size * total)) if size < 1 else int(size)

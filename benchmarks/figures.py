"""The figures that have a goal: a benchmark states them, and benchmarks/all.py gathers them in one table.

    from figures import state
    state("split of 1,000,000 examples", 57.2, "wall s", at_most=60)

A figure is printed as a line of its own. Where the environment names a file in CURATOR_FIGURES, it is also
appended to that file as a line of JSON.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

FILE_VARIABLE = "CURATOR_FIGURES"


class Figure(NamedTuple):
    """One measured value; `at_most` and `at_least` are its goals, in the same unit."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the goals hold; true where there are none."""
        value = round(self.value, 9)  # 0.3 / 0.1 is less than 3
        return (self.at_most is None or value <= self.at_most) and (
            self.at_least is None or value >= self.at_least
        )

    @property
    def goal(self) -> str:
        """The goals in words: `at most 14`."""
        limits = (("at most", self.at_most), ("at least", self.at_least))
        return ", ".join(f"{words} {_written(limit)}" for words, limit in limits if limit is not None)


def state(
    name: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
) -> None:
    """Print a figure, and keep it for benchmarks/all.py."""
    figure = Figure(name, value, unit, at_most, at_least)
    print(f"figure: {describe(figure)}", flush=True)
    if kept := os.environ.get(FILE_VARIABLE):
        with Path(kept).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(figure._asdict()) + "\n")


def read(path: Path) -> list[Figure]:
    """The figures that a file keeps, in the order in which they were stated."""
    if not path.exists():
        return []
    return [Figure(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def describe(figure: Figure) -> str:
    """`split of 1,000,000 examples: 57.2 wall s (goal: at most 60)`."""
    words = f"{figure.name}: {_written(figure.value)} {figure.unit}"
    if not figure.goal:
        return words
    return f"{words} (goal: {figure.goal}{'' if figure.reached else ', missed'})"


def row(figure: Figure) -> str:
    """A row of a Markdown table: name, value with unit, goal, whether it is reached."""
    verdict = "" if not figure.goal else "yes" if figure.reached else "**no**"
    return f"| {figure.name} | {_written(figure.value)} {figure.unit} | {figure.goal} | {verdict} |"


def _written(value: float) -> str:
    """Three significant digits; whole numbers from 100 on, with separators."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"

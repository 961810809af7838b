"""Bars and histograms as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from curator.core.charts.picture import LETTER, Box, Picture, Stroke, Words
from curator.core.charts.ticks import ticks

WIDTH = 960
ROW, TOP, BOTTOM, RIGHT = 24, 60, 60, 90
"""Pixels of a bar with its gap, above the first and below the last, and right of the longest."""
LONGEST = 30
"""Most characters of a label in a picture."""
COLOUR = "#1f77b4"


class Bars(NamedTuple):
    """Labels with their numbers: counts, or the bins of a histogram."""

    title: str
    measure: str
    """What the numbers count, e.g. `examples`."""
    rows: Sequence[tuple[str, float]]


def draw_bars(bars: Bars) -> Picture | None:
    """The bars as a picture, one below the other; None where there are none."""
    if not bars.rows:
        return None
    labels = [label if len(label) <= LONGEST else f"{label[: LONGEST - 1]}…" for label, _ in bars.rows]
    left = 24 + LETTER * max(map(len, labels))
    most = max(max(value for _, value in bars.rows), 1e-9)
    bottom = TOP + ROW * len(labels)
    picture = Picture(WIDTH, bottom + BOTTOM)
    picture.add(Words(left, 24, bars.title))
    scale = (WIDTH - left - RIGHT) / most
    for tick in ticks(0, most, 6):
        x = left + tick * scale
        picture.add(Stroke(((x, TOP), (x, bottom)), "#dddddd"), Words(x, bottom + 16, f"{tick:g}", "middle"))
    for at, (label, (_, value)) in enumerate(zip(labels, bars.rows, strict=True)):
        y = TOP + ROW * at
        picture.add(
            Words(left - 10, y + ROW / 2, label, "end"),
            Box(left, y + 4, value * scale, ROW - 8, COLOUR),
            Words(left + value * scale + 8, y + ROW / 2, f"{value:,g}"),
        )
    picture.add(Stroke(((left, TOP), (left, bottom)), "#000000"))
    picture.add(Words((left + WIDTH - RIGHT) / 2, bottom + 40, bars.measure, "middle"))
    return picture

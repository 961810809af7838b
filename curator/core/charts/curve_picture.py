"""Curves as a picture for a talk: titles, units, a legend, points where there are few; smoothing is named."""

from __future__ import annotations

import math
from collections.abc import Sequence

from curator.core.charts.curves import AxisWords, Point, Series, ema
from curator.core.charts.picture import Box, Picture, Stroke, Words
from curator.core.charts.ticks import ticks

WIDTH, HEIGHT = 960, 540
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 64, 64
"""Pixels around the curves."""
COLOURS = ("#1f77b4", "#d95f02", "#1b9e77", "#7570b3")
"""Colours that people with any colour vision tell apart; dashes tell the lines apart in print."""
DASHES: tuple[tuple[int, ...], ...] = ((), (2, 5), (10, 6), (14, 4, 2, 4))
FEW = 40
"""Lines of at most so many points also show the points."""
LEGEND = 200
"""Pixels of an entry of the legend."""


def draw_curves(
    series: Sequence[Series], title: str, words: AxisWords, *, log: bool = False, smoothing: float = 0.0
) -> Picture | None:
    """The curves as a picture; None where no series has a point that can be drawn."""
    curves = [_prepare(each, log, smoothing) for each in series]
    every = [point for points in curves for point in points]
    if not every:
        return None
    (least, most), (low, high) = (_range([point[axis] for point in every]) for axis in (0, 1))

    def place(point: Point) -> Point:
        across, up = (point[0] - least) / (most - least), (point[1] - low) / (high - low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    picture = Picture(WIDTH, HEIGHT)
    picture.add(
        Words(LEFT, 24, f"{title} (smoothed: {smoothing:g})" if smoothing else title),
        Words((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, words.x, "middle"),
        Words(20, HEIGHT / 2, f"{words.y} (logarithmic)" if log else words.y, "middle", upright=True),
    )
    for tick in ticks(low, high, 6):
        y = place((least, tick))[1]
        picture.add(Stroke(((LEFT, y), (WIDTH - RIGHT, y)), "#dddddd"))
        picture.add(Words(LEFT - 8, y, f"{10**tick:.3g}" if log else f"{tick:.4g}", "end"))
    for tick in ticks(least, most, 8):
        picture.add(Words(place((tick, low))[0], HEIGHT - BOTTOM + 18, f"{tick:g}", "middle"))
    corners = ((LEFT, TOP), (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM))
    picture.add(Stroke(corners, "#000000"))
    for index, (each, points) in enumerate(zip(series, curves, strict=True)):
        _add_curve(picture, index, each.name, [place(point) for point in points])
    return picture


def _add_curve(picture: Picture, index: int, name: str, places: Sequence[Point]) -> None:
    colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
    if places:
        picture.add(Stroke(tuple(places), colour, 2, dash))
    for x, y in places if len(places) <= FEW else ():
        picture.add(Box(x - 3, y - 3, 7, 7, colour))
    at = LEFT + index * LEGEND
    picture.add(Stroke(((at, 46), (at + 30, 46)), colour, 2, dash), Words(at + 38, 46, name))


def _prepare(series: Series, log: bool, smoothing: float) -> list[Point]:
    """The points in order, smoothed, and with `log` the logarithm of y."""
    points = sorted(point for point in series.points if all(map(math.isfinite, point)))
    points = ema(points, smoothing if series.smooth else 0.0)
    return [(x, math.log10(y)) for x, y in points if y > 0] if log else points


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The least and largest value, apart from each other."""
    low, high = min(values), max(values)
    pad = 0.0 if high > low else abs(low) / 2 or 1.0
    return low - pad, high + pad

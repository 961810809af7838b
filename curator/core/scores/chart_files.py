"""Line charts as files: SVG and PNG for a talk, CSV for other programs; all from the series on the screen."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from curator.core.scores.chart import Point, Series, ema, ticks
from curator.core.scores.raster import Raster

WIDTH, HEIGHT = 960, 540
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 64, 64
"""Pixels around the lines."""
COLOURS = ("#1f77b4", "#d95f02", "#1b9e77", "#7570b3")
"""Colours that people with any colour vision tell apart; dashes tell the lines apart in print."""
DASHES = ((), (2, 5), (10, 6), (14, 4, 2, 4))
FEW = 40
"""Lines of at most so many points also show the points."""


@dataclass(frozen=True, slots=True)
class ChartWords:
    """The title, and what the axes measure."""

    title: str
    x: str
    y: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A chart laid out in pixels."""

    words: ChartWords
    names: tuple[str, ...]
    lines: tuple[tuple[Point, ...], ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]


def lay_out(
    series: Sequence[Series], words: ChartWords, *, log: bool = False, smoothing: float = 0.0
) -> Plot | None:
    """Lay a chart out; None where no series has a finite point. Smoothing is named in the title."""
    curves = []
    for each in series:
        points = sorted(point for point in each.points if all(map(math.isfinite, point)))
        points = ema(points, smoothing if each.smooth else 0.0)
        curves.append([(x, math.log10(y)) for x, y in points if y > 0] if log else points)
    every = [point for points in curves for point in points]
    if not every:
        return None
    (least, most), (low, high) = (_range([point[axis] for point in every]) for axis in (0, 1))

    def place(point: Point) -> Point:
        across, up = (point[0] - least) / (most - least), (point[1] - low) / (high - low)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    title = f"{words.title} (smoothed: {smoothing:g})" if smoothing else words.title
    return Plot(
        ChartWords(title, words.x, f"{words.y} (logarithmic)" if log else words.y),
        tuple(each.name for each in series),
        tuple(tuple(map(place, points)) for points in curves),
        tuple((place((tick, low))[0], f"{tick:g}") for tick in ticks(least, most, 8)),
        tuple(
            (place((least, tick))[1], f"{10**tick:.3g}" if log else f"{tick:.4g}") for tick in ticks(low, high, 6)
        ),
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """The least and largest value, apart from each other."""
    low, high = min(values), max(values)
    pad = 0.0 if high > low else abs(low) / 2 or 1.0
    return low - pad, high + pad


def to_svg(plot: Plot) -> str:
    """The chart as an SVG picture."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="14"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 24, plot.words.title, "start", 18),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, plot.words.x),
        f'<g transform="translate(20 {HEIGHT / 2}) rotate(-90)">{_text(0, 0, plot.words.y)}</g>',
    ]
    for y, label in plot.y_ticks:
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/>')
        parts.append(_text(LEFT - 8, y + 5, label, "end"))
    parts += [_text(x, HEIGHT - BOTTOM + 20, label) for x, label in plot.x_ticks]
    parts.append(f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" stroke="black" fill="none"/>')
    for index, (name, points) in enumerate(zip(plot.names, plot.lines, strict=True)):
        colour, dash = COLOURS[index % len(COLOURS)], " ".join(map(str, DASHES[index % len(DASHES)]))
        style = f'stroke="{colour}" stroke-width="2" fill="none" stroke-dasharray="{dash or "none"}"'
        if points:
            path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
            parts.append(f'<path d="M{path}" {style}/>')
        if len(points) <= FEW:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        at = LEFT + index * 180
        parts.append(f'<path d="M{at} 44h30" {style}/>{_text(at + 38, 49, name, "start")}')
    return "".join([*parts, "</svg>\n"])


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 14) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def to_png(plot: Plot) -> bytes:
    """The chart as a PNG picture."""
    picture = Raster(WIDTH, HEIGHT)
    picture.text(LEFT, 12, plot.words.title, scale=2)
    picture.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 26, plot.words.x, scale=2, anchor="middle")
    picture.text(14, HEIGHT / 2, plot.words.y, scale=2, anchor="middle", upright=True)
    for y, label in plot.y_ticks:
        picture.line([(LEFT, y), (WIDTH - RIGHT, y)], "#dddddd")
        picture.text(LEFT - 8, y - 7, label, scale=2, anchor="end")
    for x, label in plot.x_ticks:
        picture.text(x, HEIGHT - BOTTOM + 10, label, scale=2, anchor="middle")
    picture.line([(LEFT, TOP), (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM)], "#000000")
    for index, (name, points) in enumerate(zip(plot.names, plot.lines, strict=True)):
        colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
        picture.line(points, colour, thick=2, dash=dash)
        for x, y in points if len(points) <= FEW else ():
            picture.square(x, y, 3, colour)
        at = LEFT + index * 180
        picture.line([(at, 44), (at + 30, 44)], colour, thick=2, dash=dash)
        picture.text(at + 38, 37, name, scale=2)
    return picture.png()


def to_csv(series: Sequence[Series], x: str) -> str:
    """The series as a table: one row for each x, one column for each series, unsmoothed."""
    by_x: dict[float, dict[str, float]] = {}
    for each in series:
        for at, value in each.points:
            by_x.setdefault(at, {})[each.name] = value
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([x, *(each.name for each in series)])
    for at in sorted(by_x):
        table.writerow([f"{at:g}", *(by_x[at].get(each.name, "") for each in series)])
    return text.getvalue()

"""Curves as text: braille characters with axes. Pure strings, so a test reads what a user sees.

A braille character is a cell of 2 × 4 dots. Series differ by their stroke (solid, dotted, dashed), not by
colour alone; `Chart.owners` names the series of each cell, for callers that can show colours.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from curator.core.charts.ticks import log_ticks, ticks

Point = tuple[float, float]
_BLANK = 0x2800
_DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
"""Bits of a braille cell by column and row."""
_STROKES = ((1,), (1, 0, 0), (1, 1, 1, 0, 0), (1, 0, 0, 0, 0))
"""The pattern of set dots along a line, by series."""
_SAMPLES = ("⠤⠤", "⠄⠠", "⠤⠄", "⠄ ")
"""The strokes as the legend shows them."""
_MARKS = "●○◆◇"
"""What marks the points of a series that has few, by series."""
_Row = tuple[str, list[int | None]]
"""A line of a chart, and the index of the series of each cell."""
HIGH = 10
"""Lines from which on a chart may have two lines above the curves."""
CELLS_A_POINT = 4
"""The points of a series are marked where each has at least so many cells of the width."""
MIN_WIDTH, MIN_HEIGHT = 16, 4
_LARGEST = 1e100
"""Larger numbers are left out: computing with them would overflow. No curve has such values."""


@dataclass(frozen=True, slots=True)
class Series:
    """A named line: (x, y) points in any order; infinite values and NaN are left out."""

    name: str
    points: Sequence[Point]
    smooth: bool = True
    """Whether the chart's smoothing applies to it; not for a line of few exact points."""


class AxisWords(NamedTuple):
    """What the axes measure, with units, e.g. `step` and `loss (nats a token)`."""

    x: str = ""
    y: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """`lines` are the text, all equally wide; `owners` holds for each cell the index of its series, or None."""

    lines: tuple[str, ...]
    owners: tuple[tuple[int | None, ...], ...]
    first_cell: int = 0
    """The cell of the lines in which the least x is drawn."""
    x_range: tuple[float, float] = (0.0, 0.0)

    def x_at(self, cell: int) -> float:
        """The x that is drawn in a cell of the lines; the nearest one beside the curves."""
        least, greatest = self.x_range
        across = (cell - self.first_cell) / max(1, len(self.lines[0]) - 1 - self.first_cell)
        return least + (greatest - least) * max(0.0, min(1.0, across))

    def __str__(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


NO_WORDS = AxisWords()


def ema(points: Sequence[Point], smoothing: float) -> list[Point]:
    """Exponential moving average of y, with the bias correction of Kingma and Ba (2014, §3).

    `smoothing` is the weight of the previous average: from 0 (no smoothing) to below 1.
    """
    if smoothing <= 0:
        return list(points)
    average, weight, out = 0.0, 0.0, []
    for x, y in points:
        average = smoothing * average + (1 - smoothing) * y
        weight = smoothing * weight + (1 - smoothing)
        out.append((x, average / weight))
    return out


def draw(
    series: Sequence[Series],
    width: int,
    height: int,
    *,
    log: bool = False,
    smoothing: float = 0.0,
    legend: bool = True,
    words: AxisWords = NO_WORDS,
    cursor: float | None = None,
) -> Chart:
    """A chart of `width` × `height` cells, axes and legend included.

    `log` draws y on a logarithmic scale and leaves out values of 0 and below. `words` name the axes, beside the
    legend also the scale and the smoothing. With `cursor`, an x, a line marks it and its values take the legend's
    place. Without points the chart is a sentence; below `MIN_WIDTH` or `MIN_HEIGHT` it is empty.
    """
    prepared = [_prepare(one, log, smoothing) for one in series]
    spread = [point for points in prepared for point in points]
    if width < MIN_WIDTH or height < MIN_HEIGHT:
        return _sentence_chart("", width, height)
    if not spread:
        return _sentence_chart("no values yet", width, height)
    head = (
        _head(series, width, height, _notes(words.y, log, smoothing if _any_smooth(series) else 0))
        if legend
        else []
    )
    if head and cursor is not None:
        head[-1] = (values_at(series, cursor, words.x)[:width], [])
    height -= 2 + len(head)
    scale = _scale(spread, log, height)
    labels = dict(_labels(scale, height))
    gutter = min(max(map(len, labels.values())) + 1, width - 8)
    canvas = _Canvas(width - gutter - 1, height)
    for index, points in reversed(list(enumerate(prepared))):
        places = [scale.place(point, canvas) for point in _thin(points, canvas.columns)]
        canvas.line(index, places)
        if len(points) * CELLS_A_POINT <= canvas.columns:
            canvas.mark_points(index, places)
    if cursor is not None:
        canvas.rule(scale.place((cursor, scale.low), canvas)[0] // 2)
    rows = head + [_row(canvas, row, labels.get(row, ""), gutter) for row in range(canvas.rows)]
    rows += _x_axis(scale, gutter, canvas, words.x)
    lines = tuple(text[:width].ljust(width) for text, _ in rows)
    return Chart(lines, tuple(_pad(own, width) for _, own in rows), gutter + 1, (scale.left, scale.right))


def values_at(series: Sequence[Series], x: float, name: str = "x") -> str:
    """The measured values of all series at an x, in words: `step 34 · train 1.203 · validation –`."""
    parts = [f"{name or 'x'} {x:g}"]
    for each in series:
        value = next((y for at, y in each.points if at == x and math.isfinite(y)), None)
        parts.append(f"{each.name} {'–' if value is None else f'{value:.4g}'}")
    return " · ".join(parts)


def _notes(y: str, log: bool, smoothing: float) -> list[str]:
    """What the head says beside the legend, the longest first: the y axis in words, its scale, the smoothing."""
    more = f"{', logarithmic' if log else ''}{f', smoothed {smoothing:g}' if smoothing else ''}"
    return [f"{y}{more}".lstrip(", "), f"{y.partition(' (')[0]}{more}".lstrip(", "), more.lstrip(", ")]


def _any_smooth(series: Sequence[Series]) -> bool:
    return any(each.smooth for each in series)


def _head(series: Sequence[Series], width: int, height: int, notes: Sequence[str]) -> list[_Row]:
    """The legend with the longest of the notes that there is room for; on a high chart they have a line above."""
    text, own = _legend(series, width)
    if len(text) + len(notes[0]) > width and height >= HIGH:
        note = next((note for note in notes if len(note) <= width), "")
        return [(note, []), (text, own)]
    return [(text + next((note for note in notes if len(text) + len(note) <= width), ""), own)]


@dataclass(frozen=True, slots=True)
class _Scale:
    """The ranges of x (`left` to `right`) and y (`low` to `high`, logarithms if `log`), and the marks on the y
    axis."""

    left: float
    right: float
    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool

    def place(self, point: Point, canvas: _Canvas) -> tuple[int, int]:
        """A point as (column, row) of dots, row 0 on top."""
        across = (point[0] - self.left) / ((self.right - self.left) or 1)
        up = (point[1] - self.low) / ((self.high - self.low) or 1)
        return round(across * (canvas.columns * 2 - 1)), round((1 - up) * (canvas.rows * 4 - 1))


class _Canvas:
    """Dots in braille cells; a cell belongs to the series that was drawn in it last."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self.cells = [[0] * columns for _ in range(rows)]
        self.owners: list[list[int | None]] = [[None] * columns for _ in range(rows)]
        self.signs: dict[tuple[int, int], str] = {}
        """By (row, column): a character that stands in place of the dots."""

    def line(self, series: int, dots: Sequence[tuple[int, int]]) -> None:
        """Draw a line through `dots` with the stroke of a series."""
        stroke = _STROKES[series % len(_STROKES)]
        at = 0
        for start, end in zip(dots, dots[1:] or dots, strict=False):
            for dot in _between(start, end):
                if stroke[at % len(stroke)] or len(dots) == 1:
                    self.dot(series, *dot)
                at += 1

    def dot(self, series: int, x: int, y: int) -> None:
        """Set one dot, unless it lies outside."""
        if 0 <= x < self.columns * 2 and 0 <= y < self.rows * 4:
            self.cells[y // 4][x // 2] |= _DOTS[x % 2][y % 4]
            self.owners[y // 4][x // 2] = series

    def mark_points(self, series: int, dots: Sequence[tuple[int, int]]) -> None:
        """Put the sign of a series on its points."""
        for x, y in dots:
            place = (max(0, min(self.rows - 1, y // 4)), max(0, min(self.columns - 1, x // 2)))
            self.signs[place] = _MARKS[series % len(_MARKS)]
            self.owners[place[0]][place[1]] = series

    def rule(self, column: int) -> None:
        """Draw a line from top to bottom, behind the curves."""
        for row in range(self.rows):
            if not self.cells[row][column]:
                self.signs.setdefault((row, column), "│")

    def character(self, row: int, column: int) -> str:
        """What stands in a cell."""
        bits = self.cells[row][column]
        return self.signs.get((row, column)) or (chr(_BLANK + bits) if bits else " ")


def _flush_tiny(value: float) -> float:
    """`value`, or 0 where it is so small that computing with it would underflow."""
    return value if abs(value) >= 1 / _LARGEST else 0.0


def _prepare(series: Series, log: bool, smoothing: float) -> list[Point]:
    """The points that can be drawn: sorted by x, smoothed, and with `log` the logarithm of y."""
    finite = sorted(
        (_flush_tiny(x), _flush_tiny(y)) for x, y in series.points if abs(x) <= _LARGEST and abs(y) <= _LARGEST
    )
    points = ema(finite, smoothing if series.smooth else 0)
    return [(x, math.log10(y)) for x, y in points if y > 0] if log else points


def _thin(points: Sequence[Point], columns: int) -> list[Point]:
    """The lowest and highest point of each dot column; all points where there are at most 8 in a cell column."""
    if len(points) <= 8 * columns:
        return list(points)
    first_x, last_x = points[0][0], points[-1][0]
    buckets: dict[int, list[Point]] = {}
    for point in points:
        buckets.setdefault(int((point[0] - first_x) / ((last_x - first_x) or 1) * columns * 2), []).append(point)
    ends = [(min(bucket, key=lambda p: p[1]), max(bucket, key=lambda p: p[1])) for bucket in buckets.values()]
    return [point for pair in ends for point in sorted(set(pair))]


def _between(start: tuple[int, int], end: tuple[int, int]) -> Iterable[tuple[int, int]]:
    """The dots on the line from `start` to `end`, both included."""
    steps = max(abs(end[0] - start[0]), abs(end[1] - start[1]))
    if not steps:
        return [start]
    return [
        (round(start[0] + (end[0] - start[0]) * at / steps), round(start[1] + (end[1] - start[1]) * at / steps))
        for at in range(steps + 1)
    ]


def _scale(points: Sequence[Point], log: bool, rows: int) -> _Scale:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(ys), max(ys)
    if not log and 0 < low <= high / 4:
        low = 0.0
    if not high > low:
        pad = 0.5 if log else abs(low) / 2 or 1.0
        low, high = low - pad, high + pad
    tick_count = max(2, rows // 2)
    return _Scale(min(xs), max(xs), low, high, tuple((log_ticks if log else ticks)(low, high, tick_count)), log)


def _labels(scale: _Scale, rows: int) -> Iterable[tuple[int, str]]:
    values = [10 ** min(tick, 300) for tick in scale.ticks] if scale.log else list(scale.ticks)
    for tick, text in zip(scale.ticks, _numbers(values, scale.log), strict=True):
        up = (tick - scale.low) / ((scale.high - scale.low) or 1)
        yield round((1 - up) * (rows - 1)), text


def _numbers(values: Sequence[float], log: bool) -> list[str]:
    """The values as text: with as many decimals as they need to differ, on a log scale with three figures."""
    if log:
        return [f"{value:.3g}" for value in values]
    gaps = [b - a for a, b in zip(values, values[1:], strict=False)]
    gap = min(gaps, default=1.0)
    if max(map(abs, values)) >= 1e6 or gap < 1e-4:
        return [f"{value:.3g}" for value in values]
    decimals = max(0, -math.floor(math.log10(gap) + 1e-9)) if gap > 0 else 2
    return [f"{value:.{decimals}f}" for value in values]


def _row(canvas: _Canvas, row: int, label: str, gutter: int) -> tuple[str, list[int | None]]:
    cells = "".join(canvas.character(row, column) for column in range(canvas.columns))
    edge = "┤" if label else "│"
    return label.rjust(gutter)[-gutter:] + edge + cells, [None] * (gutter + 1) + canvas.owners[row]


def _x_axis(scale: _Scale, gutter: int, canvas: _Canvas, name: str) -> list[tuple[str, list[int | None]]]:
    left_label, right_label = (f"{value:g}" for value in (scale.left, scale.right))
    room = canvas.columns - len(left_label) - len(right_label)
    middle = f"{(scale.left + scale.right) / 2:.0f}" if scale.right - scale.left >= 4 else ""
    if room < len(middle) + 4:
        middle = ""
    words = left_label + middle.center(max(1, room)) + right_label if right_label != left_label else left_label
    title = f" {name} " if name and len(name) + 4 <= canvas.columns else ""
    return [(" " * gutter + "└" + title.center(canvas.columns, "─"), []), (" " * (gutter + 1) + words, [])]


def _legend(series: Sequence[Series], width: int) -> _Row:
    """The strokes with their names."""
    text, own = "", list[int | None]()
    for index, each in enumerate(series):
        entry = f"{_SAMPLES[index % len(_SAMPLES)]} {each.name}"
        if len(text) + len(entry) > width:
            break
        text += entry + "   "
        own += [index] * len(entry) + [None] * 3
    return text, own


def _sentence_chart(text: str, width: int, height: int) -> Chart:
    lines = [""] * max(1, height)
    lines[len(lines) // 2] = text[: max(0, width)].center(max(0, width))
    blank: tuple[int | None, ...] = (None,) * max(0, width)
    return Chart(tuple(line.ljust(max(0, width)) for line in lines), (blank,) * len(lines))


def _pad(owners: Sequence[int | None], width: int) -> tuple[int | None, ...]:
    return (*owners[:width], *[None] * (width - len(owners)))

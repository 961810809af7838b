"""The numbers of a chart as CSV, for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from curator.core.charts.bars import Bars
from curator.core.charts.confusion import Matrix
from curator.core.charts.curves import Series


def curves_table(series: Sequence[Series], x: str) -> str:
    """One row for each x, one column for each series, unsmoothed."""
    by_x: dict[float, dict[str, float]] = {}
    for each in series:
        for at, value in each.points:
            by_x.setdefault(at, {})[each.name] = value
    rows = ([f"{at:g}", *(by_x[at].get(each.name, "") for each in series)] for at in sorted(by_x))
    return _csv([[x, *(each.name for each in series)], *rows])


def bars_table(bars: Bars) -> str:
    """One row a bar."""
    return _csv([["value", bars.measure], *([label, f"{value:g}"] for label, value in bars.rows)])


def confusion_table(matrix: Matrix) -> str:
    """One row for each answer wanted, one column for each answer given."""
    rows = ([answer, *counts] for answer, counts in zip(matrix.answers, matrix.counts, strict=True))
    return _csv([["wanted", *matrix.answers], *rows])


def _csv(rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()

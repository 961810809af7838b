"""Charts as the text a user sees."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from curator.core.charts.curves import AxisWords, Chart, Point, Series, draw, ema, values_at
from curator.core.charts.ticks import ticks
from tests.thorough import examples

FALLING = Series("train loss", [(step, 4 / step) for step in range(1, 11)])
BRAILLE = range(0x2801, 0x2900)


def columns(chart: Chart, series: int) -> set[int]:
    return {at for row in chart.owners for at, owner in enumerate(row) if owner == series}


def test_a_small_chart_as_it_is_seen() -> None:
    line = Series("loss", [(1, 4.0), (2, 3.0), (3, 2.0), (4, 1.0), (5, 0.0)])
    assert str(draw([line], 18, 7)).splitlines() == [
        "⠤⠤ loss",
        " 4┤⠑⠢⢄⡀",
        "  │   ⠈⠒⠤⣀",
        " 2┤       ⠉⠒⠤⢄⡀",
        " 0┤           ⠈⠑⠢⢄",
        "  └───────────────",
        "   1      3      5",
    ]


def test_axes_smoothing_points_and_the_values_at_a_step_are_told() -> None:
    few = [Series("train", [(1, 4.0), (2, 3.0), (9, 1.0)]), Series("validation", [(2, 3.5)], smooth=False)]
    words = AxisWords("step", "loss (nats a token)")
    chart = draw(few, 72, 9, smoothing=0.6, words=words)
    assert chart.lines[0].rstrip().endswith("loss (nats a token), smoothed 0.6")
    assert "─ step ─" in chart.lines[-2]
    assert "".join(chart.lines).count("●") == 3 and "".join(chart.lines).count("○") == 1
    assert "●" not in "".join(draw([Series("x", [(n, n % 7) for n in range(60)])], 72, 9).lines)
    assert draw(few, 48, 9, smoothing=0.6, words=words).lines[0].rstrip().endswith("loss, smoothed 0.6")
    assert draw(few, 41, 9, smoothing=0.6, words=words).lines[0].rstrip().endswith("   smoothed 0.6")
    high = draw(few, 41, 10, smoothing=0.6, log=True, words=words).lines
    assert high[0].rstrip() == "loss, logarithmic, smoothed 0.6" and "train" in high[1]
    told = draw(few, 72, 9, words=words, cursor=2)
    assert told.lines[0].rstrip() == "step 2 · train 3 · validation 3.5"
    assert "│" in "".join(line[10:] for line in told.lines)
    assert values_at(few, 9, "step") == "step 9 · train 1 · validation –"
    assert (chart.x_at(0), chart.x_at(chart.first_cell), chart.x_at(71)) == (1, 1, 9)


def test_every_line_is_as_wide_as_asked() -> None:
    chart = draw([FALLING], 40, 10)
    assert len(chart.lines) == len(chart.owners) == 10
    assert {len(line) for line in chart.lines} == {40}
    assert {len(row) for row in chart.owners} == {40}


def test_a_falling_line_begins_on_top_and_ends_below() -> None:
    chart = draw([FALLING], 40, 12, legend=False)
    rows = {at: row for row, line in enumerate(chart.lines) for at, c in enumerate(line) if ord(c) in BRAILLE}
    assert rows[min(rows)] < rows[max(rows)]


def test_two_series_are_told_apart_without_colour() -> None:
    flat = Series("validation", [(1, 2.0), (10, 2.0)])
    solid = draw([Series("train", flat.points)], 40, 8).lines
    both = draw([Series("empty", []), flat], 40, 8)
    assert "⠤⠤ empty" in both.lines[0]
    assert "validation" in both.lines[0]
    assert both.lines[1:] != solid[1:]
    assert columns(both, 1)
    assert all(row[0] is None for row in both.owners[1:])


def test_log_scale_leaves_out_what_has_no_logarithm() -> None:
    points: list[Point] = [(1, 100.0), (2, 10.0), (3, 1.0), (4, 0.0), (5, -3.0)]
    chart = draw([Series("loss", points)], 40, 12, log=True)
    labels = [line.split("┤")[0].strip() for line in chart.lines if "┤" in line]
    assert labels == ["100", "10", "1"]
    assert chart.lines[-1].split()[-1] == "3"


def test_not_a_number_is_left_out() -> None:
    odd = Series("loss", [(1, math.nan), (2, math.inf), (3, 1.0), (math.nan, 1.0), (4, 2.0)])
    assert draw([odd], 40, 8) == draw([Series("loss", [(3, 1.0), (4, 2.0)])], 40, 8)


@pytest.mark.parametrize("series", [[], [Series("loss", [])], [Series("loss", [(1, math.nan)])]])
def test_nothing_to_draw_says_so(series: list[Series]) -> None:
    assert "no values yet" in str(draw(series, 40, 8))


def test_smoothing_by_hand() -> None:
    # weights ½, then ¼ + ½: (0.25·0 + 0.5·3)/0.75
    assert ema([(0, 0.0), (1, 3.0)], 0.5) == [(0, 0.0), (1, 2.0)]
    assert [y for _, y in ema([(0, 5.0), (1, 5.0)], 0.9)] == pytest.approx([5, 5])
    assert ema([(0, 1.0)], 0) == [(0, 1.0)]


def test_few_exact_points_can_be_kept_out_of_smoothing() -> None:
    exact = Series("full validation", [(1, 2.0), (2, 1.0)], smooth=False)
    assert draw([exact], 40, 8, smoothing=0.9) == draw([exact], 40, 8)
    rough = Series("full validation", exact.points)
    assert draw([rough], 40, 8, smoothing=0.9) != draw([exact], 40, 8)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0, 4.4, [0, 2, 4]), (0.5, 0.55, [0.5, 0.52, 0.54]), (1, 3, [1, 2, 3]), (0, 1, [0, 0.5, 1])],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high, 3) == pytest.approx(expected)


def test_a_hundred_thousand_points_keep_their_extremes() -> None:
    points: list[Point] = [(x, 100.0 if x == 51_234 else 1.0) for x in range(100_000)]
    chart = draw([Series("loss", points)], 60, 10, legend=False)
    assert any(ord(c) in BRAILLE for c in chart.lines[0])


@settings(max_examples=examples(200), deadline=None)
@example([[(0.0, 5e-324), (1.0, 1e-323)]], 40, 10, True, 0.0)
@example([[(-1.7e308, 1.7e308), (1.7e308, -1.7e308)]], 40, 10, False, 0.5)
@given(
    st.lists(st.lists(st.tuples(st.floats(), st.floats()), max_size=12), max_size=4),
    st.integers(-1, 60),
    st.integers(-1, 16),
    st.booleans(),
    st.floats(0, 0.99),
)
def test_any_points_give_a_chart_of_the_size(
    lines: list[list[Point]], width: int, height: int, log: bool, smoothing: float
) -> None:
    chart = draw([Series("x", line) for line in lines], width, height, log=log, smoothing=smoothing)
    assert {len(line) for line in chart.lines} <= {max(0, width)}
    assert {len(row) for row in chart.owners} <= {max(0, width)}
    assert len(chart.lines) == max(1, height)

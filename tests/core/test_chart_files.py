"""Charts as files: what is on the screen, with titles and units; odd values draw nothing wrong."""

from __future__ import annotations

import math
import struct
import xml.etree.ElementTree as ElementTree
import zlib

import pytest

from curator.core.scores.chart import Series
from curator.core.scores.chart_files import HEIGHT, WIDTH, ChartWords, lay_out, to_csv, to_png, to_svg

WORDS = ChartWords("Loss <of> & 日本", "step", "loss")
CURVES = [
    Series("train", [(step, 3 / step) for step in range(1, 61)]),
    Series("validation", [(10, 2.0), (20, 1.5), (30, math.nan), (40, math.inf)], smooth=False),
]


def test_svg_and_png_show_title_axes_and_every_series() -> None:
    plot = lay_out(CURVES, WORDS, smoothing=0.6)
    assert plot is not None
    assert [len(line) for line in plot.lines] == [60, 2]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for line in plot.lines for x, y in line)
    texts = [element.text for element in ElementTree.fromstring(to_svg(plot)).iter() if element.text]
    assert {"Loss <of> & 日本 (smoothed: 0.6)", "step", "loss", "train", "validation"} <= set(texts)
    png = to_png(plot)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (WIDTH, HEIGHT)
    size, kind = struct.unpack(">I4s", png[33:41])
    assert kind == b"IDAT"
    pixels = zlib.decompress(png[41 : 41 + size])
    assert len(pixels) == HEIGHT * (1 + 3 * WIDTH)
    assert pixels.count(bytes.fromhex("1f77b4")) > 100
    assert pixels.count(bytes.fromhex("d95f02")) > 20


@pytest.mark.parametrize("points", [[], [(1.0, math.nan)], [(1.0, -1.0)]])
def test_nothing_to_draw_is_none(points: list[tuple[float, float]]) -> None:
    assert lay_out([Series("train", points)], WORDS, log=True) is None


def test_one_point_and_a_logarithmic_axis_can_be_drawn() -> None:
    plot = lay_out([Series("train", [(5, 2.0)])], WORDS, log=True)
    assert plot is not None
    assert plot.words.y == "loss (logarithmic)"
    assert to_png(plot) and to_svg(plot)


def test_the_table_has_what_was_measured() -> None:
    lines = to_csv(CURVES, "step").splitlines()
    assert lines[0] == "step,train,validation"
    assert lines[10] == "10,0.3,2.0"
    assert lines[11].endswith(",")

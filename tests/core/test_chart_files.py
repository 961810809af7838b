"""Charts as files: what is on the screen, with titles and units; odd values draw nothing wrong."""

from __future__ import annotations

import csv
import math
import struct
import xml.etree.ElementTree as ElementTree
import zlib
from io import StringIO

import pytest

from curator.core.charts.bars import Bars, draw_bars
from curator.core.charts.confusion import OTHER, confusion_matrix, draw_confusion
from curator.core.charts.curve_picture import HEIGHT, WIDTH, draw_curves
from curator.core.charts.curves import AxisWords, Series
from curator.core.charts.picture import Box, Picture, Words
from curator.core.charts.tables import bars_table, confusion_table, curves_table

TITLE, WORDS = "Loss <of> & 日本\x00\x1b", AxisWords("step", "loss")
CURVES = [
    Series("train", [(step, 3 / step) for step in range(1, 61)]),
    Series("validation", [(10, 2.0), (20, 1.5), (30, math.nan), (40, math.inf)], smooth=False),
]


def texts_of(picture: Picture | None) -> list[str]:
    """The words of the SVG, which must be XML."""
    assert picture is not None
    return [element.text for element in ElementTree.fromstring(picture.svg()).iter() if element.text]


def pixels_of(picture: Picture | None) -> bytes:
    """The pixels of the PNG, which must be one."""
    assert picture is not None
    png = picture.png()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", png[16:24]) == (picture.width, picture.height)
    size, kind = struct.unpack(">I4s", png[33:41])
    assert kind == b"IDAT"
    pixels = zlib.decompress(png[41 : 41 + size])
    assert len(pixels) == picture.height * (1 + 3 * picture.width)
    return pixels


def test_curves_show_title_axes_and_every_series() -> None:
    picture = draw_curves(CURVES, TITLE, WORDS, smoothing=0.6)
    assert {"Loss <of> & 日本␦␦ (smoothed: 0.6)", "step", "loss", "train", "validation"} <= set(texts_of(picture))
    pixels = pixels_of(picture)
    assert pixels.count(bytes.fromhex("1f77b4")) > 100
    assert pixels.count(bytes.fromhex("d95f02")) > 20
    assert picture is not None
    places = [part for part in picture.parts if isinstance(part, Words)]
    assert all(0 <= part.x <= WIDTH and 0 <= part.y <= HEIGHT for part in places)


@pytest.mark.parametrize("points", [[], [(1.0, math.nan)], [(1.0, -1.0)]])
def test_nothing_to_draw_is_none(points: list[tuple[float, float]]) -> None:
    assert draw_curves([Series("train", points)], TITLE, WORDS, log=True) is None
    assert draw_bars(Bars("x", "examples", [])) is None
    assert draw_confusion(confusion_matrix("x", [], [])) is None


def test_one_point_and_a_logarithmic_axis_can_be_drawn() -> None:
    assert "loss (logarithmic)" in texts_of(draw_curves([Series("train", [(5, 2.0)])], TITLE, WORDS, log=True))


def test_bars_are_as_long_as_their_numbers() -> None:
    bars = Bars("Answers: 3", "examples", [("(cake)", 40), ("x" * 90, 10), ("none", 0)])
    picture = draw_bars(bars)
    assert {"Answers: 3", "examples", "(cake)", "40", f"{'x' * 29}…"} <= set(texts_of(picture))
    assert picture is not None
    lengths = [part.width for part in picture.parts if isinstance(part, Box)]
    assert lengths == [pytest.approx(4 * lengths[1]), lengths[1], 0]
    assert pixels_of(picture).count(bytes.fromhex("1f77b4")) > 1000
    assert bars_table(bars).splitlines()[:2] == ["value,examples", "(cake),40"]


def test_confusions_are_counted_and_rare_answers_share_a_cell() -> None:
    wanted = ["a", "a", "a", "b", "b", "c", "d"]
    given = ["a", "a", "b", "b", "b", "d", "=1+1"]
    matrix = confusion_matrix("Answers", wanted, given, most=2)
    assert matrix.answers == ("a", "b", OTHER)
    assert matrix.counts == ((2, 1, 0), (0, 2, 0), (0, 0, 2))
    assert sum(map(sum, confusion_matrix("all", wanted, given).counts)) == len(wanted)
    assert {"answer wanted", "answer given", "2", OTHER} <= set(texts_of(draw_confusion(matrix)))
    pixels_of(draw_confusion(matrix))
    assert list(csv.reader(StringIO(confusion_table(matrix))))[1] == ["a", "2", "1", "0"]


def test_the_table_has_what_was_measured() -> None:
    lines = curves_table(CURVES, "step").splitlines()
    assert lines[0] == "step,train,validation"
    assert lines[10] == "10,0.3,2.0"
    assert lines[11].endswith(",")

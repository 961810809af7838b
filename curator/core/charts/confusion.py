"""Confusion matrices: which answer is given where another is wanted, as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from curator.core.charts.picture import LETTER, Box, Picture, Words

CELL, TOP, SIDE = 44, 90, 24
MOST = 20
"""Most answers that have a row and a column of their own; the rarer ones share the last."""
OTHER = "(others)"
LONGEST = 24
DARK = 0.5
"""From this share of a row on its cell is dark and its number white."""


class Matrix(NamedTuple):
    """Counts by wanted (row) and given (column) answer."""

    title: str
    answers: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


def confusion_matrix(title: str, wanted: Sequence[str], given: Sequence[str], most: int = MOST) -> Matrix:
    """Count the pairs; beyond the `most` commonest answers all are `OTHER`."""
    times = Counter([*wanted, *given])
    commonest = [answer for answer, _ in sorted(times.items(), key=lambda item: (-item[1], item[0]))[:most]]
    answers = (*commonest, *([OTHER] if len(times) > most else []))
    places = {answer: at for at, answer in enumerate(commonest)}
    counts = [[0] * len(answers) for _ in answers]
    for right, answer in zip(wanted, given, strict=True):
        counts[places.get(right, len(commonest))][places.get(answer, len(commonest))] += 1
    return Matrix(title, answers, tuple(map(tuple, counts)))


def draw_confusion(matrix: Matrix) -> Picture | None:
    """The matrix as a picture, darker where a larger share of the row lies; None where it is empty."""
    if not matrix.answers:
        return None
    labels = [text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…" for text in matrix.answers]
    longest, size = max(map(len, labels)), len(labels)
    left, top = 2 * SIDE + LETTER * longest + 20, TOP + LETTER * longest
    picture = Picture(left + CELL * size + 60, top + CELL * size + 40)
    picture.add(Words(SIDE, 24, matrix.title))
    picture.add(Words(left + CELL * size / 2, 54, "answer given", "middle"))
    picture.add(Words(SIDE, top + CELL * size / 2, "answer wanted", "middle", upright=True))
    for at, label in enumerate(labels):
        picture.add(Words(left - 10, top + CELL * (at + 0.5), label, "end"))
        picture.add(Words(left + CELL * (at + 0.5), top - 10, label, "start", upright=True))
    for row, counts in enumerate(matrix.counts):
        total = sum(counts) or 1
        for column, count in enumerate(counts):
            share = count / total
            place = (left + CELL * column, top + CELL * row)
            picture.add(Box(*place, CELL - 2, CELL - 2, _shade(share)))
            if count:
                colour = "#ffffff" if share >= DARK else "#222222"
                picture.add(
                    Words(place[0] + CELL / 2 - 1, place[1] + CELL / 2, f"{count}", "middle", colour=colour)
                )
    return picture


def _shade(share: float) -> str:
    """White for nothing, a dark blue for the whole row."""
    return "#" + "".join(f"{round(light + (dark - light) * share):02x}" for light, dark in _ENDS)


_ENDS = ((0xF4, 0x08), (0xF6, 0x30), (0xF9, 0x6B))
"""(light, dark) red, green and blue."""

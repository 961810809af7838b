"""`Picture`: a drawing of lines, boxes and words, which becomes an SVG or a PNG file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from xml.sax.saxutils import escape

from curator.core.charts.raster import Raster

Anchor = Literal["start", "middle", "end"]
LETTER = 12
"""Pixels of the width of a letter in the PNG, the widest of both files."""


@dataclass(frozen=True, slots=True)
class Stroke:
    """A line through some places; `dash` are the lengths of strokes and gaps in turn."""

    places: tuple[tuple[float, float], ...]
    colour: str
    thick: int = 1
    dash: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True, slots=True)
class Words:
    """A line of text, centred at the height `y`; `upright` from below to above."""

    x: float
    y: float
    text: str
    anchor: Anchor = "start"
    upright: bool = False
    colour: str = "#222222"


@dataclass(slots=True)
class Picture:
    """Places are pixels from the upper left corner; what was added later lies above."""

    width: int
    height: int
    parts: list[Stroke | Box | Words] = field(default_factory=list)

    def add(self, *parts: Stroke | Box | Words) -> None:
        """Draw more."""
        self.parts.extend(parts)

    def svg(self) -> bytes:
        """The picture as an SVG file."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'font-family="sans-serif" font-size="14"><rect width="{self.width}" height="{self.height}" '
            'fill="white"/>'
        )
        return "".join([head, *map(_svg_of, self.parts), "</svg>\n"]).encode()

    def png(self) -> bytes:
        """The picture as a PNG file."""
        raster = Raster(self.width, self.height)
        for part in self.parts:
            if isinstance(part, Stroke):
                raster.line(part.places, part.colour, thick=part.thick, dash=part.dash)
            elif isinstance(part, Box):
                raster.box(part.x, part.y, part.width, part.height, part.colour)
            else:
                place = (part.x - 8, part.y) if part.upright else (part.x, part.y - 8)
                raster.text(
                    *place, part.text, scale=2, anchor=part.anchor, upright=part.upright, colour=part.colour
                )
        return raster.png()


def _svg_of(part: Stroke | Box | Words) -> str:
    if isinstance(part, Stroke):
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in part.places)
        dash = f' stroke-dasharray="{" ".join(map(str, part.dash))}"' if part.dash else ""
        return f'<path d="M{path}" stroke="{part.colour}" stroke-width="{part.thick}" fill="none"{dash}/>'
    if isinstance(part, Box):
        place = f'x="{part.x:.1f}" y="{part.y:.1f}" width="{part.width:.1f}" height="{part.height:.1f}"'
        return f'<rect {place} fill="{part.colour}"/>'
    turn = f' transform="rotate(-90 {part.x:.1f} {part.y:.1f})"' if part.upright else ""
    place = f'x="{part.x:.1f}" y="{part.y:.1f}" dominant-baseline="central" text-anchor="{part.anchor}"'
    return f'<text {place} fill="{part.colour}"{turn}>{escape(_drawable(part.text))}</text>'


def _drawable(text: str) -> str:
    """The text without characters that XML forbids."""
    return "".join(letter if letter.isprintable() else "␦" for letter in text)

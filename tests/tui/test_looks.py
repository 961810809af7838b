"""In every look of every screen all texts can be read, and without colours nothing is lost."""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator

import pytest

from tests.tui import snapshot
from tests.tui.looks import DARK, LIGHT, LOOKS, NO_COLOR
from tests.tui.test_themes import contrast

PICTURES = sorted(file for file in snapshot.FOLDER.glob("*/*.txt") if file.parent.name != "themes")
BODY, GRAPHICS = 4.5, 3.0
"""The least contrast of texts, and of bars, in WCAG 2.2."""
LINES = re.compile(r"[─-╿▔▁⠀-⣿\s]*")
"""Borders and curves, which may be faint."""
SCROLL_BAR = re.compile(r"[▁-█]{1,2}")
UNDER_PALETTE = "editor/palette"
"""The picture with what lies under the palette: that is faint on purpose."""


def runs(picture: snapshot.Picture) -> Iterator[tuple[str, str]]:
    """The texts of a picture with their styles."""
    for row in picture.rows:
        for style, cells in itertools.groupby(row, key=lambda cell: cell[1]):
            text = "".join(character for character, _ in cells)
            if text.strip():
                yield text, style


def least(text: str) -> float:
    """The least contrast that a text needs; 0 for what is no text."""
    if LINES.fullmatch(text):
        return 0
    return GRAPHICS if all(unicodedata.category(each) in ("So", "Zs") for each in text) else BODY


def faint(name: str, look: str, picture: snapshot.Picture) -> Iterator[str]:
    """The texts of a picture that can hardly be read, in words."""
    for text, style in runs(picture):
        front, _, back = style.rpartition(" on ")
        colours = front.split()[-1], back
        if SCROLL_BAR.fullmatch(text.strip()) or not all(colour.startswith("#") for colour in colours):
            continue
        if (ratio := contrast(*colours)) < least(text):
            yield f"{name}, {look}: {text.strip()!r} has a contrast of {ratio:.1f} ({style})"


@pytest.fixture(scope="module")
def pictures() -> dict[str, snapshot.Picture]:
    """All stored pictures by name."""
    return {f"{file.parent.name}/{file.stem}": snapshot.read(file.read_text("utf-8")) for file in PICTURES}


@pytest.mark.parametrize("look", [DARK, LIGHT])
def test_every_text_of_every_screen_can_be_read(look: str, pictures: dict[str, snapshot.Picture]) -> None:
    assert [
        words
        for name, picture in pictures.items()
        if not name.startswith(UNDER_PALETTE)
        for words in faint(name, look, picture.in_look(LOOKS.index(look)))
    ] == []


def test_no_colour_is_left_where_none_is_wanted(pictures: dict[str, snapshot.Picture]) -> None:
    grey = re.compile(r"#(..)\1\1|default")
    for name, picture in pictures.items():
        styles = {style for row in picture.in_look(LOOKS.index(NO_COLOR)).rows for _, style in row}
        for style in styles:
            front, _, back = style.rpartition(" on ")
            assert grey.fullmatch(front.split()[-1]) and grey.fullmatch(back), (name, style)

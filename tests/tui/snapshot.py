"""Pictures of the screen as text, and their comparison with the stored ones in `tests/tui/snapshots/`.

A picture is a text of four parts, each apart from the next by a line `---`: the size of the terminal and the
region that is drawn, the characters row by row, two letters for each style, and for each row the runs of cells
that share a style: `3ab 20cd` are three cells in the style `ab`, then twenty in the style `cd`. The characters are
the same in every look of the program (`looks.py`); a style says how the cell is drawn in each, with ` | ` between.

    CURATOR_UPDATE_SNAPSHOTS=1 python -m pytest tests/tui/test_snapshots.py

stores the pictures as they are now; `git diff` then shows what became different.
"""

from __future__ import annotations

import difflib
import functools
import itertools
import os
import re
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import textual
from rich.cells import cell_len
from rich.style import Style
from textual.app import App
from textual.containers import VerticalScroll
from textual.geometry import Region
from textual.strip import Strip

from curator.tui.widgets.line_list import LineList
from curator.tui.widgets.too_small import TooSmall
from tests.tui.cut_texts import unreadable
from tests.tui.looks import LOOKS, look_of, take_on
from tests.tui.scene import Scene, drawn

FOLDER = Path(__file__).parent / "snapshots"
UPDATE = "CURATOR_UPDATE_SNAPSHOTS"
"""The environment variable that has pictures stored instead of compared."""
COMMAND = f"{UPDATE}=1 python -m pytest tests/tui/test_snapshots.py"
DRAWN_WITH = FOLDER / "textual-version.txt"
BOXES = (".box", "#--container")
"""What is drawn of a modal screen, by selector: dialogs, the command palette."""
PATIENCE, STILL = 5.0, 0.2
SEPARATOR = "---"
MOST_RUNS = 12
"""Differences of style that a failure names."""

BETWEEN = " | "
"""What stands between the styles of a cell in several looks."""

Row = list[tuple[str, str]]
"""The cells of a row: character and style; the second cell of a wide character has an empty character."""


@dataclass(frozen=True)
class Picture:
    """What a region of the screen shows."""

    heading: str
    rows: list[Row]

    @property
    def lines(self) -> list[str]:
        """The characters alone."""
        return ["".join(character for character, _ in row).rstrip() for row in self.rows]

    def in_look(self, number: int) -> Picture:
        """The picture in one of the looks that it is stored in."""
        return Picture(
            self.heading, [[(each, style.split(BETWEEN)[number]) for each, style in row] for row in self.rows]
        )

    def text(self) -> str:
        """The picture as it is stored."""
        letters = _letters({style for row in self.rows for _, style in row})
        runs = [_runs(row, letters) for row in self.rows]
        legend = sorted(f"{pair} {style}" for style, pair in letters.items())
        parts = ([self.heading], self.lines, legend, runs)
        return f"\n{SEPARATOR}\n".join("\n".join(part) for part in parts) + "\n"


def draw(app: App[None], stand_ins: dict[str, str]) -> Picture:
    """What stands on the screen; of a dialog its box alone. `stand_ins` maps texts that differ from run to run
    (a temporary folder, a port) to texts of the same length."""
    width, height = app.size
    region = Region(0, 0, width, height)
    heading = f"{width}x{height}"
    if app.screen.is_modal:
        box = next(iter(app.screen.query(", ".join(BOXES))))
        region = box.region or app.screen.region  # Textual knows no region of the palette's container
        heading += f", a box of {region.width}x{region.height} at column {region.x}, row {region.y}"
    strips = drawn(app)
    rows = [_cells(strip, stand_ins)[region.x : region.right] for strip in strips[region.y : region.bottom]]
    return Picture(heading, rows)


def _cells(strip: Strip, stand_ins: dict[str, str]) -> Row:
    """The cells of a line of the screen. A blank cell takes the style before it where both look the same."""
    cells: Row = []
    for segment in strip:
        own = _words(segment.style or Style())
        for character in segment.text:
            words = own
            if character == " " and cells and _blank_of(own) == _blank_of(cells[-1][1]):
                words = cells[-1][1]
            cells += [(character, words), *[("", words)] * (cell_len(character) - 1)]
    text = "".join(character for character, _ in cells)
    for pattern, replacement in stand_ins.items():
        for match in re.finditer(pattern, text):
            if match.end() - match.start() != len(replacement):
                raise ValueError(f"{replacement!r} is not as long as {match[0]!r}")
            text = text[: match.start()] + replacement + text[match.end() :]
    characters = iter(text)
    return [(next(characters) if character else "", words) for character, words in cells]


@functools.cache
def _words(style: Style) -> str:
    """A style in words, without links and metadata: `bold #ffffff on #000000`."""
    names = ("bold", "dim", "italic", "underline", "blink", "reverse", "strike", "overline")
    parts = [name for name in names if getattr(style, name)]
    parts += [style.color.name] if style.color is not None else ["default"]
    parts += ["on", style.bgcolor.name if style.bgcolor is not None else "default"]
    return " ".join(parts)


@functools.cache
def _blank_of(words: str) -> str:
    """What of a style shows in a blank cell: the background, and lines through the cell."""
    if re.search(r"\b(underline|reverse|strike|overline)\b", words):
        return words
    return words.partition(" on ")[2]


def _runs(row: Row, letters: dict[str, str]) -> str:
    """The run lengths of a row."""
    runs = itertools.groupby(style for _, style in row)
    return " ".join(f"{sum(1 for _ in run)}{letters[style]}" for style, run in runs)


def _letters(styles: set[str]) -> dict[str, str]:
    """Two letters for each style: by the checksum of its first look, so that they stay the same when other styles
    come and go."""
    letters: dict[str, str] = {}
    taken: set[int] = set()
    for style in sorted(styles):
        number = zlib.crc32(style.partition(BETWEEN)[0].encode()) % 676
        while number in taken:
            number = (number + 1) % 676
        taken.add(number)
        letters[style] = chr(97 + number // 26) + chr(97 + number % 26)
    return letters


def read(text: str) -> Picture:
    """A picture as it was stored."""
    heading, lines, legend, runs = (part.split("\n") for part in text.removesuffix("\n").split(f"\n{SEPARATOR}\n"))
    styles = dict(line.split(" ", 1) for line in legend)
    return Picture(heading[0], [list(_row(*pair, styles)) for pair in zip(lines, runs, strict=True)])


def _row(line: str, runs: str, styles: dict[str, str]) -> Iterator[tuple[str, str]]:
    cells = [styles[letter] for count, letter in re.findall(r"(\d+)([a-z]+)", runs) for _ in range(int(count))]
    characters = [part for character in line for part in (character, *[""] * (cell_len(character) - 1))]
    yield from zip(characters + [" "] * (len(cells) - len(characters)), cells, strict=True)


def differences(stored: Picture, drawn: Picture) -> str:
    """What became different: lines with other characters, then other styles in lines with the same ones."""
    parts = []
    if stored.heading != drawn.heading:
        parts.append(f"{stored.heading} → {drawn.heading}")
    parts += difflib.unified_diff(stored.lines, drawn.lines, "stored", "drawn", n=1, lineterm="")
    blocks = difflib.SequenceMatcher(None, stored.lines, drawn.lines, autojunk=False).get_matching_blocks()
    same_lines = [(block.a + at, block.b + at) for block in blocks for at in range(block.size)]
    runs = [
        f"row {after + 1}, column {first}: {old} → {new}: {text!r}"
        for before, after in same_lines
        for first, text, old, new in _restyled(stored.rows[before], drawn.rows[after])
    ]
    parts += runs[:MOST_RUNS] + [f"… and {len(runs) - MOST_RUNS} more styles"] * (len(runs) > MOST_RUNS)
    return "\n".join(parts)


def _restyled(stored: Row, drawn: Row) -> Iterator[tuple[int, str, str, str]]:
    """Runs of cells with another style than before: first column, text, the style before and after."""
    pairs = [(before[1], after[1]) for before, after in zip(stored, drawn, strict=False)]
    column = 0
    for (before, after), run in itertools.groupby(pairs):
        length = sum(1 for _ in run)
        if before != after:
            text = "".join(character for character, _ in drawn[column : column + length])
            yield column + 1, text, before, after
        column += length


def is_updating() -> bool:
    """Whether pictures are stored instead of compared."""
    return bool(os.environ.get(UPDATE))


async def check(scene: Scene, name: str, stand_ins: dict[str, str], looks: Sequence[str] = ()) -> str:
    """Compare the screen with the stored picture of this name in some looks, or store it in all of them.

    Without looks the picture has only that of the app. Returns what is different, in words; empty where nothing
    is. The screen has `PATIENCE` seconds to become as it was stored: on a busy machine the last of many messages
    may take its time.
    """
    file = FOLDER / f"{name}.txt"
    scene.app.clear_notifications()
    if is_updating():
        return await _store(scene, name, stand_ins, LOOKS if looks else ())
    if not file.is_file():
        return f"== {name}: no picture is stored"
    stored = read(file.read_text("utf-8"))
    if not looks:
        return await _compare(scene, name, stored, stand_ins)
    await scene.pilot.pause()
    different = [unreadable(scene.app, name)]
    for look in sorted(looks, key=lambda look: look != look_of(scene.app)):  # the present one first
        take_on(scene.app, look)
        different.append(await _compare(scene, f"{name}, {look}", stored.in_look(LOOKS.index(look)), stand_ins))
    if len(looks) > 1:
        take_on(scene.app, looks[0])
    return "\n".join(filter(None, different))


async def _compare(scene: Scene, title: str, stored: Picture, stand_ins: dict[str, str]) -> str:
    """Compare the screen with a picture in one look."""
    ends = time.monotonic() + PATIENCE
    while True:
        await scene.pilot.pause()
        picture = draw(scene.app, stand_ins)
        if picture == stored:
            return unmarked_focus(scene, title) if scene.app.no_color else ""
        if time.monotonic() > ends:
            return f"== {title}\n{differences(stored, picture)}{_words_of_messages(scene)}"
        scene.app.clear_notifications()
        await scene.pilot.pause(0.05)


def unmarked_focus(scene: Scene, title: str) -> str:
    """In words that nothing but colour tells which widget has the focus; empty where something else does.

    That is a cell in reverse or underlined (the cursor of a field, a button), a cursor of a list in bold, or a
    heavy line above a pane.
    """
    focused = scene.app.focused
    if focused is None or not focused.region or type(focused) is VerticalScroll:
        return ""  # of a long text alone
    if isinstance(focused, LineList) and not focused.count:
        return ""  # there is nothing to act on
    if any(widget.display for widget in scene.app.screen.query(TooSmall)):
        return ""
    region, screen = focused.region, drawn(scene.app)
    cells = [_cells(strip, {})[region.x : region.right] for strip in screen[region.y : region.bottom]]
    bar = focused.styles.scrollbar_size_vertical if focused.show_vertical_scrollbar else 0
    for row in cells:
        text = "".join(character for character, _ in row)
        styles = {style for _, style in row[: len(row) - bar]}
        if "━" in text or any(re.search(r"\b(reverse|underline)\b", style) for style in styles):
            return ""
        if "›" in text and any(character == "›" and "bold" in style for character, style in row):
            return ""
    return f"== {title}\nnothing but colour tells that {focused} has the focus"


def _words_of_messages(scene: Scene) -> str:
    """The messages that stand on the screen, in words; empty where there is none."""
    return f"\nThe screen says: {scene.toasts()}" if scene.toasts() else ""


async def _store(scene: Scene, name: str, stand_ins: dict[str, str], looks: Sequence[str]) -> str:
    """Store the screen once it has stood still for a while, in each of these looks; without any as it is.

    Returns what can be read nowhere, or tells the focus by colour alone, in words.
    """
    file, pictures, wrong = FOLDER / f"{name}.txt", [], []
    of_the_app: Sequence[str | None] = [None]
    for look in looks or of_the_app:
        if look is not None:
            take_on(scene.app, look)
        await scene.pilot.pause()
        picture = None
        while picture != (picture := draw(scene.app, stand_ins)):
            await scene.pilot.pause(STILL)
        pictures.append(picture)
        wrong.append(unmarked_focus(scene, name) if scene.app.no_color else unreadable(scene.app, name))
    if looks:
        take_on(scene.app, looks[0])
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_laid_over(pictures).text(), "utf-8")
    DRAWN_WITH.write_text(f"{textual.__version__}\n", "utf-8")
    return "\n".join(dict.fromkeys(filter(None, wrong)))


def _laid_over(pictures: list[Picture]) -> Picture:
    """One picture of those of the same screen in several looks. Raises ValueError where the characters differ."""
    first = pictures[0]
    for other in pictures[1:]:
        if (other.heading, other.lines) != (first.heading, first.lines):
            raise ValueError(f"another look shows other characters:\n{differences(first, other)}")
    rows = zip(*(picture.rows for picture in pictures), strict=True)
    return Picture(
        first.heading,
        [
            [(cells[0][0], BETWEEN.join(style for _, style in cells)) for cells in zip(*row, strict=True)]
            for row in rows
        ],
    )


def advice() -> str:
    """What to do about pictures that differ."""
    version = DRAWN_WITH.read_text("utf-8").strip() if DRAWN_WITH.is_file() else "none"
    drawn = (
        "" if version == textual.__version__ else f"Drawn by Textual {version}; this is {textual.__version__}. "
    )
    return f"{drawn}Where the new pictures are right: {COMMAND}"

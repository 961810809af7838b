"""The first screen: the list as Textual will draw it, written a third of a second before Textual is imported.

Nothing here imports Textual. Keys pressed meanwhile wait in the terminal's buffer, without an echo, for the app.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import termios
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from rich.cells import cell_len, set_cell_size

from curator.core.text import one_line
from curator.tui import stage_list
from curator.tui.looks import first_colours
from curator.tui.looks.first_colours import ThemeColours
from curator.tui.session.list_place import ListPlace
from curator.tui.session.summary import BRIEF, COUNTS, Summary, pieces
from curator.tui.stage_models import label_keys
from curator.tui.stage_models.list_columns import GUTTER, ColumnLayout, Columns, cells
from curator.tui.terminal.leaving import RESET
from curator.workspace.storage import surprises

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

ENTER, LEAVE = "\x1b[?1049h", "\x1b[?25h\x1b[?1049l"
WIDE, LEAST = 110, (60, 16)
"""The width from which on panes are side by side; the least (width, height) of a stage. As in `screens.stage`."""
AROUND = 4
"""Lines that are no panes: stages and query above, status and keys below."""
BRAND = "▚ curator"
STATUS_STYLES = {
    "$foreground": "status",
    "$mark-ok": "status-ok",
    "$mark-error bold": "status-error",
    "$mark-warning bold": "status-warning",
}
"""Names in the first screen's palette for the styles of `summary.pieces`."""


def show(workspace: Workspace, theme: str) -> FirstScreen | None:
    """Write the first screen of a workspace in a theme.

    Returns None, and writes nothing, where the terminal is too small or the list needs a query evaluated first.
    """
    size = shutil.get_terminal_size()
    place = ListPlace.of(workspace)
    fits = size.columns >= LEAST[0] and size.lines >= LEAST[1]
    if not fits or place.query or place.sort or sys.__stderr__ is None or not sys.__stderr__.isatty():
        return None
    screen = FirstScreen()
    screen.write(frame(workspace, place, size.columns, size.lines, first_colours.read_palette(theme)))
    return screen


class FirstScreen:
    """Owns the terminal from the first screen until the app takes over."""

    def __init__(self) -> None:
        self.attributes = _make_raw()
        """The terminal's termios attributes at the start; None where it has none."""
        self._handed_over = False
        self._signals = {number: signal.signal(number, self._leave) for number in _signals()}

    def write(self, text: str) -> None:
        """Enter the alternate screen, hide the cursor and write."""
        _write(f"{ENTER}\x1b[?25l{text}")

    def hand_over(self) -> bool:
        """Leave the terminal, raw as it is, to the app. Returns False if that was done before."""
        if self._handed_over:
            return False
        self._handed_over = True
        return True

    def take_back(self) -> None:
        """At the end: give the terminal back if no app took it over; restore the signal handlers."""
        if self.hand_over():
            _write(LEAVE)
            self._restore()
        for number, handler in self._signals.items():
            signal.signal(number, handler)

    def _restore(self) -> None:
        """Set the terminal's attributes of before."""
        if self.attributes is not None:
            termios.tcsetattr(0, termios.TCSANOW, self.attributes)

    def _leave(self, number: int, frame: FrameType | None) -> NoReturn:
        with contextlib.suppress(OSError, termios.error):
            os.write(1, RESET.encode())
            self._restore()
        os._exit(128 + number)


def _write(text: str) -> None:
    """Write a text to the terminal at once, through stderr as Textual does."""
    assert sys.__stderr__ is not None
    sys.__stderr__.write(text)
    sys.__stderr__.flush()


def _signals() -> list[signal.Signals]:
    return [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


def _make_raw() -> list[Any] | None:
    """Switch off echo, line buffering, flow control and the translation of keys, so that all of them, ctrl+q and
    ctrl+s too, wait unseen for the app; returns the attributes from before.

    Ctrl+c still interrupts: until the app runs, nothing else would take it.
    """
    try:
        before = termios.tcgetattr(0)
        raw = termios.tcgetattr(0)
        raw[0] &= ~(termios.IXON | termios.IXOFF | termios.ICRNL | termios.INLCR | termios.IGNCR)
        raw[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN)
        raw[6][termios.VSUSP] = raw[6][termios.VQUIT] = bytes([os.fpathconf(0, "PC_VDISABLE") & 0xFF])
        termios.tcsetattr(0, termios.TCSANOW, raw)
    except termios.error:
        return None
    return before


def frame(workspace: Workspace, place: ListPlace, width: int, height: int, palette: ThemeColours) -> str:
    """The whole screen as text with escape sequences; the list has the size and place that the app gives it."""
    room = height - AROUND
    wide = width >= WIDE
    columns = width * place.share // 100 if wide else width
    rows = max(3, room if wide else room * place.share // 100)
    lines = [_tabs(workspace, width, palette), _query(width, palette)]
    lines += (line for line, _ in zip(_list(workspace, place, columns, rows, palette), range(rows), strict=False))
    blank = palette.paint("screen", " " * width)
    drawn = [f"\x1b[{at};1H{blank}\x1b[{at};1H{line}" for at, line in enumerate(lines, 1)]
    drawn += [f"\x1b[{at};1H{blank}" for at in range(len(lines) + 1, height - 1)]
    return f"{''.join(drawn)}\x1b[{height - 1};1H{_status(workspace, width, palette)}\x1b[0m"


def _tabs(workspace: Workspace, width: int, palette: ThemeColours) -> str:
    brand = f" {BRAND}  " if width >= WIDE else f" {BRAND[0]}  "
    tabs = [f" {entry.key} {entry.title} " for entry in stage_list.STAGES.values()]
    lock = "read only: " if workspace.read_only else ""
    room = width - len(brand) - sum(map(len, tabs)) - 1
    source = one_line(f"{lock}{workspace.source_name}", max(1, room))
    right = " " * max(0, room - cell_len(source)) + source + " "
    drawn = palette.paint("brand", brand) + palette.paint("tab-current", tabs[0])
    return drawn + palette.paint("tab", "".join(tabs[1:])) + palette.paint("tab", right)


def _query(width: int, palette: ThemeColours) -> str:
    return palette.paint("prompt", " / ") + palette.paint("dim", "filter")


def _status(workspace: Workspace, width: int, palette: ThemeColours) -> str:
    """The status line, with counts only if they are stored already."""
    parts: list[tuple[str, str]] = []
    if workspace.current_results.finished:
        counts, examples = workspace.counts(), len(workspace.ids())
        summary = Summary(
            examples=examples,
            shown=examples,
            analysed=counts.analysed,
            errors=counts.errors,
            warnings=counts.warnings,
            tokens=counts.tokens,
            cost="",
            train=0,
            validation=0,
            test=0,
            provider="",
        )
        parts = pieces(summary, width < BRIEF)[:COUNTS]
    if workspace.read_only:
        parts.insert(0, ("read-only", "$mark-warning bold"))
    drawn = palette.paint("tab", " " * width + "\r") + palette.paint("tab", " ")
    for number, (text, style) in enumerate(parts):
        drawn += palette.paint("tab", " · " * bool(number)) + palette.paint(STATUS_STYLES[style], text)
    return drawn


def _list(workspace: Workspace, place: ListPlace, width: int, rows: int, palette: ThemeColours) -> Iterator[str]:
    """The columns' names, then the rows; the cursor is on the example of `place`."""
    ids = workspace.ids()
    width -= len(ids) + 1 > rows  # the scroll bar
    studied = bool(surprises.read(workspace.path).examples)
    columns = Columns.fit(width, len(workspace.ids(deleted=True)), ColumnLayout.of(workspace), studied)
    yield palette.paint("head", columns.head("", False).ljust(width))
    cursor = _position(ids, place.example)
    top = max(0, min(cursor - place.above, len(ids) - rows + 1))
    colours = label_keys.colours_by_name(workspace)
    for row in workspace.rows(ids[top : top + rows - 1]):
        here = row.id == ids[cursor]
        base = "cursor" if here else "row"
        drawn = palette.paint(base, "› " if here else " " * GUTTER)
        room = width - GUTTER
        for text, style in cells(row, columns, 0, colours):
            drawn += palette.paint(style or base, set_cell_size(text, min(room, cell_len(text))), base)
            room -= cell_len(text)
        yield drawn + palette.paint(base, " " * max(0, room))


def _position(ids: Sequence[int], example: int | None) -> int:
    try:
        return 0 if example is None else ids.index(example)
    except ValueError:
        return 0

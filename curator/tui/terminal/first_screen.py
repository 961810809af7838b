"""The first screen: the list as Textual will draw it, written a third of a second before Textual is imported.

Nothing here imports Textual. Keys pressed meanwhile wait in the terminal's buffer, without an echo, for the app.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from curator import paths
from curator.core.text import one_line
from curator.tui import stage_list
from curator.tui.looks import first_colours
from curator.tui.looks.first_colours import ThemeColours
from curator.tui.session.list_place import ListPlace
from curator.tui.stage_models import label_keys
from curator.tui.stage_models.list_columns import GUTTER, ColumnLayout, Columns, cells
from curator.tui.terminal.early_screen import FirstScreen

if TYPE_CHECKING:
    from curator.workspace.workspace import Workspace

WIDE, LEAST = 110, (60, 16)
"""The width from which on panes are side by side; the least (width, height) of a stage. As in `screens.stage`."""
AROUND = 4
"""Lines that are no panes: stages and query above, status and keys below."""
SURPRISES = "surprises.json"
"""The file of a workspace with what the last study of suspects said, see `storage.surprises`."""
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
    if sys.__stderr__ is None or not sys.__stderr__.isatty() or (text := draw(workspace, theme)) is None:
        return None
    screen = FirstScreen()
    screen.write(text)
    return screen


def draw(workspace: Workspace, theme: str) -> str | None:
    """The first screen of a workspace as text; None where the terminal is too small or a query comes first."""
    size = shutil.get_terminal_size()
    place = ListPlace.of(workspace)
    if size.columns < LEAST[0] or size.lines < LEAST[1] or place.query or place.sort:
        return None
    return frame(workspace, place, size.columns, size.lines, first_colours.read_palette(theme))


def files_of(workspace: Workspace, path: str | None, theme: str) -> list[Path]:
    """The files that the first screen of a workspace is made of, opened by a path, in a theme.

    An analysis that goes on can only add marks: it is among them once it has ended.
    """
    from curator.workspace.analysis.current_results import analysis_path  # heavy, and loaded by then

    databases = [workspace.path / "workspace.db"]
    databases += [analysis_path(workspace.path)] if workspace.current_results.finished else []
    files = [*databases, *(file.with_name(f"{file.name}-wal") for file in databases)]
    files += [workspace.path / "lock", workspace.path / SURPRISES]
    files += [Path(source.origin) for source in workspace.stored.sources if source.origin]
    files += [Path(path).absolute()] if path and Path(path).is_file() else []
    themes = (paths.config_dir() / "themes", paths.packaged("themes"))
    files += [folder / f"{theme or first_colours.DEFAULT}.toml" for folder in themes]
    files += [] if path else [paths.state_dir() / "ui.json"]  # it names what was open last
    return [*files, paths.config_dir() / "config.toml"]


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
        from curator.tui.session.summary import BRIEF, COUNTS, Summary, pieces  # heavy: prices

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
    studied = _is_studied(workspace)
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


def _is_studied(workspace: Workspace) -> bool:
    """Whether a study of suspects has its column in the list."""
    if not (workspace.path / SURPRISES).exists():
        return False
    from curator.workspace.storage import surprises  # heavy

    return bool(surprises.read(workspace.path).examples)


def _position(ids: Sequence[int], example: int | None) -> int:
    try:
        return 0 if example is None else ids.index(example)
    except ValueError:
        return 0

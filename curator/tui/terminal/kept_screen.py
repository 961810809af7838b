"""The first screen as it was kept when the UI was left: drawn again before anything else is loaded.

It is drawn only where nothing that it shows can have changed since: it names the files that it was made of with
their sizes and times, and the size, colours and version that it was made for. It lies in the user's own cache, not
in the workspace: what is written to a terminal as it stands must not come from a stranger.
"""

from __future__ import annotations

import contextlib
import os
import sys
import zlib

from curator import __version__
from curator.tui.terminal.early_screen import FirstScreen

TYPE_CHECKING = False  # `typing` takes longer to load than all of this
if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FORMAT = f"curator first screen 1 {__version__}"
ENVIRONMENT = ("TERM", "COLORTERM", "NO_COLOR", "CURATOR_HOME")
MAX_BYTES = 1 << 20
CANNOT_DRAW = {"dumb", "unknown"}
"""Values of TERM of terminals that only print lines."""


def show(word: str) -> FirstScreen | None:
    """Draw the kept screen of what `curator WORD` opens, `curator` alone for an empty one.

    Returns None, and writes nothing, where there is none or something that it was made of has changed.
    """
    text = recall(word) if can_draw() else None
    if text is None:
        return None
    screen = FirstScreen()
    screen.write(text)
    return screen


def can_draw() -> bool:
    """Whether the program stands on a terminal that can place a cursor."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return os.environ.get("TERM", "") not in CANNOT_DRAW and all(each and each.isatty() for each in streams)


def recall(word: str) -> str | None:
    """The kept screen of what a word opens, where it would still be drawn as it was."""
    try:
        with _place(word).open("rb") as file:
            head, end, rest = file.read(MAX_BYTES).partition(b"\n\n")
        lines = head.decode("utf-8", "surrogateescape").split("\n")
        if (
            not end
            or lines[:3] != _heading(word)
            or any(_stamp(line.split(" ", 2)[2]) != line for line in lines[3:])
        ):
            return None
        return rest.decode()
    except (OSError, ValueError, IndexError):
        return None


def keep(word: str, text: str | None, files: Iterable[Path]) -> None:
    """Keep the screen that was made of some files, which nobody else may change meanwhile; without a text forget
    the one that is kept. Does nothing on a full disk."""
    with contextlib.suppress(OSError, ValueError):
        place = _place(word)
        place.unlink(missing_ok=True)
        lines = [*_heading(word), *(_stamp(str(file)) for file in (__file__, *files))]
        if text is None or any("\n" in line for line in lines):
            return
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = place.with_suffix(f".{os.getpid()}")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write("\n".join(lines).encode("utf-8", "surrogateescape") + b"\n\n" + text.encode())
        part.replace(place)


def _place(word: str) -> Path:
    from curator import paths  # heavy: pathlib, and only where a screen may be drawn

    return paths.cache_dir() / "first_screens" / f"{zlib.crc32(os.fsencode(_opened(word))):08x}"


def _opened(word: str) -> str:
    """What a word of the command line opens, whatever folder one stands in; empty: what was open last."""
    return os.path.abspath(word) if word else ""  # noqa: PTH100 (a link is kept as it is named)


def _heading(word: str) -> list[str]:
    size = os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ is not None else 1)
    set_to = "\t".join(os.environ.get(name, "") for name in ENVIRONMENT)
    return [FORMAT, f"{size.columns}x{size.lines}\t{set_to}\t{_theme()}", _opened(word)]


def _theme() -> str:
    """The theme that was chosen, as it stands in `ui.json`, which also tells what was opened last."""
    from curator import paths  # heavy: pathlib

    try:
        stored = (paths.state_dir() / "ui.json").read_text("utf-8")
    except (OSError, ValueError):
        return ""
    return stored.partition('"theme":')[2].partition(",")[0].strip(' "}\n')


def _stamp(path: str) -> str:
    """Size, time and path of a file, in one line; of a file that is not there only that."""
    try:
        stat = os.stat(path)  # noqa: PTH116 (pathlib is not loaded for it)
    except OSError:
        return f"- - {path}"
    return f"{stat.st_size} {stat.st_mtime_ns} {path}"

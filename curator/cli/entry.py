"""The `curator` command's first step: the screen that was kept stands before anything else is loaded."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # `typing` takes longer to load than the kept screen to draw
if TYPE_CHECKING:
    from curator.tui.terminal.early_screen import FirstScreen


def entry() -> None:
    """The entry point of the console script."""
    first = _show_kept_screen(sys.argv[1:])
    try:
        from curator.cli.main import main  # heavy

        status = main(first=first)
    except KeyboardInterrupt:
        status = 130
    finally:
        if first is not None:
            first.take_back()
    sys.exit(status)


def _show_kept_screen(words: list[str]) -> FirstScreen | None:
    """Draw the kept screen, or the first lines of a new file, where these words open the UI on a path that is no
    command's name."""
    if len(words) > 1 or (words and (words[0].startswith("-") or not {".", os.sep}.intersection(words[0]))):
        return None
    if os.name != "posix":
        return None
    from curator.tui.terminal import kept_screen  # not on Windows

    word = words[0] if words else ""
    kept = kept_screen.show(word)
    if kept is None and word.endswith(".jsonl") and kept_screen.can_draw():
        from curator.tui.terminal import file_look  # heavy: more than a kept screen needs

        kept = file_look.show(word)
    return kept

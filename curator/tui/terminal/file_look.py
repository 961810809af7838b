"""The first screen of a file that is opened for the first time: its first lines, before anything else is loaded.

Only for what needs no reading of another kind: JSON Lines whose first lines are plain chats. Their workspace, made
meanwhile, holds the same lines in the same order.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from curator import paths
from curator.tui.terminal.early_screen import FirstScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.workspace.workspace import Workspace

AT_ONCE = 1 << 18
"""Bytes at the beginning of the file that are looked at."""
WIDE = 110
"""The width from which on the list has the whole height."""
SHOWN = 100
"""Characters of a text that the list may show."""
_LETTERS = {"system": "s", "user": "u", "assistant": "a"}


class LineLook:
    """A line of the file with what the list shows of it; nothing is known of it but its words."""

    mark, tokens, split, rating, review, surprise = "·", None, None, None, None, None
    labels: tuple[str, ...] = ()
    stale = edited = new = duplicate = conflict = False

    def __init__(self, line: int, messages: list[dict[str, str]]) -> None:
        self.id = self.line = line
        texts = [each["content"] for each in messages]
        asked = [each["content"] for each in messages if each["role"] == "user"]
        answers = [each["content"] for each in messages if each["role"] == "assistant"]
        self.preview = next(filter(None, (*asked[:1], *texts)), "")[:SHOWN]
        self.answer = answers[-1][:SHOWN] if answers else ""
        self.roles = "".join(_LETTERS[each["role"]] for each in messages)


class FileLook:
    """A file in the place of the workspace that it will have, as far as the first screen asks one."""

    read_only = False

    class current_results:  # noqa: N801 (it stands for an attribute)
        """Nothing is analysed yet."""

        finished = False

    def __init__(self, path: Path, lines: list[LineLook], count: int) -> None:
        self.path, self.source_name, self._lines = path, path.name, lines
        self._ids = range(1, count + 1)

    def ids(self, *, deleted: bool = False) -> Sequence[int]:
        """The numbers of its lines, of a large file about as many as it has."""
        return self._ids

    def rows(self, ids: Sequence[int]) -> list[LineLook]:
        """The first lines."""
        return self._lines[: len(ids)]

    def meta(self, key: str, default: Any = None) -> Any:
        """Nothing is remembered of it yet."""
        return default


def show(word: str) -> FirstScreen | None:
    """Draw the first lines of a file; None, and nothing is written, where it is not plain or was opened before."""
    size = shutil.get_terminal_size()
    rows = size.lines if size.columns >= WIDE else size.lines // 2
    look = look_at(Path(word), rows) if word else None
    if look is None:
        return None
    from curator.tui.session.last_session import LastSession  # needed for a plain file alone
    from curator.tui.terminal import first_screen

    theme = LastSession.load().theme
    if not theme and (paths.config_dir() / "config.toml").exists():
        return None  # reading the settings takes as long as all of this
    text = first_screen.draw(cast("Workspace", look), theme)
    if text is None:
        return None
    screen = FirstScreen()
    screen.write(text)
    return screen


def look_at(path: Path, rows: int) -> FileLook | None:
    """The beginning of a file that nobody has opened yet; None where it has a workspace, or its first
    `rows` lines are not plain."""
    try:
        if path.suffix != ".jsonl" or not path.is_file() or _may_be_known(path):
            return None
        with path.open("rb") as file:
            beginning, size = file.read(AT_ONCE), os.fstat(file.fileno()).st_size
        lines = beginning.split(b"\n")[: None if len(beginning) == size else -1]
        while lines and not lines[-1]:
            lines.pop()
        looks = [_read_line(number, line) for number, line in enumerate(lines[:rows], 1)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not looks:
        return None
    count = len(lines) if len(beginning) == size else round(size * len(lines) / sum(map(len, lines), len(lines)))
    return FileLook(path, looks, count)


def _may_be_known(path: Path) -> bool:
    """Whether the file may have a workspace already, or will have one elsewhere."""
    away = paths.data_dir() / "workspaces"
    beside = (path.with_suffix(".curator"), path.with_name(f"{path.name}.curator"))
    return any(map(Path.exists, beside)) or away.exists() or not os.access(path.parent, os.W_OK)


def _read_line(number: int, line: bytes) -> LineLook:
    """One plain chat. Raises ValueError, KeyError, TypeError or AttributeError for anything else."""
    messages = json.loads(line.decode("utf-8"))["messages"]
    for each in messages:
        text = each["content"]
        if len(each) != 2 or each["role"] not in _LETTERS or type(text) is not str:
            raise ValueError(number)
        text.encode()  # half an emoji cannot be written
    if not messages:
        raise ValueError(number)
    return LineLook(number, messages)

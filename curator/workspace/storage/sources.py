"""The imported files of a workspace: their rows of table `source`, each with its lines."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.core.text import count_of
from curator.errors import CuratorError, InputError
from curator.workspace.storage.folder import folder_for
from curator.workspace.storage.line_file import LineFile, load_numbers, open_beginning, open_copy

_COLUMNS = "id, name, file, origin, origin_size, origin_mtime_ns, format, first_id, lines, sha256, hidden"


@dataclass(slots=True)
class Source:
    """An imported file: its row of table `source`, and its lines."""

    id: int
    name: str
    file: str
    """Name of the copy in `sources/`."""
    origin: str | None
    """Path of the file that was imported."""
    origin_size: int | None
    origin_mtime_ns: int | None
    format: str
    first_id: int
    """Id of the example in its first line; the next lines have the next ids."""
    lines: int | None
    """None until the file is copied; blank lines count."""
    sha256: str | None
    hidden: int
    """1 after its import was undone."""
    line_file: LineFile
    numbers: Sequence[int] = ()
    """Line in the original file of each record, where that file was not JSON Lines."""

    def line(self, example: int) -> int:
        """The number of an example's line in the file that was imported, from 1."""
        number = example - self.first_id
        return self.numbers[number] if number < len(self.numbers) else number + 1


def read_sources(
    db: sqlite3.Connection,
    folder: Path,
    opened: Iterable[Source],
    uncopied: tuple[LineFile, Sequence[int]] | None,
) -> list[Source]:
    """The sources of a database by id. Those of `opened` are used again if unchanged, and closed otherwise."""
    reusable = {source.id: source for source in opened}
    sources = []
    for row in db.execute(f"SELECT {_COLUMNS} FROM source ORDER BY id").fetchall():
        old = reusable.pop(row[0], None)
        if old is not None and old.lines == row[8]:
            old.hidden = row[10]
            sources.append(old)
            continue
        if old is not None:
            old.line_file.close()
        sources.append(_open(folder, row, uncopied))
    for source in reusable.values():
        source.line_file.close()
    return sources


def copy_path(folder: Path, file: str) -> Path:
    """Where the copy of a source is. Raises InputError for a name that leads outside of the folder."""
    path = folder / "sources" / file
    if Path(file).name != file or file in ("", ".", "..") or path.is_symlink():
        raise InputError(f"{folder} is refused: it names a source outside itself")
    return path


def _open(folder: Path, row: Sequence[Any], uncopied: tuple[LineFile, Sequence[int]] | None) -> Source:
    """The source of a row of table `source`, with its lines."""
    number, name, file, origin, size, mtime, form, first, lines, digest, hidden = row
    copy = copy_path(folder, str(file))
    if uncopied is not None:
        line_file, line_numbers = uncopied
    else:
        line_file, line_numbers = _open_lines(folder, copy, str(origin), lines), load_numbers(copy)
    return Source(
        id=number,
        name=str(name),
        file=str(file),
        origin=origin,
        origin_size=size,
        origin_mtime_ns=mtime,
        format=str(form),
        first_id=first,
        lines=lines,
        sha256=digest,
        hidden=hidden,
        line_file=line_file,
        numbers=line_numbers,
    )


def _open_lines(folder: Path, copy: Path, origin: str, lines: int | None) -> LineFile:
    """The lines of a copy, or, while there is none, of the beginning of the file that was imported.

    Raises CuratorError where the copy has fewer lines than `lines`, InputError where the file must not or
    cannot be read.
    """
    if lines is not None:
        line_file = open_copy(copy)
        if line_file.lines < int(lines):
            held = count_of(line_file.lines, "line")
            raise CuratorError(f"{copy} holds {held}, not {lines}: restore it from a backup")
        return line_file
    if copy.exists():
        return open_copy(copy)
    if folder_for(Path(origin)).resolve() != folder.resolve():
        # a folder copied from elsewhere must not make this program open a file of this machine
        raise InputError(f"{folder} is refused: it is not the workspace of {origin}")
    try:
        return open_beginning(Path(origin))
    except OSError as error:
        raise InputError(f"{origin} was not copied completely and cannot be read any more: {error}") from error

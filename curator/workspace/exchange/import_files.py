"""Brings files into a workspace: byte copies of JSON Lines, converted copies of everything else.

`prepare` copies and counts what is new, duplicate and broken, `commit` makes it one change. No line is ever
dropped: what cannot be converted is kept as it is and found by the rules.
"""

from __future__ import annotations

import hashlib
import os
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from curator import atomic
from curator.core.convert.maps import KEEP, Map
from curator.core.convert.to_example import Misfit
from curator.core.text import count_of
from curator.errors import NotSaved
from curator.workspace.exchange.equal_lines import value_key, value_keys
from curator.workspace.files.line_splitter import Record
from curator.workspace.files.preview import Preview, example_of, line_of, preview, records
from curator.workspace.records import Change
from curator.workspace.storage import line_file
from curator.workspace.storage.folder import slug
from curator.workspace.storage.journal import Part
from curator.workspace.workspace import Workspace

SOURCE_ROW = (
    "INSERT INTO source(id, name, file, origin, origin_size, origin_mtime_ns, format, first_id, lines, sha256, "
    "hidden, added_at) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)"
)
Progress = Callable[[int], None]


@dataclass(slots=True)
class Prepared:
    """One file that lies ready in `sources/`, not yet part of the workspace."""

    preview: Preview
    file: str
    lines: int
    stat: os.stat_result
    """Of the file before it was read."""
    added: int = 0
    duplicates: int = 0
    broken: int = 0
    misfits: list[tuple[int, str]] = field(default_factory=list)
    """(line, reason) of the records that the map did not fit; they are kept as they are."""
    left_behind: Counter[str] = field(default_factory=Counter)
    """Places of records that are in no example (`conversations[].weight`), with how many records have them."""
    verdicts: list[tuple[int, bool]] = field(default_factory=list)
    """(position among the lines, whether it is a good one) of the answers that KTO data judges."""

    @property
    def unmapped(self) -> int:
        """How many records the map did not fit."""
        return len(self.misfits)

    @property
    def bad(self) -> int:
        """How many answers KTO data calls bad."""
        return sum(not good for _, good in self.verdicts)


@dataclass(slots=True)
class Import:
    """Files that lie ready; `added` counts every record, `duplicates` and `broken` are parts of it."""

    files: list[Prepared] = field(default_factory=list)

    def total(self, name: str) -> int:
        """The sum of a count over all files."""
        return sum(int(getattr(file, name)) for file in self.files)

    @property
    def left_behind(self) -> Counter[str]:
        """Places of records that are in no example, with how many records have them."""
        return sum((file.left_behind for file in self.files), Counter[str]())

    @property
    def format(self) -> str:
        """The shape of the files, `mixed` where they differ."""
        shapes = {file.preview.shape for file in self.files}
        return shapes.pop() if len(shapes) == 1 else "mixed"


def prepare(
    workspace: Workspace, files: Iterable[Path], by: Map | None = None, progress: Progress | None = None
) -> Import:
    """Copy files into the workspace's folder and count what is in them; `commit` or `discard` what comes back.

    Raises InputError for what cannot be read (nothing is left behind) and NotSaved where there is no room.
    """
    workspace.require_writer()
    return prepare_previewed(workspace, [preview(Path(path), by) for path in files], progress)


def prepare_previewed(workspace: Workspace, looks: Sequence[Preview], progress: Progress | None = None) -> Import:
    """`prepare` for files whose previews are at hand, by the maps of these."""
    workspace.require_writer()
    made = Import()
    seen = _known_values(workspace, progress)
    number = 1 + max((source.id for source in workspace.stored.sources), default=0)
    names = [f"{number + at}-{slug(look.path.name)}" for at, look in enumerate(looks)]
    try:
        for look, name in zip(looks, names, strict=True):
            made.files.append(_copy(workspace.path, look, name, seen, progress))
    except BaseException as error:
        _drop_copies(workspace.path, names)
        if isinstance(error, OSError):
            raise NotSaved(f"not saved: {error.strerror or error}") from error
        raise
    return made


def _known_values(workspace: Workspace, progress: Progress | None) -> set[int | None]:
    live = set(workspace.ids()) if workspace.stored.sources else set()
    found: set[int | None] = set()
    for done, (example, _, raw) in enumerate(workspace.stored.everything()):
        if progress is not None and done % 1000 == 0:
            progress(0)  # nothing is read of the file yet, but it may be called off
        if example in live and (key := value_key(raw)) is not None:
            found.add(key)
    return found


def _copy(folder: Path, look: Preview, file: str, seen: set[int | None], progress: Progress | None) -> Prepared:
    """Write one file's lines to `sources/`, with their offsets, and count them."""
    copy = folder / "sources" / file
    made = Prepared(look, file, 0, look.path.stat())
    with records(look.path) as (_, plain, found):
        if plain and look.map == KEEP and not look.has_verdicts:
            line_file.copy_file(look.path, copy, each=partial(_count_lines, made, seen, progress))
        else:
            _convert(made, copy, found, seen, progress)
            if look.container != "jsonl" or look.map != KEEP:
                line_file.copy_bytes(look.path, copy.with_name(copy.name + ".orig"))
    opened = line_file.open_copy(copy)
    made.lines = opened.lines
    opened.close()
    return made


def _convert(
    made: Prepared, copy: Path, found: Iterator[Record], seen: set[int | None], progress: Progress | None
) -> None:
    numbers: array[int] = array("Q")
    indexer = line_file.Indexer()
    digest = hashlib.sha256()
    with atomic.replacing(copy, mode=0o444) as target:
        for done, (number, record) in enumerate(found, 1):
            example = example_of(record, made.preview.map)
            raw = line_of(record, example)
            if isinstance(example, Misfit):
                made.misfits.append((number, example.reason))
            else:
                made.left_behind.update(example.left_behind)
                if example.good is not None:
                    made.verdicts.append((done - 1, example.good))
            _count(made, [value_key(raw)], seen)
            target.write(raw + b"\n")
            indexer.feed(raw + b"\n")
            digest.update(raw + b"\n")
            numbers.append(number)
            if progress is not None and done % 1000 == 0:
                progress(done)
    indexer.finish()
    indexer.digest = digest.digest()
    line_file.write_index(copy, indexer)
    line_file.write_numbers(copy, numbers)


def _count_lines(made: Prepared, seen: set[int | None], progress: Progress | None, physical: list[bytes]) -> None:
    """Count lines that are copied as they are, on the way; blank ones are no examples, a CR is white space."""
    before = made.added // 1000
    _count(made, value_keys(physical), seen)
    if progress is not None and made.added // 1000 > before:
        progress(made.added)


def _count(made: Prepared, keys: list[int | None], seen: set[int | None]) -> None:
    known = len(seen)
    broken = keys.count(None)
    seen.update(keys)
    seen.discard(None)
    made.added += len(keys)
    made.broken += broken
    made.duplicates += len(keys) - broken - (len(seen) - known)


def commit(workspace: Workspace, made: Import) -> Change:
    """Make the prepared files part of the workspace, as one change. Raises NotSaved."""
    with workspace.guard:
        workspace.changes.writing.ready()
        first = workspace.stored.next_id()
        number = 1 + max((source.id for source in workspace.stored.sources), default=0)
        start = not workspace.stored.sources
        statements: list[tuple[str, Sequence[object]]] = []
        parts: list[Part] = []
        marks: list[Part] = []
        for at, file in enumerate(made.files):
            look = file.preview
            keeps = look.container == "jsonl" and look.map == KEEP
            form = "jsonl" if keeps else look.shape
            row = source_row(number + at, look.path, file.file, form, first, file.lines, file.stat)
            digest = line_file.stored_digest(workspace.path / "sources" / file.file)
            statements.append((SOURCE_ROW, (*row, digest, int(not start), time.time())))
            parts.append(Part(-(number + at), "hidden", 1, 0))
            marks += _marks(file, first)
            first += file.lines
        names = ", ".join(file.preview.path.name for file in made.files)
        count = made.total("added")
        maps = {file.preview.map.spec() for file in made.files if file.preview.map != KEEP}
        label = f"Imported {count_of(count)} from {names}" + (f" by {'; '.join(maps)}" if maps else "")
        if bad := made.total("bad"):
            label += f", {bad:,} of them marked as bad answers"
        shown = [*([] if start else parts), *marks]  # what a workspace began with cannot be undone
        change = workspace.journal.commit(
            "import", label, shown, statements=statements, examples=made.total("added")
        )
        workspace.changes.writing.reload()
        return change


def _marks(file: Prepared, first_id: int) -> list[Part]:
    """Labels and review states of the answers that KTO data judges: `good`, accepted; `bad`, rejected."""
    parts: list[Part] = []
    for position, good in file.verdicts:
        example = first_id + position
        parts.append(Part(example, "label:good" if good else "label:bad", 0, 1))
        parts.append(Part(example, "review", None, "accepted" if good else "rejected"))
        parts.append(Part(example, "reviewed", None, 0))
    return parts


def source_row(
    number: int, path: Path, file: str, form: str, first: int, count: int | None, stat: os.stat_result
) -> tuple[object, ...]:
    """The first nine values of `SOURCE_ROW`; `sha256`, `hidden` and `added_at` follow."""
    return (number, path.name, file, str(path.resolve()), stat.st_size, stat.st_mtime_ns, form, first, count)


def discard(workspace: Workspace, made: Import) -> None:
    """Take prepared files away again."""
    _drop_copies(workspace.path, [file.file for file in made.files])


def _drop_copies(folder: Path, names: Iterable[str]) -> None:
    for copy in (folder / "sources" / name for name in names):
        for name in (copy, *(copy.with_name(copy.name + suffix) for suffix in (".idx", ".lines", ".orig"))):
            name.unlink(missing_ok=True)


def add(workspace: Workspace, files: Iterable[Path], by: Map | None = None) -> tuple[Import, Change]:
    """`prepare` and `commit` in one."""
    made = prepare(workspace, files, by)
    return made, commit(workspace, made)


def add_previewed(workspace: Workspace, looks: Sequence[Preview]) -> tuple[Import, Change]:
    """`prepare_previewed` and `commit` in one."""
    made = prepare_previewed(workspace, looks)
    return made, commit(workspace, made)

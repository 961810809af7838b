"""The read side of `workspace.db` and its sources: which examples there are and what their bytes are."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import ItemsView, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from curator.core.example import parse
from curator.core.lines import split, trim
from curator.errors import CuratorError, InputError
from curator.workspace.records import Record
from curator.workspace.storage import line_file
from curator.workspace.storage.example_order import Order
from curator.workspace.storage.folder import folder_for
from curator.workspace.storage.journal import NEVER
from curator.workspace.storage.line_file import LineFile

BATCH = 500
"""Ids a statement."""
MANY = 20_000


class ExampleRow(NamedTuple):
    """A row of `example`."""

    id: int
    raw: bytes | None
    version: int
    place: int | None
    deleted: int
    rating: int | None
    review: str | None
    reviewed: int | None
    note: str | None
    split: str | None


@dataclass(slots=True)
class Source:
    """An imported file as the workspace knows it."""

    id: int
    name: str
    file: str
    origin: str | None
    origin_size: int | None
    origin_mtime_ns: int | None
    format: str
    first_id: int
    lines: int | None
    sha256: str | None
    hidden: int
    line_file: LineFile
    numbers: Sequence[int] = ()
    """Line in the original file of each record, where that was not JSONL."""

    def line(self, example: int) -> int:
        """Physical line in the file that was imported, from 1."""
        number = example - self.first_id
        return self.numbers[number] if number < len(self.numbers) else number + 1


class StoredExamples:
    """Examples by id: base lines from the sources, touched ones from the database."""

    def __init__(
        self,
        folder: Path,
        db: sqlite3.Connection,
        given: LineFile | None = None,
        numbers: Sequence[int] = (),
    ) -> None:
        self.folder = folder
        self._given, self._numbers = given, numbers
        self.db = db
        self.sources: list[Source] = []
        self._firsts: list[int] = []
        self.order = Order()
        self.split_made = False
        self.reload()

    def move(self, db: sqlite3.Connection) -> None:
        """Read through another connection from now on."""
        self.db = db

    def reload(self) -> None:
        """Read again what an undo, an import or a new split may have changed."""
        self._load_sources()
        self.reorder()

    def reorder(self) -> None:
        """Build the order of ids anew."""
        shown = [s for s in self.sources if not s.hidden]
        hidden = [s for s in self.sources if s.hidden]
        additions = self.db.execute(
            "SELECT id, place FROM example WHERE place IS NOT NULL AND deleted <> ?", (NEVER,)
        ).fetchall()
        deleted = [row[0] for row in self.db.execute("SELECT id FROM example WHERE deleted = 1")]
        for source in hidden:  # additions behind a line of a hidden source hang on its place: keep them visible
            additions = [(i, 0 if self._inside(source, at) else at) for i, at in additions]
        self.order.build([(s.first_id, s.line_file.lines, s.line_file.blanks) for s in shown], additions, deleted)
        row = self.db.execute("SELECT value FROM meta WHERE key = 'split'").fetchone()
        self.split_made = row is not None and row[0] not in ("null", "")

    @staticmethod
    def _inside(source: Source, example: int) -> bool:
        return source.first_id <= example < source.first_id + source.line_file.lines

    def _load_sources(self) -> None:
        known = {source.id: source for source in self.sources}
        sources = []
        for row in self.db.execute(
            "SELECT id, name, file, origin, origin_size, origin_mtime_ns, format, first_id, lines, sha256, hidden "
            "FROM source ORDER BY id"
        ).fetchall():
            old = known.pop(row[0], None)
            if old is not None and old.lines == row[8]:
                old.hidden = row[10]
                sources.append(old)
                continue
            if old is not None:
                old.line_file.close()
            sources.append(self._open(row))
        for gone in known.values():
            gone.line_file.close()
        self.sources = sources
        self._firsts = [source.first_id for source in sources]

    def _open(self, row: Sequence[object]) -> Source:
        number, name, file, origin, size, mtime, form, first, lines, digest, hidden = row
        copy = self.copy_path(str(file))
        if self._given is not None:
            opened = self._given
        elif lines is not None:
            opened = line_file.open_copy(copy)
            if opened.lines < int(lines):  # type: ignore[call-overload]
                raise CuratorError(
                    f"{copy} holds {opened.lines} lines instead of {lines}: restore it from a backup"
                )
        else:
            opened = self._glance(copy, str(origin))
        numbers = self._numbers if self._given is not None else line_file.load_numbers(copy)
        return Source(
            number, str(name), str(file), origin, size, mtime, str(form), first, lines, digest,  # type: ignore[arg-type]
            hidden, opened, numbers,  # type: ignore[arg-type]
        )  # fmt: skip

    def _glance(self, copy: Path, origin: str) -> LineFile:
        if copy.exists():
            return line_file.open_copy(copy)
        if folder_for(Path(origin)).resolve() != self.folder.resolve():  # a stranger's, who wants a file of ours
            raise InputError(f"{self.folder} is refused: it is not the workspace of {origin}")
        try:
            return line_file.glance(Path(origin))
        except OSError as error:
            raise InputError(f"{origin} was not copied completely and cannot be read any more: {error}") from error

    def copy_path(self, file: str) -> Path:
        """Where a source's bytes are. Raises InputError for a name that leads elsewhere."""
        path = self.folder / "sources" / file
        if Path(file).name != file or file in ("", ".", "..") or path.is_symlink():
            raise InputError(f"{self.folder} is refused: it names a source outside itself")
        return path

    def source(self, source_id: int) -> Source:
        """The source of that id. Raises StopIteration where there is none."""
        return next(source for source in self.sources if source.id == source_id)

    def source_of(self, example: int) -> Source | None:
        """The source of an imported example, None for one that was made here."""
        at = bisect_right(self._firsts, example) - 1
        if at < 0:
            return None
        source = self.sources[at]
        return source if example < source.first_id + source.line_file.lines else None

    @property
    def noun(self) -> str:
        """What an id is called in messages: with one source it is the line number."""
        return "line" if len(self.sources) == 1 and not self.sources[0].numbers else "example"

    def exists(self, example: int) -> bool:
        """Whether an id is one of the examples, deleted ones included."""
        source = self.source_of(example)
        if source is not None:
            return not source.hidden and not source.line_file.is_blank(example - source.first_id)
        row = self.db.execute("SELECT deleted FROM example WHERE id = ? AND place IS NOT NULL", (example,))
        return any(deleted != NEVER for (deleted,) in row)

    def example_rows(self, ids: Sequence[int]) -> dict[int, ExampleRow]:
        """The rows of `example` among some ids."""
        columns = "id, raw, version, place, deleted, rating, review, reviewed, note, split"
        if len(ids) > MANY:  # one pass over the rows that exist is cheaper than asking for each
            wanted = set(ids)
            return {
                row[0]: ExampleRow(*row)
                for row in self.db.execute(f"SELECT {columns} FROM example")
                if row[0] in wanted
            }
        found: dict[int, ExampleRow] = {}
        for part in batches(ids):
            marks = ",".join("?" * len(part))
            for row in self.db.execute(f"SELECT {columns} FROM example WHERE id IN ({marks})", part):
                found[row[0]] = ExampleRow(*row)
        return found

    def labels(self, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """The labels among some ids, in alphabetical order."""
        found: dict[int, tuple[str, ...]] = {}
        for part in batches(ids):
            marks = ",".join("?" * len(part))
            for example, label in self.db.execute(
                f"SELECT example, label FROM label WHERE example IN ({marks}) ORDER BY label", part
            ):
                found[example] = (*found.get(example, ()), label)
        return found

    def with_label(self, label: str) -> set[int]:
        """The examples that have a label, deleted ones too."""
        return {example for (example,) in self.db.execute("SELECT example FROM label WHERE label = ?", (label,))}

    def label_names(self) -> list[str]:
        """All labels in use, in alphabetical order."""
        return sorted(name for (name,) in self.db.execute("SELECT DISTINCT label FROM label"))

    def raw(self, example: int, touched: ExampleRow | None = None) -> bytes:
        """The current bytes of an example. Raises KeyError for an id that does not exist."""
        if touched is not None and touched.raw is not None:
            return touched.raw
        source = self.source_of(example)
        if source is None or source.line_file.is_blank(example - source.first_id):
            raise KeyError(example)
        return source.line_file.line(example - source.first_id)

    def revision(self) -> int:
        """The id of the last change, 0 before the first."""
        return int(self.db.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()[0])

    def version(self, example: int) -> int:
        """The change that made the current bytes; 0 for the source's."""
        row = self.db.execute("SELECT version FROM example WHERE id = ?", (example,)).fetchone()
        return 0 if row is None else int(row[0])

    def records(self, ids: Sequence[int]) -> Iterator[Record]:
        """Records in the order of the ids. Raises CuratorError for an id that does not exist."""
        for part in batches(ids):
            touched = self.example_rows(part)
            labels = self.labels(part)
            for example in part:
                yield self._record(example, touched.get(example), labels.get(example, ()))

    def _record(self, example: int, row: ExampleRow | None, labels: tuple[str, ...]) -> Record:
        if row is not None and row.deleted == NEVER:
            raise CuratorError(f"there is no example {example}")
        try:
            parsed = parse(self.raw(example, row))
        except KeyError:
            raise CuratorError(f"there is no example {example}") from None
        source = self.source_of(example)
        split = (row.split if row is not None else None) or ("train" if self.split_made else None)
        line = None if source is None else source.line(example)
        name = "" if source is None else source.name
        if row is None:
            return Record(example, parsed, line, name, split, labels)
        return Record(
            example, parsed, line, name, None if split == "none" else split, labels, row.rating, row.review,
            row.review is not None and row.reviewed != row.version, row.note or "", bool(row.deleted), row.version,
        )  # fmt: skip

    def next_id(self) -> int:
        """The smallest id that was never used."""
        last = self.db.execute("SELECT coalesce(max(id), 0) FROM example").fetchone()[0]
        ends = [source.first_id + source.line_file.lines - 1 for source in self.sources]
        return int(max([last, *ends], default=0)) + 1

    def raws(self, ids: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """(id, current bytes) for many ids in order, read block by block; ids without bytes are left out."""
        for part in batches(list(ids) if not isinstance(ids, Sequence) else ids):
            touched = self.example_rows(part)
            for example in part:
                try:
                    yield example, self.raw(example, touched.get(example))
                except KeyError:
                    continue

    def everything(self) -> Iterator[tuple[int, int, bytes]]:
        """(id, version, current bytes) of every example, deleted ones too, source by source, read in blocks."""
        versions = dict(self.db.execute("SELECT id, version FROM example WHERE raw IS NOT NULL").fetchall())
        for source in self.sources:
            if source.hidden:
                continue
            for first, block in source.line_file.blocks():
                for number, line in enumerate(split(block), source.first_id + first):
                    raw = trim(line, first=number == source.first_id)
                    if not raw or raw.isspace():
                        continue
                    version = versions.pop(number, 0)
                    if version:
                        raw = self.raw(number, self.example_rows([number]).get(number))
                    yield number, version, raw
        for example in sorted(versions):
            row = self.example_rows([example])[example]
            if row.raw is not None and row.deleted != NEVER and self.source_of(example) is None:
                yield example, row.version, row.raw

    def close(self) -> None:
        """Close the files."""
        for source in self.sources:
            source.line_file.close()


class BytesById(Mapping[int, bytes]):
    """Id → current bytes, in the order of the ids; holds none of them: each is read when it is asked for.

    Valid until the next change of the workspace.
    """

    def __init__(self, stored: StoredExamples, ids: Sequence[int]) -> None:
        self.stored, self.ids = stored, ids
        rewritten = stored.db.execute("SELECT id FROM example WHERE raw IS NOT NULL")
        self._rewritten = {example for (example,) in rewritten}

    def __getitem__(self, example: int) -> bytes:
        if example in self._rewritten:
            return self.stored.raw(example, self.stored.example_rows([example]).get(example))
        return self.stored.raw(example)

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)

    def items(self) -> ItemsView[int, bytes]:
        """(id, bytes), read in blocks."""
        return _Items(self)


class _Items(ItemsView[int, bytes]):
    _mapping: BytesById

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        return self._mapping.stored.raws(self._mapping.ids)


def batches(ids: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Ids in pieces that fit one statement."""
    for start in range(0, len(ids), BATCH):
        yield tuple(ids[start : start + BATCH])

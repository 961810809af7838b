"""Reads examples: which there are, in which order, and what their bytes and marks are.

The bytes of an unchanged example are a line of its source; those of a changed or added one are in `workspace.db`.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Callable, ItemsView, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from curator.core.example import parse
from curator.core.lines import split, trim
from curator.errors import CuratorError
from curator.sqlite_file import placeholders
from curator.workspace.records import Record
from curator.workspace.storage import surprises
from curator.workspace.storage.example_order import Order
from curator.workspace.storage.held_out import HeldOutSides
from curator.workspace.storage.line_file import CHUNK, LineFile
from curator.workspace.storage.sources import Source, copy_path, read_sources
from curator.workspace.storage.tables import ADDITION_UNDONE

BATCH = 500
"""Ids in one SQL statement."""
MANY = 20_000
"""For more ids than this one pass over the table is quicker than a statement for each batch of them."""


_SIDE_SET_BY = (
    "SELECT change.kind, part.before, part.after, EXISTS (SELECT 1 FROM part AS other "
    "WHERE other.change = change.id AND other.example = ?1 AND other.field IN ('version', 'deleted')) "
    "FROM change JOIN part "
    "ON part.change = change.id AND part.example = ?1 AND part.field = 'split' "
    "WHERE change.undone = 0 AND change.kind NOT IN ('undo', 'redo') "
    "AND NOT EXISTS (SELECT 1 FROM label WHERE label = 'pinned' AND example = ?1) ORDER BY change.id DESC LIMIT 1"
)
"""The kind of the change that set the side of an example last, the side before and after it, and whether it
changed or brought the example; nothing for a pinned example."""


class ExampleRow(NamedTuple):
    """A row of table `example`; an imported example without changes has none."""

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


class StoredExamples:
    """Examples by id: unchanged ones from the sources, changed and added ones from the database.

    `uncopied` is the (file, line numbers in the original) of the only source, where the database is in memory and
    nothing is copied.
    """

    def __init__(
        self,
        folder: Path,
        db: sqlite3.Connection,
        uncopied: tuple[LineFile, Sequence[int]] | None = None,
    ) -> None:
        self.folder = folder
        self._uncopied = uncopied
        self.db = db
        self.sources: list[Source] = []
        self._firsts: list[int] = []
        self.order = Order()
        self.split_made = False
        self._sides = HeldOutSides()
        self.reload()

    def use_connection(self, db: sqlite3.Connection) -> None:
        """Use another connection from now on."""
        self.db = db

    def surprises(self, ids: Iterable[int] | None = None) -> dict[int, float]:
        """The surprise of those of some examples (None: all) that have the bytes that were studied."""
        studied = surprises.read(self.folder).examples
        if not studied:
            return {}
        places = [example for example in (studied if ids is None else ids) if example in studied]
        return {
            example: studied[example].surprise
            for example, raw in self.raws(places)
            if studied[example].holds_for(raw)
        }

    def reload(self) -> None:
        """Read sources and order again, which an undo or an import may have changed."""
        self.sources = read_sources(self.db, self.folder, self.sources, self._uncopied)
        self._firsts = [source.first_id for source in self.sources]
        self.reorder()

    def reorder(self) -> None:
        """Build the order of ids again, after examples came, went or were split."""
        visible = [s for s in self.sources if not s.hidden]
        hidden = [s for s in self.sources if s.hidden]
        additions = self.db.execute(
            "SELECT id, place FROM example WHERE place IS NOT NULL AND deleted <> ?", (ADDITION_UNDONE,)
        ).fetchall()
        deleted = [row[0] for row in self.db.execute("SELECT id FROM example WHERE deleted = 1")]
        for source in hidden:  # an addition behind a line of a hidden source would vanish with it: put it first
            additions = [(i, 0 if self._inside(source, at) else at) for i, at in additions]
        self.order.build(
            [(s.first_id, s.line_file.lines, s.line_file.blanks) for s in visible], additions, deleted
        )
        row = self.db.execute("SELECT value FROM meta WHERE key = 'split'").fetchone()
        self.split_made = row is not None and row[0] not in ("null", "")

    @staticmethod
    def _inside(source: Source, example: int) -> bool:
        return source.first_id <= example < source.first_id + source.line_file.lines

    def copy_path(self, file: str) -> Path:
        """Where the copy of a source is. Raises InputError for a name that leads outside of the folder."""
        return copy_path(self.folder, file)

    def source(self, source_id: int) -> Source:
        """The source of that id. Raises StopIteration where there is none."""
        return next(source for source in self.sources if source.id == source_id)

    def source_of(self, example: int) -> Source | None:
        """The source of an imported example, None for one that was added here."""
        at = bisect_right(self._firsts, example) - 1
        if at < 0:
            return None
        source = self.sources[at]
        return source if example < source.first_id + source.line_file.lines else None

    def name_of(self, example: int) -> str:
        """What people call an example: its line, with its file where there are several, or its id."""
        source = self.source_of(example)
        if source is None:
            return f"example {example}"
        return f"line {source.line(example)}" + (f" of {source.name}" if len(self.sources) > 1 else "")

    @property
    def noun(self) -> str:
        """What an id is called in messages: `line` with one source, where ids are line numbers, else `example`."""
        return "line" if len(self.sources) == 1 and not self.sources[0].numbers else "example"

    def exists(self, example: int) -> bool:
        """Whether an id is that of an example, deleted ones included."""
        source = self.source_of(example)
        if source is not None:
            return not source.hidden and not source.line_file.is_blank(example - source.first_id)
        row = self.db.execute("SELECT deleted FROM example WHERE id = ? AND place IS NOT NULL", (example,))
        return any(deleted != ADDITION_UNDONE for (deleted,) in row)

    def example_rows(self, ids: Sequence[int]) -> dict[int, ExampleRow]:
        """The rows of table `example` for those of some ids that have one."""
        columns = "id, raw, version, place, deleted, rating, review, reviewed, note, split"
        if len(ids) > MANY:  # one pass over the rows that exist is cheaper than asking for each
            id_set = set(ids)
            return {
                row[0]: ExampleRow(*row)
                for row in self.db.execute(f"SELECT {columns} FROM example")
                if row[0] in id_set
            }
        rows: dict[int, ExampleRow] = {}
        for part in batches(ids):
            for row in self.db.execute(
                f"SELECT {columns} FROM example WHERE id IN ({placeholders(len(part))})", part
            ):
                rows[row[0]] = ExampleRow(*row)
        return rows

    def labels(self, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """The labels, in alphabetical order, of those of some ids that have any."""
        labels: dict[int, tuple[str, ...]] = {}
        for part in batches(ids):
            for example, label in self.db.execute(
                f"SELECT example, label FROM label WHERE example IN ({placeholders(len(part))}) ORDER BY label",
                part,
            ):
                labels[example] = (*labels.get(example, ()), label)
        return labels

    def held_out(self) -> set[int]:
        """The ids of the examples on a side of the split that is not trained, deleted ones too."""
        return self.sides().ids()

    def sides(self) -> HeldOutSides:
        """The sides that are not trained, up to date."""
        self._sides.update(self.db, self.revision(), self.next_id())
        return self._sides

    def in_review(self, state: str) -> set[int]:
        """The ids of the examples with this review state, deleted ones too."""
        rows = self.db.execute("SELECT id FROM example WHERE review = ?", (state,))
        return {example for (example,) in rows}

    def with_label(self, label: str) -> set[int]:
        """The examples that have a label, deleted ones too."""
        return {example for (example,) in self.db.execute("SELECT example FROM label WHERE label = ?", (label,))}

    def label_names(self) -> list[str]:
        """All labels in use, in alphabetical order."""
        return sorted(name for (name,) in self.db.execute("SELECT DISTINCT label FROM label"))

    def raw(self, example: int, row: ExampleRow | None = None) -> bytes:
        """The current bytes of an example, whose row the caller has read. Raises KeyError for an unknown id."""
        if row is not None and row.raw is not None:
            return row.raw
        source = self.source_of(example)
        if source is None or source.line_file.is_blank(example - source.first_id):
            raise KeyError(example)
        return source.line_file.line(example - source.first_id)

    def revision(self) -> int:
        """The id of the last change, 0 before the first."""
        return int(self.db.execute("SELECT coalesce(max(id), 0) FROM change").fetchone()[0])

    def sides_before_twins(self, ids: Iterable[int]) -> dict[int, str | None]:
        """The side that examples had before a change of their text made them copies of held-out ones, whose side
        they joined: the change that set their side last was none of sides, and nobody pinned them. Others are
        left out."""
        sides: dict[int, str | None] = {}
        for example in ids:
            row = self.db.execute(_SIDE_SET_BY, (example,)).fetchone()
            kind, before, after, changed = row or ("", None, None, 0)
            by_hand = kind in ("split", "restore") or (kind == "accept" and not changed)
            if not by_hand and after in ("validation", "test"):
                sides[example] = before
        return sides

    def version(self, example: int) -> int:
        """The id of the change that made the current bytes; 0 for those of the source."""
        row = self.db.execute("SELECT version FROM example WHERE id = ?", (example,)).fetchone()
        return 0 if row is None else int(row[0])

    def records(self, ids: Sequence[int]) -> Iterator[Record]:
        """Records in the order of the ids. Raises CuratorError for an id that does not exist."""
        for part in batches(ids):
            rows = self.example_rows(part)
            labels = self.labels(part)
            for example in part:
                yield self._record(example, rows.get(example), labels.get(example, ()))

    def _record(self, example: int, row: ExampleRow | None, labels: tuple[str, ...]) -> Record:
        """The record of an example, whose row and labels are read. Raises CuratorError for an unknown id."""
        if row is not None and row.deleted == ADDITION_UNDONE:
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
            return Record(id=example, example=parsed, line=line, source=name, split=split, labels=labels)
        return Record(
            id=example,
            example=parsed,
            line=line,
            source=name,
            split=None if split == "none" else split,
            labels=labels,
            rating=row.rating,
            review=row.review,
            stale=row.review is not None and row.reviewed != row.version,
            note=row.note or "",
            deleted=bool(row.deleted),
            version=row.version,
        )

    def next_id(self) -> int:
        """The smallest id that was never used."""
        last = self.db.execute("SELECT coalesce(max(id), 0) FROM example").fetchone()[0]
        ends = [source.first_id + source.line_file.lines - 1 for source in self.sources]
        return int(max([last, *ends], default=0)) + 1

    def raws(self, ids: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """(id, current bytes) for many ids in order; unknown ids are left out."""
        return ((example, raw) for example, _, raw in self.rows_and_raws(ids))

    def rows_and_raws(self, ids: Iterable[int]) -> Iterator[tuple[int, ExampleRow | None, bytes]]:
        """As `raws`, with the row of each example that has one."""
        for part in batches(list(ids) if not isinstance(ids, Sequence) else ids):
            rows = self.example_rows(part)
            lines = self._lines_of(part)
            for example in part:
                row = rows.get(example)
                try:
                    if row is not None and row.raw is not None:
                        yield example, row, row.raw
                    else:
                        yield example, row, lines(example)
                except KeyError:
                    continue

    def _lines_of(self, ids: Sequence[int]) -> Callable[[int], bytes]:
        """Reads the line of an unchanged example by its id, which raises KeyError for one that has none; those of
        ids that lie close together in one source are read at once."""
        source, first, last = self.source_of(ids[0]), min(ids), max(ids)
        if source is None or last - first >= 2 * len(ids) or self.source_of(last) is not source:
            return self.raw
        begin, offsets, file = source.first_id, source.line_file.offsets, source.line_file
        start, end = offsets[first - begin], offsets[last - begin + 1]
        if first < begin or end - start > CHUNK * 4:
            return self.raw
        block = file.read(start, end - start)
        if len(block) != end - start:
            return self.raw

        def line(example: int) -> bytes:
            at = example - begin
            if file.blanks and file.is_blank(at):
                raise KeyError(example)
            return trim(block[offsets[at] - start : offsets[at + 1] - start], first=not at)

        return line

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
            if row.raw is not None and row.deleted != ADDITION_UNDONE and self.source_of(example) is None:
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
    """Ids in pieces that fit into one SQL statement."""
    for start in range(0, len(ids), BATCH):
        yield tuple(ids[start : start + BATCH])

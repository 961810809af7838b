"""Labels, ratings, reviews and notes on their way out and in: beside a file, or under a key of its lines.

Beside it they are `NAME.marks.jsonl`, an object for each marked example with its line and the hash of its bytes.
So marks find their example after lines have moved, and never come to another one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from xxhash import xxh3_64_hexdigest

from curator.atomic import replacing
from curator.core import splice
from curator.core.example import parse
from curator.core.text import one_line
from curator.errors import InputError
from curator.workspace.storage.examples import StoredExamples
from curator.workspace.storage.open_change import REVISION, FieldChange

MARKS_KEY = "curator_marks"
"""The key of an example under which `--marks keys` writes its marks."""
MarksPlace = Literal["sidecar", "keys"]
MAX_LABEL = 100


class Marks(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people said of one example."""

    labels: tuple[str, ...] = ()
    rating: Annotated[int, msgspec.Meta(ge=1, le=5)] | None = None
    review: Literal["accepted", "rejected", "flagged"] | None = None
    stale: bool = False
    """Whether the example was changed after the review."""
    note: str = ""

    def require_valid(self) -> Marks:
        """Itself. Raises ValueError for a label that cannot be one."""
        for name in self.labels:
            if not name.strip() or name != name.strip() or len(name) > MAX_LABEL or one_line(name) != name:
                raise ValueError(f"'{one_line(name, 40)}' cannot be a label")
        return self

    def parts(self, example: int) -> Iterator[FieldChange]:
        """The changes that give these marks to an example which has none."""
        for name in dict.fromkeys(self.labels):
            yield FieldChange(example, f"label:{name}", 0, 1)
        if self.rating is not None:
            yield FieldChange(example, "rating", None, self.rating)
        if self.review is not None:
            yield FieldChange(example, "review", None, self.review)
            yield FieldChange(example, "reviewed", None, REVISION if self.stale else 0)
        if self.note:
            yield FieldChange(example, "note", None, self.note)


class MarkedLine(Marks, frozen=True, omit_defaults=True, kw_only=True):
    """One line of the file beside a dataset."""

    line: Annotated[int, msgspec.Meta(ge=1)]
    xxh3: str
    """The hash of the example's bytes, as 16 hexadecimal digits."""


def marks_of(stored: StoredExamples) -> dict[int, Marks]:
    """The marks of all examples that have any, by id."""
    labels: dict[int, list[str]] = {}
    for example, name in stored.db.execute("SELECT example, label FROM label ORDER BY label"):
        labels.setdefault(example, []).append(name)
    columns = "id, rating, review, review IS NOT NULL AND reviewed IS NOT version, note"
    where = "rating IS NOT NULL OR review IS NOT NULL OR note IS NOT NULL"
    marks = {}
    for example, rating, review, stale, note in stored.db.execute(f"SELECT {columns} FROM example WHERE {where}"):
        marks[example] = Marks(tuple(labels.pop(example, ())), rating, review, bool(stale), note or "")
    marks |= {example: Marks(tuple(names)) for example, names in labels.items()}
    return marks


def marks_path(path: Path) -> Path:
    """The file beside a dataset file."""
    return path.with_name(f"{path.name}.marks.jsonl")


def write_marks(path: Path, ids: Sequence[int], marks: Mapping[int, Marks], hashes: Mapping[int, str]) -> Path:
    """Write the marks of exported examples beside their file; `ids` are those of its lines, `hashes` of its bytes.

    Raises InputError.
    """
    beside = marks_path(path)
    try:
        with replacing(beside) as file:
            for line, example in enumerate(ids, 1):
                if example in marks:
                    own = msgspec.structs.asdict(marks[example])
                    row = MarkedLine(**own, line=line, xxh3=hashes[example])
                    file.write(msgspec.json.encode(row) + b"\n")
    except OSError as error:
        raise InputError(f"cannot write {beside}: {error.strerror or error}") from error
    return beside


def read_marks(path: Path) -> list[MarkedLine] | None:
    """The marks beside a dataset file; None where there is no such file. Raises InputError for another shape."""
    beside = marks_path(path)
    if not beside.is_file():
        return None
    decode, rows = msgspec.json.Decoder(MarkedLine).decode, []
    try:
        lines = beside.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"cannot read {beside}: {error.strerror or error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = decode(line)
                row.require_valid()
            except (ValueError, RecursionError) as error:
                words = one_line(str(error), 120)
                raise InputError(f"{beside}, line {number}: {words}; mend it or take the file away") from None
            rows.append(row)
    return rows


def hash_of(raw: bytes) -> str:
    """The hash by which marks find their example."""
    return xxh3_64_hexdigest(raw)


def match_marks(rows: Iterable[MarkedLine], hashes: Sequence[str]) -> tuple[dict[int, Marks], int]:
    """The marks by position in a file, whose lines have these hashes, and how many found no line.

    A mark belongs to its line if the bytes are the same, else to the first line of these bytes that has none yet.
    """
    marks: dict[int, Marks] = {}
    moved: list[MarkedLine] = []
    for row in rows:
        at = row.line - 1
        if at < len(hashes) and hashes[at] == row.xxh3 and at not in marks:
            marks[at] = row
        else:
            moved.append(row)
    return marks, _place_moved(marks, moved, hashes)


def _place_moved(marks: dict[int, Marks], moved: Sequence[MarkedLine], hashes: Sequence[str]) -> int:
    """Put marks whose line has moved to lines of the same bytes that have none yet; returns how many find none."""
    places: dict[str, list[int]] = {}
    for at in range(len(hashes) - 1, -1, -1) if moved else ():
        if at not in marks:
            places.setdefault(hashes[at], []).append(at)
    lost = 0
    for row in moved:
        if waiting := places.get(row.xxh3):
            marks[waiting.pop()] = row
        else:
            lost += 1
    return lost


def with_marks_key(raw: bytes, marks: Marks) -> bytes | None:
    """An example with its marks under `MARKS_KEY`; None where it is no object, which cannot have keys."""
    parsed = parse(raw)
    if not isinstance(parsed.value, dict) or parsed.broken:
        return None
    return splice.set_value(raw, (MARKS_KEY,), msgspec.to_builtins(marks))


def take_marks_key(raw: bytes) -> tuple[bytes, Marks | None]:
    """An example without `MARKS_KEY`, and the marks that stood there; None where it has no such key.

    Raises ValueError where something else stands there.
    """
    value = parse(raw).value
    if not isinstance(value, dict) or MARKS_KEY not in value:
        return raw, None
    marks = msgspec.convert(value[MARKS_KEY], Marks).require_valid()
    return splice.remove(raw, (MARKS_KEY,)), marks


def has_marks_keys(path: Path) -> bool:
    """Whether marks may stand under a key of the lines of a plain file."""
    key, before = b'"%b"' % MARKS_KEY.encode(), b""
    with path.open("rb", buffering=0) as file:
        while block := file.read(1 << 20):
            if key in block or key in before + block[: len(key)]:
                return True
            before = (before + block)[-len(key) :] if len(block) < len(key) else block[-len(key) :]
    return False

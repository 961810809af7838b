"""What a file that is to be imported looks like: container, shape, map, and the first examples by it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from curator.core import convert, splice
from curator.core.example import parse
from curator.core.text import writable
from curator.errors import InputError
from curator.workspace.files import parquet
from curator.workspace.files.dataset_file import open_dataset
from curator.workspace.files.line_splitter import Record

SAMPLE = 200
"""Records that tell the shape of a file."""
SHOWN = 3


@dataclass(frozen=True, slots=True)
class Preview:
    """A file as far as its first records tell."""

    path: Path
    container: str
    """`jsonl`, `array`, `csv` or `parquet`."""
    packed: bool
    """Whether the file is compressed."""
    plain: bool
    """Whether it is uncompressed UTF-8 JSON Lines, so that its bytes can be kept as they are."""
    shape: convert.Shape
    map: convert.Map
    """From records to chat examples; the detected one unless told otherwise."""
    records: int | None
    """About how many there are; None where only reading the file can tell."""
    sample: tuple[bytes, ...] = field(repr=False)
    """The first records, each as one line."""

    @property
    def samples(self) -> tuple[tuple[bytes, bytes], ...]:
        """(record as one line, example that it becomes) of the first three."""
        return tuple((raw, mapped(raw, self.map)[0]) for raw in self.sample[:SHOWN])

    @property
    def columns(self) -> tuple[str, ...]:
        """Keys of the first records, for choosing another map."""
        values = map(_value, self.sample)
        return tuple(dict.fromkeys(str(key) for value in values if isinstance(value, dict) for key in value))

    @property
    def left(self) -> tuple[str, ...]:
        """Keys of the first records that the map leaves behind."""
        return tuple(dict.fromkeys(key for raw in self.sample for key in convert.leftover(_value(raw), self.map)))

    @property
    def unfit(self) -> int:
        """How many of the first records the map does not fit; they would stay as they are."""
        return sum(not mapped(raw, self.map)[1] for raw in self.sample)

    def by(self, chosen: convert.Map) -> Preview:
        """The same records by another map; the file is not read again."""
        return replace(self, map=chosen)


def preview(path: Path, by: convert.Map | None = None) -> Preview:
    """Look at the first records of a file. Raises InputError for what cannot be read."""
    if not str(path).isascii() and writable(str(path)) != str(path):
        raise InputError(
            f"the name of {path} is not UTF-8, so no workspace can remember it; rename the file first"
        )
    with records(path) as (container, plain, found):
        sample = tuple(raw for _, raw in itertools.islice(found, SAMPLE))
    shape, detected = convert.detect_map(map(_value, sample))
    packed = path.suffix.lower() in (".gz", ".zst")
    about = _about(path, sample) if len(sample) < SAMPLE or plain else None
    return Preview(path, container, packed, plain, shape, detected if by is None else by, about, sample)


def _about(path: Path, sample: tuple[bytes, ...]) -> int:
    if len(sample) < SAMPLE:
        return len(sample)
    return round(path.stat().st_size * len(sample) / sum(len(raw) + 1 for raw in sample))


@contextmanager
def records(path: Path) -> Iterator[tuple[str, bool, Iterator[Record]]]:
    """(container, whether the bytes can be kept as they are, records) of a file. Raises InputError."""
    if parquet.is_parquet(path):
        yield "parquet", False, parquet.records(path)
        return
    with open_dataset(path) as source:
        container = {"lines": "jsonl"}.get(source.kind, source.kind)
        yield container, source.plain, source.records()


def mapped(raw: bytes, by: convert.Map) -> tuple[bytes, bool]:
    """The line that a record becomes, and whether the map fitted it."""
    if by == convert.KEEP:
        return raw, True
    value = parse(raw).value
    made = convert.to_chat(value, by)
    if made is not None:
        return splice.dump(made), True
    return raw, convert.shape_of(value) in ("chat", "preference", "reinforcement")


def _value(raw: bytes) -> object:
    return parse(raw).value

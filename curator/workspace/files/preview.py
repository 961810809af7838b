"""A preview of a file to be imported: container, shape, map to examples, and the first examples made by it."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from curator.core import spelled_numbers, splice
from curator.core.convert.maps import KEEP, Map, Shape
from curator.core.convert.shapes import detect_map, with_verdicts
from curator.core.convert.to_example import Converted, Misfit, to_example
from curator.core.example import parse
from curator.core.text import one_line, writable
from curator.errors import InputError
from curator.workspace.files import parquet
from curator.workspace.files.dataset_file import open_dataset
from curator.workspace.files.delimiters import DELIMITERS
from curator.workspace.files.line_splitter import Notes, Record
from curator.workspace.files.trace_records import prompts_of_traces

_NAMED = 8
"""Most keys named of those beside the records."""
SAMPLE = 200
"""Records from which the shape of a file is told."""
TRACES = "traces"
"""The container of a file of traces, of which the prompts are read."""
SHOWN = 3
"""Records shown with the examples they become."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What the first records of a file tell about it."""

    path: Path
    container: str
    """`jsonl`, `array`, `csv`, `parquet` or `traces`."""
    packed: bool
    """Whether the file is compressed."""
    plain: bool
    """Whether it is uncompressed UTF-8 JSON Lines, so that its bytes can be kept as they are."""
    shape: Shape
    map: Map
    """How records become chat examples; the detected map unless another is given."""
    map_was_chosen: bool
    """Whether a person named the map; a detected one tells every record that it does not fit."""
    records: int | None
    """About how many records there are; None where only reading the whole file tells."""
    sample: tuple[bytes, ...] = field(repr=False)
    """The first records, each as one line."""
    layout: str = ""
    """Phrases on a name that says something else, the delimiter of a CSV file, the key that wraps the records."""

    @property
    def samples(self) -> tuple[tuple[bytes, bytes], ...]:
        """(record as one line, example that it becomes) of the first three."""
        return tuple((raw, line_of(raw, example_of(raw, self.map))) for raw in self.sample[:SHOWN])

    @property
    def columns(self) -> tuple[str, ...]:
        """Keys of the first records, for choosing another map."""
        values = map(_value, self.sample)
        return tuple(dict.fromkeys(str(key) for value in values if isinstance(value, dict) for key in value))

    @property
    def left_behind(self) -> dict[str, int]:
        """Places of the first records that the map leaves behind, with how many records have them."""
        return dict(Counter(place for each in self._converted for place in each.left_behind))

    @property
    def misfits(self) -> tuple[str, ...]:
        """Why the map does not fit some of the first records, a reason each; they would stay as they are."""
        examples = (example_of(raw, self.map) for raw in self.sample)
        return tuple(each.reason for each in examples if isinstance(each, Misfit))

    @property
    def _converted(self) -> Iterator[Converted]:
        examples = (example_of(raw, self.map) for raw in self.sample)
        return (each for each in examples if isinstance(each, Converted))

    def by(self, other: Map) -> Preview:
        """The same records by another map; the file is not read again."""
        return replace(self, map=_with_verdicts(other, self.sample), map_was_chosen=True)


def preview(path: Path, by: Map | None = None) -> Preview:
    """Read the first records of a file. Raises InputError where it cannot be read or imported."""
    if not str(path).isascii() and writable(str(path)) != str(path):
        raise InputError(
            f"the name of {path} is not UTF-8, so no workspace can remember it; rename the file first"
        )
    with records(path, as_they_are=by == KEEP) as (container, plain, file_records, notes):
        sample = tuple(raw for _, raw in itertools.islice(file_records, SAMPLE))
    shape, detected = detect_map(map(_value, sample))
    count = _estimated_count(path, sample) if len(sample) < SAMPLE or plain else None
    return Preview(
        path=path,
        container=container,
        packed=notes.packed,
        plain=plain,
        shape=shape,
        map=detected if by is None else _with_verdicts(by, sample),
        map_was_chosen=by is not None,
        records=count,
        sample=sample,
        layout=_layout(notes),
    )


def _with_verdicts(by: Map, sample: tuple[bytes, ...]) -> Map:
    """A map by hand, with the columns of verdicts that it does not name: no bad answer becomes a good one."""
    return by if by.verdict else with_verdicts(by, map(_value, sample))


def _layout(notes: Notes) -> str:
    phrases = [notes.misnamed, f"read as {notes.encoding}" if notes.encoding else ""]
    if notes.delimiter:
        phrases.append(f"cells between {DELIMITERS.get(notes.delimiter, repr(notes.delimiter))}")
    if notes.wrapped_in:
        phrases.append(f"records inside '{one_line(notes.wrapped_in, 40)}'")
    if notes.beside_records:
        named = ", ".join(one_line(key, 40) for key in notes.beside_records[:_NAMED])
        phrases.append(f"what stands beside them is left behind: {named}")
    if notes.traced_by:
        phrases.append(
            f"traces of {notes.traced_by}: what was asked of models; answers and other spans stay behind"
        )
    if notes.joined_by:
        phrases.append(f"rows of one '{notes.joined_by}' joined to a conversation")
    return "; ".join(filter(None, phrases))


def _estimated_count(path: Path, sample: tuple[bytes, ...]) -> int:
    """The number of records, estimated from the mean length of the first ones where there are more."""
    if len(sample) < SAMPLE:
        return len(sample)
    return round(path.stat().st_size * len(sample) / sum(len(raw) + 1 for raw in sample))


@contextmanager
def records(path: Path, *, as_they_are: bool = False) -> Iterator[tuple[str, bool, Iterator[Record], Notes]]:
    """Open a file: (container, whether its bytes can be kept as they are, records, notes). Raises InputError.

    The records of a file of traces are the prompts in it, unless its lines are to be taken as they are.
    """
    with _records(path) as (container, plain, file_records, notes):
        traced = False
        if not as_they_are:
            traced, file_records = prompts_of_traces(file_records, notes, path.name)
        yield TRACES if traced else container, plain and not traced, file_records, notes


@contextmanager
def _records(path: Path) -> Iterator[tuple[str, bool, Iterator[Record], Notes]]:
    if parquet.is_parquet(path):
        own_name = path.suffix.lower() in (".parquet", ".pq")
        notes = Notes(misnamed="" if own_name else "Parquet in spite of its name")
        yield "parquet", False, parquet.records(path), notes
        return
    with open_dataset(path) as source:
        container = {"lines": "jsonl"}.get(source.kind, source.kind)
        yield container, source.plain, source.records(), source.notes


def example_of(raw: bytes, by: Map) -> Converted | Misfit:
    """Convert a record, given as one line, by a map; a line that is no JSON stays as it is and is no misfit."""
    parsed = parse(raw)
    if parsed.faults and parsed.value is None:
        return Converted(None, raw=raw)
    record = spelled_numbers.read(parsed)
    example = to_example(record, by)
    if isinstance(example, Converted) and example.value is record:
        return replace(example, raw=raw)
    return example


def line_of(raw: bytes, example: Converted | Misfit) -> bytes:
    """The line of an example that was made of the record `raw`."""
    if isinstance(example, Misfit):
        return raw
    return splice.encoded(spelled_numbers.spell(example.value)) if example.raw is None else example.raw


def _value(raw: bytes) -> object:
    return parse(raw).value

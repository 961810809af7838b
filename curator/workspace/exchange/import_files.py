"""Imports files into a workspace: byte copies of JSON Lines, converted copies of everything else.

`prepare` copies files and counts their new, duplicate and broken lines; `commit` adds them as one change. No line
is ever dropped: what cannot be converted stays as it is, and the rules report it.
"""

from __future__ import annotations

import hashlib
import os
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from curator import atomic
from curator.core.convert.maps import KEEP, NATIVE, Map
from curator.core.convert.shapes import shape_of
from curator.core.convert.to_example import Converted, Misfit
from curator.core.example import parse
from curator.core.lines import trim
from curator.core.text import count_of, one_line
from curator.errors import NotSaved
from curator.workspace.changes.right_answers import RightAnswers, right_answer_parts
from curator.workspace.changes.verdict_marks import verdict_marks, verdicts_of_lines
from curator.workspace.changes.writing import twin_words
from curator.workspace.exchange.equal_lines import value_key, value_keys
from curator.workspace.exchange.late_verdicts import LateVerdicts
from curator.workspace.exchange.marks_file import (
    MARKS_KEY,
    has_marks_keys,
    hash_of,
    match_marks,
    read_marks,
    take_marks_key,
)
from curator.workspace.exchange.prepared_files import Import, PreparedFile
from curator.workspace.exchange.right_answers_file import read_right_answers
from curator.workspace.files.line_splitter import Record
from curator.workspace.files.preview import TRACES, Preview, example_of, line_of, preview, records
from curator.workspace.records import Change
from curator.workspace.storage import line_file
from curator.workspace.storage.folder import slug
from curator.workspace.storage.open_change import FieldChange
from curator.workspace.workspace import Workspace

SOURCE_ROW = (
    "INSERT INTO source(id, name, file, origin, origin_size, origin_mtime_ns, format, first_id, lines, sha256, "
    "hidden, added_at) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)"
)
UNREAD_CALLS = "calls of models whose messages cannot be read"
"""What stays behind of a file of traces, beside answers."""
Progress = Callable[[int], None]
"""Called with the number of records of a file read so far; what it raises cancels the import."""


def prepare(
    workspace: Workspace, files: Iterable[Path], by: Map | None = None, progress: Progress | None = None
) -> Import:
    """Copy files into the workspace's folder and count their lines; `commit` or `discard` the result.

    Raises InputError for what cannot be read (nothing is left behind) and NotSaved where there is no room.
    """
    workspace.require_writer()
    return prepare_previewed(workspace, [preview(Path(path), by) for path in files], progress)


def prepare_previewed(
    workspace: Workspace, looks: Sequence[Preview], progress: Progress | None = None, folder: Path | None = None
) -> Import:
    """As `prepare`, by previews. A `folder` with `sources/` in it gets the copies, and nothing else is written."""
    if folder is None:
        workspace.require_writer()
    prepared = Import()
    seen_keys = _present_keys(workspace, progress)
    number = 1 + max((source.id for source in workspace.stored.sources), default=0)
    names = [f"{number + at}-{slug(look.path.name)}" for at, look in enumerate(looks)]
    try:
        for look, name in zip(looks, names, strict=True):
            prepared.files.append(_copy(folder or workspace.path, look, name, seen_keys, progress))
    except BaseException as error:
        _drop_copies(folder or workspace.path, names)
        if isinstance(error, OSError):
            raise NotSaved(f"not saved: {error.strerror or error}") from error
        raise
    return prepared


def _present_keys(workspace: Workspace, progress: Progress | None) -> set[int | None]:
    """The value keys of the examples of a workspace."""
    live = set(workspace.ids()) if workspace.stored.sources else set()
    keys: set[int | None] = set()
    for done, (example, _, raw) in enumerate(workspace.stored.everything()):
        if progress is not None and done % 1000 == 0:
            progress(0)  # no file is read yet, but `progress` may raise to cancel
        if example in live and (key := value_key(raw)) is not None:
            keys.add(key)
    return keys


def _copy(
    folder: Path, look: Preview, file: str, seen_keys: set[int | None], progress: Progress | None
) -> PreparedFile:
    """Write one file's lines to `sources/`, with their offsets, and count them."""
    copy = folder / "sources" / file
    prepared = PreparedFile(look, file, 0, look.path.stat(), beside=read_marks(look.path))
    prepared.late_verdicts = LateVerdicts(look.map)
    with records(look.path, as_they_are=look.container != TRACES) as (_, plain, file_records, notes):
        if plain and look.map == KEEP and not has_marks_keys(look.path):
            line_file.copy_file(look.path, copy, each=partial(_count_lines, prepared, seen_keys, progress))
        else:
            _convert(prepared, copy, file_records, seen_keys, progress)
            if look.container != "jsonl" or not look.map.keeps_records or prepared.keys_taken:
                line_file.copy_bytes(look.path, copy.with_name(copy.name + ".orig"))
    prepared.left_behind.update({UNREAD_CALLS: notes.unread_calls} if notes.unread_calls else {})
    prepared.settle_late_verdicts()
    if prepared.beside is not None:
        matched, prepared.lost_marks = match_marks(prepared.beside, prepared.hashes)
        prepared.marks |= matched
        prepared.hashes.clear()
    opened = line_file.open_copy(copy)
    prepared.lines = opened.lines
    opened.close()
    return prepared


def _take_marks(prepared: PreparedFile, number: int, position: int, record: bytes) -> bytes:
    """The record without its marks, which are noted; what is no marks is told and stays."""
    if prepared.beside is not None:
        prepared.hashes.append(hash_of(record))
    if MARKS_KEY.encode() in record:
        try:
            record, marks = take_marks_key(record)
        except ValueError as error:
            prepared.misfits.append((number, f"its {MARKS_KEY} are no marks: {one_line(str(error), 80)}"))
            return record
        if marks is not None:
            prepared.marks[position] = marks
            prepared.keys_taken = True
    return record


def _convert(
    prepared: PreparedFile,
    copy: Path,
    file_records: Iterator[Record],
    seen_keys: set[int | None],
    progress: Progress | None,
) -> None:
    """Write each record as the example that the map makes of it, and count it."""
    numbers: array[int] = array("Q")
    indexer = line_file.Indexer()
    digest = hashlib.sha256()
    with atomic.replacing(copy, mode=0o444) as target:
        for done, (number, record) in enumerate(file_records, 1):
            record = _take_marks(prepared, number, done - 1, record)
            example = example_of(record, prepared.preview.map)
            raw = line_of(record, example)
            if isinstance(example, Misfit):
                prepared.misfits.append((number, example.reason))
            else:
                prepared.left_behind.update(example.left_behind)
                _note_verdicts(prepared, done - 1, record, example)
            _count(prepared, [value_key(raw)], seen_keys)
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


def _note_verdicts(prepared: PreparedFile, position: int, record: bytes, example: Converted) -> None:
    """Note what the data says of the answer of a record, in columns of the map and in others."""
    if example.verdict is not None:
        prepared.verdicts.append((position, example.verdict))
    if prepared.preview.map.keeps_records:
        prepared.late_verdicts.look_at(position, example.value)
    elif prepared.late_verdicts.may_speak(example.left_behind):
        prepared.late_verdicts.look_at(position, parse(record).value)


def _note_foreign_lines(prepared: PreparedFile, physical: list[bytes], others: list[int]) -> None:
    """Note the records that are of another shape than the examples around them; a broken line is the rules' part.

    Only the lines of the indexes `others` may be; most of them hold one of the two keys of examples, and no other
    is parsed.
    """
    for at in others:
        number, raw = 1 + prepared.lines_read + at, physical[at]
        has_keys = b'"role"' in raw and (b'"messages"' in raw or b'"input"' in raw)
        if not has_keys and not raw.isspace():
            value = parse(raw.strip()).value
            if value is not None and (shape := shape_of(value)) not in NATIVE:
                way = "" if shape == "unknown" else f"; import it by itself as {shape}"
                prepared.misfits.append((number, f"it is no example of the kind that the file begins with{way}"))


def _count_lines(
    prepared: PreparedFile, seen_keys: set[int | None], progress: Progress | None, physical: list[bytes]
) -> None:
    """Count lines that are copied unchanged; blank lines are no examples."""
    before = prepared.added // 1000
    others: list[int] = []
    keys = value_keys(physical, others)
    for at in others:
        prepared.late_verdicts.look_at(prepared.lines_read + at, parse(physical[at].strip()).value)
    prepared.verdicts += verdicts_of_lines((prepared.lines_read + at, physical[at]) for at in others)
    if not prepared.preview.map_was_chosen:
        _note_foreign_lines(prepared, physical, others)
    if prepared.beside is not None:
        first = prepared.lines_read == 0
        prepared.hashes += [hash_of(trim(raw, first=first and not at)) for at, raw in enumerate(physical)]
    prepared.lines_read += len(physical)
    _count(prepared, keys, seen_keys)
    if progress is not None and prepared.added // 1000 > before:
        progress(prepared.added)


def _count(prepared: PreparedFile, keys: list[int | None], seen_keys: set[int | None]) -> None:
    """Add lines to the counts by their value keys; None is the key of a broken line."""
    key_count = len(seen_keys)
    broken = keys.count(None)
    seen_keys.update(keys)
    seen_keys.discard(None)
    prepared.added += len(keys)
    prepared.broken += broken
    prepared.duplicates += len(keys) - broken - (len(seen_keys) - key_count)


def commit(workspace: Workspace, prepared: Import) -> Change:
    """Make the prepared files part of the workspace, as one change. Raises NotSaved."""
    with workspace.guard:
        workspace.changes.writing.begin()
        first = workspace.stored.next_id()
        number = 1 + max((source.id for source in workspace.stored.sources), default=0)
        is_first = not workspace.stored.sources
        statements: list[tuple[str, Sequence[object]]] = []
        parts: list[FieldChange] = []
        marks: list[FieldChange] = []
        further: RightAnswers = {}
        writing = workspace.changes.writing
        twins = writing.held_out_twins(_lines_of(workspace, prepared, first), prepared.total("added"))
        for at, file in enumerate(prepared.files):
            look = file.preview
            keeps = look.container == "jsonl" and look.map.keeps_records and not file.keys_taken
            form = "jsonl" if keeps else look.shape
            row = source_row(number + at, look.path, file.file, form, first, file.lines, file.stat)
            digest = line_file.stored_digest(workspace.path / "sources" / file.file)
            statements.append((SOURCE_ROW, (*row, digest, int(not is_first), time.time())))
            parts.append(FieldChange(-(number + at), "hidden", 1, 0))
            marks += _marks_of(file, first)
            if keeps:
                further |= _further_right_answers(file, first)
            first += file.lines
        names = ", ".join(file.preview.path.name for file in prepared.files)
        count = prepared.total("added")
        maps = {file.preview.map.spec() for file in prepared.files if not file.preview.map.keeps_records}
        label = f"Imported {count_of(count)} from {names}" + (f" by {'; '.join(maps)}" if maps else "")
        if bad := prepared.total("bad"):
            label += f", {bad:,} of them marked as bad answers"
        if marked := prepared.total("marked"):
            label += f", {marked:,} of them with labels, ratings, reviews or notes"
        if unclear := prepared.total("unclear"):
            label += f", {unclear:,} with a verdict that cannot be read"
        label += twin_words(twins)
        marks += writing.twin_parts(twins)
        marks += right_answer_parts(writing, further)
        undoable = [*([] if is_first else parts), *marks]  # the first import cannot be undone
        change = workspace.journal.commit(
            "import", label, undoable, statements=statements, examples=prepared.total("added")
        )
        writing.reload()
        return replace(change, twins=twins)


def _marks_of(file: PreparedFile, first_id: int) -> Iterator[FieldChange]:
    """What the data or the marks beside it say of its examples; the marks beside it are all that people said."""
    for position, marks in file.marks.items():
        yield from marks.parts(first_id + position)
    if file.beside is None:
        others = ((position, verdict) for position, verdict in file.verdicts if position not in file.marks)
        yield from verdict_marks((first_id + position, verdict) for position, verdict in others)


def _further_right_answers(file: PreparedFile, first_id: int) -> RightAnswers:
    """Further right answers from the file beside an imported one, by id."""
    beside = read_right_answers(file.preview.path)
    return {first_id + line - 1: texts for line, texts in beside.items() if 0 < line <= file.lines}


def _lines_of(workspace: Workspace, prepared: Import, first_id: int) -> Iterator[tuple[int, bytes]]:
    """(id, bytes) of the examples of prepared files."""
    for file in prepared.files:
        copy = line_file.open_copy(workspace.path / "sources" / file.file)
        for number in range(copy.lines):
            if not copy.is_blank(number):
                yield first_id + number, copy.line(number)
        first_id += copy.lines
        copy.close()


def source_row(
    number: int, path: Path, file: str, form: str, first: int, count: int | None, stat: os.stat_result
) -> tuple[object, ...]:
    """The first nine values of `SOURCE_ROW`; `sha256`, `hidden` and `added_at` follow."""
    return (number, path.name, file, str(path.resolve()), stat.st_size, stat.st_mtime_ns, form, first, count)


def discard(workspace: Workspace, prepared: Import) -> None:
    """Delete prepared files."""
    _drop_copies(workspace.path, [file.file for file in prepared.files])


def _drop_copies(folder: Path, names: Iterable[str]) -> None:
    for copy in (folder / "sources" / name for name in names):
        for name in (copy, *(copy.with_name(copy.name + suffix) for suffix in (".idx", ".lines", ".orig"))):
            name.unlink(missing_ok=True)


def add(workspace: Workspace, files: Iterable[Path], by: Map | None = None) -> tuple[Import, Change]:
    """`prepare` and `commit` in one."""
    prepared = prepare(workspace, files, by)
    return prepared, commit(workspace, prepared)


def add_previewed(workspace: Workspace, looks: Sequence[Preview]) -> tuple[Import, Change]:
    """`prepare_previewed` and `commit` in one."""
    prepared = prepare_previewed(workspace, looks)
    return prepared, commit(workspace, prepared)

"""The elements of a JSON array and the rows of a CSV file, as records on one line each."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from typing import cast

from curator.core import spelled_numbers, splice
from curator.core.convert.cells import CSV_HEADER
from curator.core.convert.shapes import TURN_KEYS
from curator.core.lines import BOM
from curator.core.old_encodings import western_text
from curator.errors import InputError
from curator.workspace.files.container import MAX_WHOLE, parse_json, wrapping_key
from curator.workspace.files.delimiters import delimiter_of
from curator.workspace.files.line_splitter import Notes, Record
from curator.workspace.files.message_rows import are_messages, join_messages, message_columns
from curator.workspace.files.printed_lists import read_list

_SEPARATOR_LINE = re.compile(r"""\A["']?sep=(.)["']?\r?(?:\n|\Z)""", re.IGNORECASE)
"""A first line by which Excel names the delimiter."""
_JSON_COLUMNS = ("tools", "input", "preferred_output", "non_preferred_output")
_TURN_COLUMNS = ("messages", "prompt", "completion", "chosen", "rejected", *TURN_KEYS)


def elements(data: bytes, notes: Notes) -> Iterator[Record]:
    """The elements of an array, or values one after another, each on one line.

    One object that only wraps a list of records (`{"data": [...]}`) stands for the records in that list.
    """
    notes.bom = data.startswith(BOM)
    notes.lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    if b"\r" in data:
        notes.carriage_returns, notes.first_carriage_return = (
            data.count(b"\r"),
            data[: data.index(b"\r")].count(b"\n") + 1,
        )
    line, at = 1, 0
    for start, end in _spans(data, notes):
        line, at = line + data.count(b"\n", at, start), start
        notes.records += 1
        yield line, splice.on_one_line(data[start:end])


def _spans(data: bytes, notes: Notes) -> Iterator[tuple[int, int]]:
    """Byte offsets of the records: those of the values, or of the elements inside one value that wraps them."""
    spans = splice.values(data)
    first = list(islice(spans, 2))
    if _is_one_conversation(data, first):
        text = data.removeprefix(BOM)
        start = len(data) - len(text.lstrip())
        yield start, start + len(text.strip())
        return
    beside: list[str] = []
    if len(first) == 1 and (key := wrapping_key(data[slice(*first[0])], beside)):
        start = first[0][0]
        list_start, list_end = splice.span(data[slice(*first[0])], (key,))
        notes.wrapped_in, notes.beside_records = key, beside
        for begin, end in splice.values(data[start + list_start : start + list_end]):
            yield start + list_start + begin, start + list_start + end
        return
    yield from first
    yield from spans


def _is_one_conversation(data: bytes, first: list[tuple[int, int]]) -> bool:
    """Whether an array is the list of messages of one conversation, and no list of examples."""
    from curator.core.convert.turns_in import is_turn  # heavy: few arrays begin with a turn

    begins = [parse_json(data[slice(*span)]) for span in first]
    if len(begins) < 2 or not all(
        isinstance(value, dict) and "role" in value and is_turn(value) for value in begins
    ):
        return False
    turns = parse_json(data.removeprefix(BOM))
    return isinstance(turns, list) and all(map(is_turn, turns))


def rows(data: bytes, notes: Notes, name: str) -> Iterator[Record]:
    """The rows of a CSV file as objects by its header; a cell in a `messages` column may hold JSON.

    The delimiter is the one that the header and the first rows agree on; `notes.delimiter` tells it. Text that
    is not UTF-8 is read as Windows-1252, where it reads like that. Raises InputError for what is no CSV file.
    """
    notes.bom = data.startswith(BOM)
    text = _decode(data.removeprefix(BOM), notes, name)
    notes.lines = text.count("\n") + (not text.endswith("\n") and bool(text))
    csv.field_size_limit(min(MAX_WHOLE, 2**31 - 1))  # the default, 128 KB, is less than a long conversation
    lines_before = 0
    if separator := _SEPARATOR_LINE.match(text):  # Excel's first line
        text, lines_before = text[separator.end() :], 1
    notes.delimiter = separator[1] if separator else delimiter_of(text, "\t" if ".tsv" in name.lower() else ",")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=notes.delimiter)
    try:
        header = next(reader, [])
        names = _unique_names(header)
        records = _objects(reader, names, notes, lines_before)
        columns = message_columns(names)
        if columns is not None and are_messages(columns, listed := list(records)):
            notes.joined_by = columns.conversation
            records = join_messages(columns, listed)
        elif columns is not None:
            records = iter(listed)
        for number, values in records:
            notes.records += 1
            yield number, splice.encoded(spelled_numbers.spell(values))
    except csv.Error as error:
        place = f"line {lines_before + reader.line_num}"
        raise InputError(f"{name} is no CSV file: {error} ({place})") from None


def _objects(
    reader: Iterator[list[str]], names: list[str], notes: Notes, lines_before: int
) -> Iterator[tuple[int, dict[str, object]]]:
    """(line, object) of each row that is not blank."""
    own = tuple(names) == CSV_HEADER
    line = reader.line_num + 1  # type: ignore[attr-defined]
    for row in reader:
        if any(row):
            names += (f"column {at}" for at in range(len(names) + 1, len(row) + 1))
            cells = zip(names, row, strict=False)
            yield lines_before + line, {name: cell if own else _cell_value(name, cell) for name, cell in cells}
        else:
            notes.blanks.append(lines_before + line)
        line = reader.line_num + 1  # type: ignore[attr-defined]


def _decode(data: bytes, notes: Notes, name: str) -> str:
    """The text: UTF-8, else Windows-1252. Raises InputError where it reads like neither."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
    text = western_text(data)
    if text is None:
        raise InputError(
            f"{name} is neither UTF-8 nor Windows-1252 (line {line}): save it as UTF-8, in Excel as 'CSV UTF-8'"
        )
    notes.encoding = "Windows-1252"
    return text


def _unique_names(header: list[str]) -> list[str]:
    """The header's names, made unique where one is empty or occurs twice, so that no cell replaces another."""
    names: list[str] = []
    for at, name in enumerate(header, 1):
        names.append(f"{name} (column {at})" if name in names else name or f"column {at}")
    return names


def _cell_value(key: str, cell: str) -> object:
    """A cell's text, or what it holds as JSON (or as Python prints lists) in a column of messages."""
    if key in _TURN_COLUMNS and cell[:1] == "[":
        turns = read_list(cell)
        return cell if turns is None else turns
    if key in _JSON_COLUMNS and cell[:1] in ("[", "{"):
        try:
            return cast(object, spelled_numbers.loads(cell))
        except (ValueError, RecursionError):
            return cell
    return cell

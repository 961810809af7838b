"""The elements of a JSON array and the rows of a CSV file, as records on one line each."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import cast

import orjson

from curator.core import splice
from curator.core.lines import BOM
from curator.errors import InputError
from curator.workspace.files.container import MAX_WHOLE
from curator.workspace.files.line_splitter import Notes, Record


def elements(data: bytes, notes: Notes) -> Iterator[Record]:
    """The elements of an array, or values one after another, each on one line."""
    notes.bom = data.startswith(BOM)
    notes.lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
    if b"\r" in data:
        notes.carriage_returns, notes.first_carriage_return = (
            data.count(b"\r"),
            data[: data.index(b"\r")].count(b"\n") + 1,
        )
    line, at = 1, 0
    for start, end in splice.values(data):
        line, at = line + data.count(b"\n", at, start), start
        notes.records += 1
        yield line, splice.on_one_line(data[start:end])


def rows(data: bytes, notes: Notes, name: str) -> Iterator[Record]:
    """The rows of a CSV file as objects by its header; a cell in a `messages` column may hold JSON."""
    notes.bom = data.startswith(BOM)
    try:
        text = data.removeprefix(BOM).decode("utf-8")
    except UnicodeDecodeError:
        notes.encoding, text = "not UTF-8", data.decode("cp1252", "replace")
    notes.lines = text.count("\n") + (not text.endswith("\n") and bool(text))
    delimiter = "\t" if ".tsv" in name.lower() else ","
    csv.field_size_limit(min(MAX_WHOLE, 2**31 - 1))  # what its default refuses may well be a long conversation
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        names = _unique_names(next(reader, []))
        line = reader.line_num + 1
        for row in reader:
            if any(row):
                notes.records += 1
                names += (f"column {at}" for at in range(len(names) + 1, len(row) + 1))
                cells = zip(names, row, strict=False)
                yield line, splice.dump({name: _cell_value(name, cell) for name, cell in cells})
            else:
                notes.blanks.append(line)
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{name} is no CSV file: {error} (line {reader.line_num})") from None


def _unique_names(header: list[str]) -> list[str]:
    """The header's names, told apart where one stands twice: no cell replaces another."""
    names: list[str] = []
    for at, name in enumerate(header, 1):
        names.append(f"{name} (column {at})" if name in names else name)
    return names


def _cell_value(key: str, cell: str) -> object:
    if key in ("messages", "tools", "input", "preferred_output", "non_preferred_output") and cell[:1] in (
        "[",
        "{",
    ):
        try:
            return cast(object, orjson.loads(cell))
        except orjson.JSONDecodeError:
            return cell
    return cell

"""Tells by its content, rather than its name, whether a text file is lines of JSON, one JSON value, or a table."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import Literal

from curator.core.lines import BOM
from curator.workspace.files.container import is_array, parse_json
from curator.workspace.files.delimiters import delimiter_of

Kind = Literal["lines", "array", "csv"]

_ROWS_LOOKED_AT = 20
_JSON_BEGINS = (b"[", b"{", b"[{", b"[[")
"""First lines of a pretty-printed JSON value."""


def kind_of_text(head: bytes, name: str, complete: bool) -> tuple[Kind, str]:
    """(kind of a text, a phrase where its name says something else). `complete`: `head` is the whole file."""
    base = name.lower().removesuffix(".gz").removesuffix(".zst")
    if base.endswith((".csv", ".tsv")):
        if not _begins_as_json(head):
            return "csv", ""
        return ("array" if is_array(head, complete) else "lines"), "JSON in spite of its name"
    if is_array(head, complete):
        return "array", ""
    if _is_known_table(head, complete):
        return "csv", "" if base.endswith(".txt") else "a table in spite of its name"
    return "lines", ""


def _begins_as_json(head: bytes) -> bool:
    """Whether a text begins with a JSON object or list, which no heading of a table does."""
    first = head.removeprefix(BOM).lstrip().split(b"\n", 1)[0].strip()
    if not first.startswith((b"{", b"[")):
        return False
    return first in _JSON_BEGINS or first.startswith((b'{"', b'[{"')) or isinstance(parse_json(first), dict | list)


def _is_known_table(head: bytes, complete: bool) -> bool:
    """Whether the first lines are rows of one width under headings of a known shape, none of them JSON."""
    lines = head.removeprefix(BOM).splitlines()
    lines = [line for line in (lines if complete else lines[:-1]) if line.strip()][:_ROWS_LOOKED_AT]
    if len(lines) < 2 or any(line.lstrip().startswith((b"{", b"[")) for line in lines):
        return False
    text = head.removeprefix(BOM).decode("utf-8", "replace")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text, ","), strict=True)
        rows = list(islice(reader, _ROWS_LOOKED_AT))
    except csv.Error:
        return False
    rows = [row for row in (rows if complete else rows[:-1]) if row]
    if len(rows) < 2 or len(rows[0]) < 2 or any(len(row) != len(rows[0]) for row in rows):
        return False
    from curator.core.convert.shapes import shape_of  # heavy: all shapes, for a text that may be a table

    return shape_of(dict(zip(rows[0], rows[1], strict=True))) != "unknown"

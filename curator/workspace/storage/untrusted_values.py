"""Which values the columns of a workspace may hold.

SQLite stores any type in any column, and a workspace may come from an untrusted person.
"""

from __future__ import annotations

import sqlite3

import orjson

from curator.workspace.storage import meta

_TEXT = "typeof({0}) <> 'text' OR instr({0}, char(0))"
_TEXT_OR_NONE = "typeof({0}) NOT IN ('text', 'null') OR instr({0}, char(0))"
_NOTE = "typeof({0}) NOT IN ('text', 'null')"
_NUMBER = "typeof({0}) <> 'integer' OR {0} NOT BETWEEN 0 AND 1 << 40"
_NUMBER_OR_NONE = "typeof({0}) NOT IN ('integer', 'null') OR {0} NOT BETWEEN 0 AND 1 << 40"
_BYTES_OR_NONE = "typeof({0}) NOT IN ('blob', 'null')"
_TIME = "typeof({0}) NOT IN ('real', 'integer') OR {0} NOT BETWEEN 0 AND 1e11"
"""Conditions in SQL under which a value is wrong; `{0}` is the column."""

_WRONG: dict[str, dict[str, str]] = {
    "source": {
        "id": _NUMBER, "name": _TEXT, "file": _TEXT, "origin": _TEXT_OR_NONE, "format": _TEXT,
        "first_id": _NUMBER, "lines": _NUMBER_OR_NONE, "sha256": _TEXT_OR_NONE, "hidden": _NUMBER,
    },
    "example": {
        "id": _NUMBER, "raw": _BYTES_OR_NONE, "version": _NUMBER, "place": _NUMBER_OR_NONE, "deleted": _NUMBER,
        "rating": _NUMBER_OR_NONE, "review": _TEXT_OR_NONE, "reviewed": _NUMBER_OR_NONE, "note": _NOTE,
        "split": _TEXT_OR_NONE,
    },
    "label": {"label": _TEXT, "example": _NUMBER},
    "change": {
        "id": _NUMBER, "kind": _TEXT, "label": _TEXT, "examples": _NUMBER, "created_at": _TIME,
        "undone": _NUMBER, "reverts": _NUMBER_OR_NONE,
    },
    "meta": {"key": _TEXT, "value": _TEXT},
}  # fmt: skip
_REMEMBERED: dict[str, type] = {
    "context": dict, "contract": dict, "split": dict, "labels": list, "not_duplicates": list,
    "also_right": dict,
}  # fmt: skip
"""The JSON type of a value in `meta`, by key."""


def first_untrusted_value(db: sqlite3.Connection) -> str:
    """The first value that Curator would never write, in words; empty where there is none."""
    for table, columns in _WRONG.items():
        tests = [f"({wrong.format(name)})" for name, wrong in columns.items()]
        row = db.execute(f"SELECT {', '.join(tests)} FROM {table} WHERE {' OR '.join(tests)} LIMIT 1").fetchone()
        if row is not None:
            column = next(name for name, wrong in zip(columns, row, strict=True) if wrong)
            return f"a value in {table}.{column} that no Curator writes"
    try:
        for key, kind in _REMEMBERED.items():
            value = meta.read(db, key)
            if value is not None and not isinstance(value, kind):
                return f"a value of '{key}' that no Curator writes"
        meta.context_of(db)
    except (orjson.JSONDecodeError, ValueError, TypeError, AttributeError) as error:
        return f"a remembered value that no Curator writes ({error})"
    return ""

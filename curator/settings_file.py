"""Changing `config.toml` in place: only the lines of the changed keys are touched; comments and order stay.

The standard library can read TOML but not write it. So the lines are edited, and the result is verified: it must
parse as the old values with exactly this change, else nothing is written.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from curator import atomic, settings
from curator.errors import UsageError

Value = str | int | float | bool
_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")


def change(section: tuple[str, ...], values: dict[str, Value | None]) -> Path:
    """Set keys of a table, e.g. `("providers", "work")`, or of the top level, `()`; None removes a key.

    Returns the file's path. Raises UsageError where the file is invalid, would become invalid, cannot be written,
    or is formatted in a way that cannot be changed line by line.
    """
    file = settings.path()
    settings.load(file)  # raises for a file that is invalid already
    text = _read(file)
    new_values = _with_changes(tomllib.loads(text), section, values)
    new_text = _edit_lines(text, section, values)
    try:
        verified = tomllib.loads(new_text) == new_values
    except tomllib.TOMLDecodeError:
        verified = False
    if not verified:
        names = ", ".join(values)
        raise UsageError(
            f"{file}: {names} of {_header(section) or 'the top'} cannot be changed here; edit the file."
        )
    settings.check(new_values, file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        atomic.write_bytes(file, new_text.encode())
    except OSError as error:
        raise UsageError(f"{file}: cannot be written ({error.strerror}).", title="Configuration") from None
    return file


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        return ""


def _with_changes(
    values: dict[str, Any], section: tuple[str, ...], changes: dict[str, Value | None]
) -> dict[str, Any]:
    """The parsed values with the changes made; `values` is modified."""
    table = values
    for name in section:
        table = table.setdefault(name, {})
    for key, value in changes.items():
        table.pop(key, None)
        if value is not None:
            table[key] = value
    return values


def _edit_lines(text: str, section: tuple[str, ...], changes: dict[str, Value | None]) -> str:
    """The text of the file with the changes made on its lines."""
    lines = text.split("\n")
    start, end = _table_lines(lines, section)
    if start is None:
        body = [f"{_name(key)} = {_dump(value)}" for key, value in changes.items() if value is not None]
        gap = [""] if text.strip() else []
        return "\n".join([*_without_trailing_blanks(lines), *gap, f"[{_header(section)}]", *body, ""])
    block = lines[start:end]
    for key, value in changes.items():
        at = next((i for i, line in enumerate(block) if _key_of(line) == key), None)
        comment = "" if at is None else _comment(block[at])
        fresh = [] if value is None else [f"{_name(key)} = {_dump(value)}{comment}"]
        if at is None:
            at = len(_without_trailing_blanks(block))
            block[at:at] = fresh
        else:
            block[at : at + 1] = fresh
    return "\n".join([*lines[:start], *block, *lines[end:]]).rstrip("\n") + "\n"


def _table_lines(lines: list[str], section: tuple[str, ...]) -> tuple[int | None, int]:
    """(index of the line after the table's header, index of the next header); None: there is no such table."""
    headers = [(at, path) for at, line in enumerate(lines) if (path := _opened_table(line)) is not None]
    if not section:
        return 0, headers[0][0] if headers else len(lines)
    for number, (at, path) in enumerate(headers):
        if path == section:
            return at + 1, headers[number + 1][0] if number + 1 < len(headers) else len(lines)
    return None, len(lines)


def _opened_table(line: str) -> tuple[str, ...] | None:
    """The path of the table whose header the line is, e.g. `("providers", "work")`; None for any other line."""
    if not line.lstrip().startswith("["):
        return None
    try:
        value: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    path: list[str] = []
    while isinstance(value, dict) and value:
        name, value = next(iter(value.items()))
        path.append(name)
    return tuple(path) if isinstance(value, dict) else None


def _key_of(line: str) -> str | None:
    try:
        value = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None
    return next(iter(value), None)


def _comment(line: str) -> str:
    """The comment after a value, with the spaces before it; empty where there is none."""
    at = line.rfind("#")
    while at > 0:
        try:
            if tomllib.loads(line[:at]) == tomllib.loads(line):
                return line[len(line[:at].rstrip()) :]
        except tomllib.TOMLDecodeError:
            pass
        at = line.rfind("#", 0, at)
    return ""


def _without_trailing_blanks(lines: list[str]) -> list[str]:
    """The lines without the blank ones at the end."""
    remaining = list(lines)
    while remaining and not remaining[-1].strip():
        remaining.pop()
    return remaining


def _header(section: tuple[str, ...]) -> str:
    return ".".join(map(_name, section))


def _name(key: str) -> str:
    return key if _BARE.match(key) else _dump(key)


def _dump(value: Value) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)

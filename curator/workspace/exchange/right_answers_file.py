"""Further right answers beside a dataset file: `NAME.also-right.jsonl`, an object a line of that file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import orjson

from curator.atomic import replacing
from curator.errors import InputError


def right_answers_path(path: Path) -> Path:
    """The file beside a dataset file."""
    return path.with_name(f"{path.name}.also-right.jsonl")


def read_right_answers(path: Path) -> dict[int, tuple[str, ...]]:
    """The further right answers beside a dataset file, by line; none where there is no such file.

    Raises InputError for a line of another shape.
    """
    beside = right_answers_path(path)
    if not beside.is_file():
        return {}
    answers: dict[int, tuple[str, ...]] = {}
    try:
        lines = beside.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"cannot read {beside}: {error.strerror or error}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            key, texts = _entry(line, f"{beside}, line {number}")
            answers[key] = (*answers.get(key, ()), *texts)
    return answers


def _entry(line: bytes, where: str) -> tuple[int, list[str]]:
    """(line of the dataset, answers) of an object such as {"line": 3, "also_right": ["yes"]}."""
    try:
        entry = orjson.loads(line)
    except orjson.JSONDecodeError:
        entry = None
    if isinstance(entry, dict):
        key, texts = entry.get("line"), entry.get("also_right")
        if type(key) is int and isinstance(texts, list) and all(isinstance(text, str) for text in texts):
            return key, texts
    raise InputError(f'{where}: write {{"line": NUMBER, "also_right": [TEXT, …]}}, or take the file away')


def write_right_answers(path: Path, ids: Sequence[int], answers: Mapping[int, tuple[str, ...]]) -> Path | None:
    """Write the further right answers of exported examples beside their file; `ids` are those of its lines.

    An older file of another export is replaced, or removed where there is nothing to write. Returns the path of
    what was written. Raises InputError.
    """
    beside = right_answers_path(path)
    rows = [
        {"line": line, "also_right": answers[example]} for line, example in enumerate(ids, 1) if example in answers
    ]
    try:
        if not rows:
            beside.unlink(missing_ok=True)
            return None
        with replacing(beside) as file:
            for row in rows:
                file.write(orjson.dumps(row) + b"\n")
    except OSError as error:
        raise InputError(f"cannot write {beside}: {error.strerror or error}") from error
    return beside

"""A map says which parts of a record become which messages of an example."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from curator.core.example import Path, parse_path
from curator.errors import UsageError

Shape = Literal[
    "chat",
    "preference",
    "reinforcement",
    "completion",
    "sharegpt",
    "alpaca",
    "question_answer",
    "columns",
    "pair",
    "gemini",
    "request",
    "chat_text",
    "message_list",
    "chat_export",
    "message_tree",
    "ranking",
    "function_calls",
    "glaive",
    "curator_csv",
    "unknown",
]
NATIVE = ("chat", "preference", "reinforcement")
"""The shapes that the program works on; a record of theirs needs no map."""

ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Map:
    """Which columns make the messages; several are joined by an empty line, empty ones skipped.

    A shape with a reader of its own (`sharegpt`, `pair`, …) has no columns but those of `keep`.
    """

    user: tuple[str, ...] = ()
    assistant: tuple[str, ...] = ()
    system: tuple[str, ...] = ()
    shape: Shape = "columns"
    chosen: tuple[str, ...] = ()
    """Columns of the preferred answer; with `rejected` the record becomes a preference pair."""
    rejected: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    """Keys that go along unchanged, beside the messages."""
    verdict: tuple[str, ...] = ()
    """Columns that say whether the answer is a good one."""
    inside: tuple[str, ...] = ()
    """The key whose object is the record; what stands beside it is left behind."""

    def spec(self) -> str:
        """As `--map` takes it: `user=question+context,assistant=answer`."""
        pairs = ((key, getattr(self, key)) for key in COLUMN_KEYS)
        words = [f"{key}={'+'.join(columns)}" for key, columns in pairs if columns]
        if not (self.user or self.assistant or self.chosen):
            words.insert(0, "none" if self.shape in ("chat", "unknown") else self.shape)
        return ",".join(words)

    @property
    def keeps_records(self) -> bool:
        """Whether every record stays as it is; its verdicts may be read all the same."""
        return self.shape == "chat" and not self.inside

    @property
    def is_pair(self) -> bool:
        """Whether the map makes preference pairs of its columns."""
        return bool(self.chosen)


KEEP = Map(shape="chat")
"""The map that leaves every record as it is; it fits all of them."""

UNKNOWN = Map(shape="unknown")
"""The map of a file whose records have no known shape: it fits only records that are examples already."""

COLUMN_KEYS = ("system", "user", "assistant", "chosen", "rejected", "tools", "keep", "verdict", "inside")
_ANY_SHAPE = frozenset(("tools", "keep", "verdict", "inside"))
"""Columns that may be added to a map that has columns of its own."""
assert {*COLUMN_KEYS, "shape"} == {field.name for field in fields(Map)}

ALPACA = Map(("instruction", "input"), ("output",), ("system",), "alpaca")
COMPLETION = Map(("prompt",), ("completion",), ("system",), "completion")
QUESTION_ANSWER = Map(("question",), ("answer",), (), "question_answer")
NAMED = {"alpaca": ALPACA, "completion": COMPLETION, "question_answer": QUESTION_ANSWER}


def named(shape: Shape) -> Map:
    """The one map by which records of a shape are converted: its columns, or, without any, a reader of its own."""
    return NAMED.get(shape) or (KEEP if shape in NATIVE else Map(shape=shape))


def parse_map(spec: str) -> Map:
    """The map that `--map` names. Raises UsageError with what may be written.

    `user=a+b,assistant=c[,system=d]`, `user=a,chosen=b,rejected=c`, a shape's name, `none` (keep every line); each
    with `tools=COLUMN`, `keep=COLUMN`, `verdict=COLUMN` and `inside=KEY` where wanted.
    """
    first, _, rest = spec.partition(",")
    shape = first.strip()
    if shape in ("none", "chat"):
        shape = "keep"
    if "=" in shape:
        rest, shape = spec, ""
    elif shape != "keep" and (shape not in get_args(Shape) or shape in (*NATIVE, "columns", "unknown")):
        raise UsageError(f"'{first}' is no map: write user=COLUMN,assistant=COLUMN (or system=, +COLUMN, none)")
    columns = _columns(rest)
    if shape == "keep":
        if not columns.keys() <= {"verdict", "inside"}:
            raise UsageError("'none' keeps every record as it is: only verdict= and inside= can be added")
        return Map(shape="chat", **columns)
    if shape:
        if not columns.keys() <= _ANY_SHAPE:
            raise UsageError(
                f"'{shape}' has columns of its own: only tools=, keep=, verdict= and inside= can be added"
            )
        base = named(shape)  # type: ignore[arg-type]
        return Map(base.user, base.assistant, base.system, base.shape, **columns)
    answers = columns.keys() & {"assistant", "chosen", "rejected"}
    if "user" not in columns or answers not in ({"assistant"}, {"chosen", "rejected"}):
        raise UsageError("a map needs user=… and assistant=…, or user=…, chosen=… and rejected=…")
    return Map(**columns)


def _columns(spec: str) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for part in filter(None, spec.split(",")):
        key, sign, names = part.partition("=")
        key = key.strip()
        if not sign or key not in COLUMN_KEYS or not names.strip():
            raise UsageError(f"'{part}' is no map: write user=COLUMN,assistant=COLUMN (or system=, +COLUMN, none)")
        columns[key] = tuple(name.strip() for name in names.split("+") if name.strip())
    return columns


def fields_at(record: Mapping[str, Any], column: str) -> Iterator[tuple[Path, Any]]:
    """(path, value) of what a record has in a column: at a key, or inside (`instances[0].output`), or nothing."""
    if column in record:
        yield (column,), record[column]
        return
    value: Any = record
    try:
        path = parse_path(column)
        for step in path:
            if type(value) not in (dict, list):
                return  # not a letter of a text
            value = value[step]
    except (LookupError, TypeError, ValueError):
        return
    yield path, value


def key_of(column: str) -> str:
    """The key of a record in which a column's location begins."""
    return re.split(r"[.\[]", column, maxsplit=1)[0]

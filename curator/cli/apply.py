"""`curator apply`: apply edit operations, one JSON object a line; each is answered after it is saved to disk."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from curator.cli import output
from curator.errors import CuratorError, InputError, UsageError

if TYPE_CHECKING:
    from curator.workspace.records import Change
    from curator.workspace.workspace import Workspace

EXAMPLE = """echo '{"op": "label", "filter": "is:error", "label": "fix me"}' | curator apply data.curator"""
_WAIT = 5.0
"""Seconds to wait for another writer to close the workspace."""
_LARGEST = 2**63 - 1
"""The largest integer that SQLite stores."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("workspace", metavar="WORKSPACE", help="a workspace (NAME.curator)")
    parser.add_argument("ops", nargs="?", default="-", metavar="OPS", help="a file of operations; default: stdin")


def run(args: argparse.Namespace) -> int:
    """Apply the operations line by line; exit status 1 if any was refused."""
    from curator.workspace.opening import open_workspace  # heavy
    from curator.workspace.storage.folder import is_workspace

    if not is_workspace(Path(args.workspace)):
        raise InputError(f"{args.workspace} is no workspace; make one with `curator import FILE -w NAME.curator`")
    refused = 0
    with open_workspace(args.workspace, wait=_WAIT) as workspace:
        workspace.require_writer()
        for line in _lines(args.ops):
            if not line.strip():
                continue
            answer = _apply_line(workspace, line)
            refused += not answer["ok"]
            output.emit(answer)
    return 1 if refused else 0


def _lines(name: str) -> Iterator[bytes]:
    if name == "-":
        yield from sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as file:
            yield from file
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or error}") from error


def _apply_line(workspace: Workspace, line: bytes) -> dict[str, Any]:
    """Apply the operation in a line and return the answer to print; a refused operation changes nothing."""
    try:
        try:
            op = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise UsageError(f"not JSON: {error}") from None
        if not isinstance(op, dict):
            raise UsageError("an operation is a JSON object")
        change = perform(workspace, op)
    except CuratorError as error:
        return {"ok": False, "error": error.message}
    if change is None:
        return {"ok": False, "error": f"nothing to {op['op']}"}
    answer: dict[str, Any] = {"ok": True, "revision": change.id, "examples": change.examples}
    if op["op"] == "add":
        answer["id"] = change.ids[0]
    return answer | _held_out(change)


def _held_out(change: Change) -> dict[str, Any]:
    """The keys of the printed answer on examples that copy a held-out one and therefore joined its side."""
    if len(change.twins) == 1 and change.examples == 1:
        return {"side": change.twins[0].side, "twin": change.twins[0].twin}
    return {"twins": [twin._asdict() for twin in change.twins]} if change.twins else {}


def perform(workspace: Workspace, op: dict[str, Any]) -> Change | None:
    """Apply one operation (docs/cli.md); None where there is nothing to undo or redo.

    Raises UsageError for an invalid operation, or another CuratorError.
    """
    name = op.get("op")
    handler = _OPERATIONS.get(name) if isinstance(name, str) else None
    if handler is None:
        raise UsageError(f"'{name}' is no operation; there are {', '.join(sorted(_OPERATIONS))}")
    return handler(workspace, op)


def _ids(workspace: Workspace, op: dict[str, Any]) -> Sequence[int]:
    """The ids of the examples that an operation selects by `example`, `examples` or `filter`."""
    keys = [key for key in ("example", "examples", "filter") if key in op]
    if len(keys) != 1:
        raise UsageError("say which examples: one of example, examples, filter")
    value = op[keys[0]]
    if keys[0] == "filter":
        if not isinstance(value, str):
            raise UsageError("a filter is a query text")
        return workspace.view(value).ids
    ids = [value] if keys[0] == "example" else value
    if not isinstance(ids, list) or not all(type(i) is int and i <= _LARGEST for i in ids):
        raise UsageError("example ids are the whole numbers that `curator list` prints")
    return ids


def _text_field(op: dict[str, Any], key: str) -> str:
    if not isinstance(op.get(key), str):
        raise UsageError(f"'{op['op']}' wants \"{key}\": a text")
    return str(op[key])


def _number_field(op: dict[str, Any], key: str, default: float) -> float:
    value = op.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"'{op['op']}' wants \"{key}\": a number")
    return value


def _edit(workspace: Workspace, op: dict[str, Any]) -> Change:
    if "value" not in op:
        raise UsageError("'edit' wants \"value\"")
    ids = _ids(workspace, op)
    location = _text_field(op, "location")
    if len(ids) == 1:
        return workspace.changes.edit(ids[0], location, op["value"])
    return workspace.changes.edit_many(ids, location, op["value"])


def _add(workspace: Workspace, op: dict[str, Any]) -> Change:
    example, after = op.get("example"), op.get("after")
    if not isinstance(example, dict):
        raise UsageError("'add' wants \"example\": an object")
    if after is not None and (type(after) is not int or after > _LARGEST):
        raise UsageError('"after" is the id of an example')
    return workspace.changes.add(example, after)


def _label(workspace: Workspace, op: dict[str, Any]) -> Change:
    on = op.get("on", True)
    if not isinstance(on, bool):
        raise UsageError('"on" is true or false')
    return workspace.changes.label(_ids(workspace, op), _text_field(op, "label"), on)


def _rate(workspace: Workspace, op: dict[str, Any]) -> Change:
    rating = op.get("rating")
    if rating is not None and type(rating) is not int:
        raise UsageError("a rating is a whole number from 0 (none) to 5")
    return workspace.changes.rate(_ids(workspace, op), rating)


def _split(workspace: Workspace, op: dict[str, Any]) -> Change:
    some = any(key in op for key in ("example", "examples", "filter"))
    ids = _ids(workspace, op) if some else None
    stratify = _text_field(op, "stratify") if "stratify" in op else None
    share, test, seed = _number_field(op, "validation", 0.1), _number_field(op, "test", 0), op.get("seed", 0)
    if type(seed) is not int:
        raise UsageError("a seed is a whole number")
    return workspace.changes.split(share, seed, test=test, stratify=stratify, ids=ids)


def _restore(workspace: Workspace, op: dict[str, Any]) -> Change:
    """Bring examples back, or with `revision` the data as it was after that change."""
    if "revision" not in op:
        return workspace.changes.restore(_ids(workspace, op))
    revision = op["revision"]
    if isinstance(revision, bool) or not isinstance(revision, int):
        raise UsageError("'revision' is a whole number")
    return workspace.changes.restore_to(revision)


def _also_right(workspace: Workspace, op: dict[str, Any]) -> Change:
    on = op.get("on", True)
    if not isinstance(on, bool):
        raise UsageError('"on" is true or false')
    answer = _text_field(op, "answer")
    return workspace.changes.accept_answers(dict.fromkeys(_ids(workspace, op), (answer,)), on)


def _fix(workspace: Workspace, op: dict[str, Any]) -> Change:
    return workspace.changes.fix(_ids(workspace, op), _text_field(op, "rule") if "rule" in op else None)


_OPERATIONS: dict[str, Callable[[Workspace, dict[str, Any]], Change | None]] = {
    "edit": _edit,
    "add": _add,
    "delete": lambda workspace, op: workspace.changes.delete(_ids(workspace, op)),
    "restore": _restore,
    "label": _label,
    "rate": _rate,
    "review": lambda workspace, op: workspace.changes.review(_ids(workspace, op), _text_field(op, "state")),
    "note": lambda workspace, op: workspace.changes.note(
        _ids(workspace, op), _text_field(op, "note" if "note" in op else "text")
    ),
    "fix": _fix,
    "also_right": _also_right,
    "split": _split,
    "undo": lambda workspace, _: workspace.changes.undo(),
    "redo": lambda workspace, _: workspace.changes.redo(),
}

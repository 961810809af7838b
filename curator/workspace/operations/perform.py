"""Does the operations of `apply` (docs/cli.md), e.g. `{"op": "label", "example": 3, "label": "good"}`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from curator.errors import UsageError

if TYPE_CHECKING:
    from curator.workspace.records import Change
    from curator.workspace.workspace import Workspace

Operation = dict[str, Any]
"""A JSON object with the name of what to do in `op`."""
_LARGEST = 2**63 - 1
"""The largest integer that SQLite stores."""
_CHOOSING = ("example", "examples", "filter")
"""The keys by which an operation chooses examples: an id, a list of ids, a query."""


def perform(workspace: Workspace, op: Operation) -> Change | None:
    """Apply one operation; None where there is nothing to undo or redo.

    Raises UsageError for an invalid operation, or another CuratorError.
    """
    name = op.get("op")
    handler = OPERATIONS.get(name) if isinstance(name, str) else None
    if handler is None:
        raise UsageError(f"'{name}' is no operation; there are {', '.join(sorted(OPERATIONS))}")
    return handler(workspace, op)


def chosen_ids(workspace: Workspace, op: Operation) -> Sequence[int]:
    """The ids of the examples that an operation chooses by `example`, `examples` or `filter`."""
    keys = [key for key in _CHOOSING if key in op]
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


def chooses(op: Operation) -> bool:
    """Whether an operation chooses examples that are there; `add` does not, and `split` of everything."""
    return op.get("op") != "add" and any(key in op for key in _CHOOSING)


def with_ids(op: Operation, ids: Sequence[int]) -> Operation:
    """The operation on exactly these examples."""
    others = {key: value for key, value in op.items() if key not in _CHOOSING}
    return others | ({"example": ids[0]} if len(ids) == 1 else {"examples": list(ids)})


def _text_field(op: Operation, key: str) -> str:
    if not isinstance(op.get(key), str):
        raise UsageError(f"'{op['op']}' wants \"{key}\": a text")
    return str(op[key])


def _number_field(op: Operation, key: str, default: float) -> float:
    value = op.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"'{op['op']}' wants \"{key}\": a number")
    return value


def _edit(workspace: Workspace, op: Operation) -> Change:
    if "value" not in op:
        raise UsageError("'edit' wants \"value\"")
    ids = chosen_ids(workspace, op)
    location = _text_field(op, "location")
    if len(ids) == 1:
        return workspace.changes.edit(ids[0], location, op["value"])
    return workspace.changes.edit_many(ids, location, op["value"])


def _add(workspace: Workspace, op: Operation) -> Change:
    example, after, labels = op.get("example"), op.get("after"), op.get("labels", [])
    if not isinstance(example, dict):
        raise UsageError("'add' wants \"example\": an object")
    if after is not None and (type(after) is not int or after > _LARGEST):
        raise UsageError('"after" is the id of an example')
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise UsageError('"labels" is a list of texts')
    return workspace.changes.add(example, after, labels)


def _label(workspace: Workspace, op: Operation) -> Change:
    on = op.get("on", True)
    if not isinstance(on, bool):
        raise UsageError('"on" is true or false')
    return workspace.changes.label(chosen_ids(workspace, op), _text_field(op, "label"), on)


def _rate(workspace: Workspace, op: Operation) -> Change:
    rating = op.get("rating")
    if rating is not None and type(rating) is not int:
        raise UsageError("a rating is a whole number from 0 (none) to 5")
    return workspace.changes.rate(chosen_ids(workspace, op), rating)


def _split(workspace: Workspace, op: Operation) -> Change:
    ids = chosen_ids(workspace, op) if chooses(op) else None
    stratify = _text_field(op, "stratify") if "stratify" in op else None
    share, test, seed = _number_field(op, "validation", 0.1), _number_field(op, "test", 0), op.get("seed", 0)
    if type(seed) is not int:
        raise UsageError("a seed is a whole number")
    return workspace.changes.split(share, seed, test=test, stratify=stratify, ids=ids)


def _restore(workspace: Workspace, op: Operation) -> Change:
    """Bring examples back, or with `revision` the data as it was after that change."""
    if "revision" not in op:
        return workspace.changes.restore(chosen_ids(workspace, op))
    revision = op["revision"]
    if isinstance(revision, bool) or not isinstance(revision, int):
        raise UsageError("'revision' is a whole number")
    return workspace.changes.restore_to(revision)


def _also_right(workspace: Workspace, op: Operation) -> Change:
    on = op.get("on", True)
    if not isinstance(on, bool):
        raise UsageError('"on" is true or false')
    answer = _text_field(op, "answer")
    return workspace.changes.accept_answers(dict.fromkeys(chosen_ids(workspace, op), (answer,)), on)


def _fix(workspace: Workspace, op: Operation) -> Change:
    return workspace.changes.fix(chosen_ids(workspace, op), _text_field(op, "rule") if "rule" in op else None)


def note_text(op: Operation) -> str:
    """The text of a `note`: its key is `note` or `text`."""
    return _text_field(op, "note" if "note" in op else "text")


OPERATIONS: dict[str, Callable[[Workspace, Operation], Change | None]] = {
    "edit": _edit,
    "add": _add,
    "delete": lambda workspace, op: workspace.changes.delete(chosen_ids(workspace, op)),
    "restore": _restore,
    "label": _label,
    "rate": _rate,
    "review": lambda workspace, op: workspace.changes.review(chosen_ids(workspace, op), _text_field(op, "state")),
    "note": lambda workspace, op: workspace.changes.note(chosen_ids(workspace, op), note_text(op)),
    "fix": _fix,
    "also_right": _also_right,
    "split": _split,
    "undo": lambda workspace, _: workspace.changes.undo(),
    "redo": lambda workspace, _: workspace.changes.redo(),
}

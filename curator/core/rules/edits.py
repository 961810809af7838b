"""Many edits of one JSON text in its bytes: as `splice` does one, but each place is looked for once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from curator.core.example import Path
from curator.core.splice import (
    Edit,
    absent_error,
    children_of,
    dump,
    insert,
    is_same_value,
    remove,
    rename,
    set_value,
    whole,
)

_FREE_SPELLINGS = (b"\\\\", b"\\u", b"\\/")
"""Of the escapes: those of characters that can be written in another way as well, and the backslash itself, which
makes the next escape hard to see."""
FEW_EDITS = 4
"""Up to so many edits of one value each are made by themselves."""


def apply(raw: bytes, edits: Iterable[Edit], value: Any = None) -> bytes:
    """`raw` with all `edits`, whose paths refer to `raw` as it is now; `value` is what it parses to, where known.

    Values are set first, then the other edits are applied from the back, so that no edit changes the path of
    another. The time grows with the bytes and the edits, not with their product.
    """
    todo = sorted(edits, key=lambda edit: (edit.kind != "set", _descending(edit.path)))
    if len(todo) > FEW_EDITS and _are_independent(todo):
        start, end = whole(raw)
        return raw[:start] + _apply_inside(raw[start:end], todo) + raw[end:]
    for edit in todo:
        raw = _apply_one(raw, edit, value)
    return raw


def _apply_one(raw: bytes, edit: Edit, value: Any = None) -> bytes:
    if edit.kind == "set":
        changed = _set_text(raw, edit, value) if type(edit.value) is str and value is not None else None
        return set_value(raw, edit.path, edit.value) if changed is None else changed
    if edit.kind == "insert":
        return insert(raw, edit.path, edit.value)
    if edit.kind == "rename":
        return rename(raw, edit.path, edit.value)
    return bytes(edit.value) if edit.kind == "replace" else remove(raw, edit.path)


def _set_text(raw: bytes, edit: Edit, value: Any) -> bytes | None:
    """As `set_value` for valid JSON whose `value` is known, where a text is set in place of another and that one's
    place is certain without a walk; None elsewhere.

    It is certain where the bytes have one way to spell each text, and the spelling of this one occurs once.
    """
    for step in edit.path:
        if not (isinstance(value, list) if isinstance(step, int) else isinstance(value, dict) and step in value):
            return None
        value = value[step]
    if type(value) is not str or (b"\\" in raw and any(spelling in raw for spelling in _FREE_SPELLINGS)):
        return None
    token = dump(value)
    at = raw.find(token)
    if at < 0 or raw.find(token, at + 1) >= 0 or (raw.count(b'"', 0, at) - raw.count(b'\\"', 0, at)) % 2:
        return None
    return raw[:at] + dump(edit.value) + raw[at + len(token) :]


def _are_independent(todo: list[Edit]) -> bool:
    """Whether each edit is of a child, and none but a `set` is inside of a value that another one sets: then edits
    of different children may be made in any order."""
    set_paths = {edit.path for edit in todo if edit.kind == "set"}
    return all(edit.path for edit in todo) and all(
        edit.kind == "set" or not any(edit.path[:depth] in set_paths for depth in range(1, len(edit.path)))
        for edit in todo
    )


def _apply_inside(value: bytes, todo: list[Edit]) -> bytes:
    """The bytes of one value without space around it, with edits in the order of `apply`, all with a path.

    Each child is looked for once, however many of the edits are in it.
    """
    if len(todo) <= FEW_EDITS:
        for edit in todo:
            value = _apply_one(value, edit)
        return value
    inside: dict[str | int, list[Edit]] = {}
    for edit in todo:
        if len(edit.path) > 1:
            inside.setdefault(edit.path[0], []).append(edit._replace(path=edit.path[1:]))
    here = [edit for edit in todo if len(edit.path) == 1]
    new_values = {edit.path[0]: edit.value for edit in here if edit.kind == "set"}
    spans = _spans_of(value, inside.keys() | new_values.keys())
    pieces, copied = [], 0
    for step, (start, end) in sorted(spans.items(), key=lambda item: item[1]):
        old = value[start:end]
        new = dump(new_values[step]) if step in new_values else _apply_inside(old, inside[step])
        pieces += [value[copied:start], old if step in new_values and is_same_value(old, new) else new]
        copied = end
    value = b"".join([*pieces, value[copied:]])
    rest = [edit for edit in here if edit.kind != "set" or edit.path[0] not in spans]
    if len(rest) > FEW_EDITS and all(edit.kind == "remove" for edit in rest):
        return _remove_children(value, {edit.path[0] for edit in rest})
    for edit in rest:
        value = _apply_one(value, edit)
    if missing := inside.keys() - spans.keys():
        raise absent_error((next(iter(missing)),))
    return value


def _spans_of(value: bytes, steps: Collection[str | int]) -> dict[str | int, tuple[int, int]]:
    """Byte offsets of those children of a value that some steps name; of a repeated key those of the last one."""
    spans: dict[str | int, tuple[int, int]] = {}
    for number, child in enumerate(children_of(value, 0)):
        step = number if child.key is None else child.key
        if step in steps:
            spans[step] = child.value, child.end
    return spans


def _remove_children(value: bytes, steps: set[str | int]) -> bytes:
    """The bytes of a value as several calls of `remove` leave them."""
    children = list(children_of(value, 0))
    names = [number if child.key is None else child.key for number, child in enumerate(children)]
    if missing := steps.difference(names):
        raise absent_error((next(iter(missing)),))
    doomed = [name in steps for name in names]
    first = doomed.index(False) if False in doomed else len(children)
    cuts = [(children[at - 1].end, children[at].end) for at in range(first + 1, len(children)) if doomed[at]]
    if first:
        cuts.insert(0, (children[0].start, children[first].start if first < len(children) else children[-1].end))
    kept = [0, *(offset for cut in cuts for offset in cut), len(value)]
    return b"".join(value[start:end] for start, end in zip(kept[::2], kept[1::2], strict=True))


def _descending(path: Path) -> tuple[tuple[int, str], ...]:
    """A sort key: higher list indexes first, and inner values before the containers that hold them."""
    return (*((-step, "") if isinstance(step, int) else (0, step) for step in path), (1, ""))

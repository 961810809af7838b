"""Edits inside the bytes of one JSON text: what is not edited keeps its exact bytes.

Numbers keep their spelling, strings their escapes, objects their order and spacing. Where a key stands twice
in one object the last one wins, as in every JSON parser in use: it is the one that is read and set, and
`remove` takes all of them away, so that no shadowed one comes to light.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from curator.core.example import Path, format_path

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb'[^ \t\r\n,:\[\]{}"]+')
_BRACKET_OR_STRING = re.compile(rb'[\[\]{}]|"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAK = re.compile(rb"([,{\[]?)[ \t]*[\r\n][ \t\r\n]*")
_OPEN, _CLOSE = frozenset(b"[{"), frozenset(b"]}")


class Edit(NamedTuple):
    """One change for `apply`: `set` and `insert` carry a value, `rename` a key, `remove` nothing; `replace`
    carries the bytes of the whole text, for one that is no JSON."""

    kind: Literal["set", "rename", "remove", "insert", "replace"]
    path: Path
    value: Any = None


class Span(NamedTuple):
    """Byte offsets of one member of an object or item of a list; `start` is the key's, or the value's in lists."""

    start: int
    value: int
    end: int
    key: str | None


class Raw(bytes):
    """JSON text that stands for a value as it is spelled: `dump`, `set_value` and `insert` take it over unread."""


def dump(value: Any) -> bytes:
    """`value` as one line of UTF-8 JSON with ", " and ": "; lone surrogates become escapes, so it never fails."""
    if isinstance(value, Raw):
        return bytes(value)
    text = json.dumps(value, ensure_ascii=False)
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def span(raw: bytes, path: Path) -> tuple[int, int]:
    """Byte offsets (start, end) of the value at `path`. Raises LookupError where it is absent."""
    start, end = _whole(raw)
    for depth in range(len(path)):
        found = _find(raw, start, path[depth])
        if found is None:
            raise _absent(path[: depth + 1])
        start, end = found.value, found.end
    return start, end


def set_value(raw: bytes, path: Path, value: Any) -> bytes:
    """`raw` with the value at `path` replaced, or appended where only the last key, or index == length, is new.

    Bytes that already mean `value` are left alone. Raises LookupError where the way to `path` is absent and
    ValueError where `raw` is no JSON.
    """
    if path:
        start, _ = span(raw, path[:-1])
        found = _find(raw, start, path[-1])
        if found is None:
            return _append(raw, start, path, value)
        start, end = found.value, found.end
    else:
        start, end = _whole(raw)
    new = dump(value)
    if _means(raw[start:end], new):
        return raw
    return raw[:start] + new + raw[end:]


def remove(raw: bytes, path: Path) -> bytes:
    """`raw` without the member or item at `path` and its comma. Raises LookupError where it is absent."""
    if not path:
        raise LookupError("the whole example cannot be removed by an edit")
    parent, _ = span(raw, path[:-1])
    if _find(raw, parent, path[-1]) is None:
        raise _absent(path)
    while (at := _index(children := list(_children(raw, parent)), path[-1])) is not None:
        gone = children[at]
        if at:
            raw = raw[: children[at - 1].end] + raw[gone.end :]
        elif len(children) > 1:
            raw = raw[: gone.start] + raw[children[1].start :]
        else:
            raw = raw[: gone.start] + raw[gone.end :]
        if gone.key is None:
            break
    return raw


def rename(raw: bytes, path: Path, key: str) -> bytes:
    """`raw` with the last key of `path` spelled `key` and its value untouched. Raises LookupError if absent."""
    start, _ = span(raw, path[:-1])
    found = _find(raw, start, path[-1])
    if found is None or found.key is None:
        raise _absent(path)
    return raw[: found.start] + dump(key) + raw[_skip(raw, found.start) :]


def insert(raw: bytes, path: Path, value: Any) -> bytes:
    """`raw` with `value` inserted before the list index `path[-1]` (the length appends). Raises LookupError."""
    index = path[-1] if path else None
    if not isinstance(index, int):
        raise LookupError(f"'{format_path(path)}' is no place in a list")
    start, _ = span(raw, path[:-1])
    found = _find(raw, start, index)
    if found is None:
        return _append(raw, start, path, value)
    children = list(_children(raw, start))
    return raw[: found.start] + dump(value) + _comma(raw, children) + raw[found.start :]


def apply(raw: bytes, edits: Iterable[Edit]) -> bytes:
    """All `edits`, whose paths mean places in `raw` as it is: first what is set, then the others from the back,
    so that no edit moves another's place."""
    todo = sorted(edits, key=lambda edit: (edit.kind != "set", _descending(edit.path)))
    for kind, path, value in todo:
        if kind == "set":
            raw = set_value(raw, path, value)
        elif kind == "insert":
            raw = insert(raw, path, value)
        elif kind == "rename":
            raw = rename(raw, path, value)
        elif kind == "replace":
            raw = value
        else:
            raw = remove(raw, path)
    return raw


def values(data: bytes) -> Iterator[tuple[int, int]]:
    """Byte offsets of the elements of a JSON array, or of values that follow one another; a last one that is not
    complete reaches to the end."""
    start = _skip_space(data, 3 if data.startswith(b"\xef\xbb\xbf") else 0)
    listed = data[start : start + 1] == b"["
    at = _skip_space(data, start + 1) if listed else start
    while at < len(data) and not (listed and data[at : at + 1] == b"]"):
        try:
            end = _skip(data, at)
        except ValueError:
            end = len(data)
        yield at, end
        at = _skip_space(data, end)
        if data[at : at + 1] == b",":
            at = _skip_space(data, at + 1)


def on_one_line(value: bytes) -> bytes:
    """A pretty-printed JSON text without its line breaks; strings cannot hold any, so only spacing changes."""
    if b"\n" not in value and b"\r" not in value:
        return value
    return _BREAK.sub(lambda found: found[1] + b" " if found[1] == b"," else found[1], value)


def _descending(path: Path) -> tuple[tuple[int, str], ...]:
    """A sort key: later list indexes first, deeper places before the ones that hold them."""
    return (*((-step, "") if isinstance(step, int) else (0, step) for step in path), (1, ""))


def _whole(raw: bytes) -> tuple[int, int]:
    start = _skip_space(raw, 3 if raw.startswith(b"\xef\xbb\xbf") else 0)
    return start, _skip(raw, start)


def _absent(path: Path) -> LookupError:
    return LookupError(f"there is no '{format_path(path)}' in this example")


def _broken(at: int) -> ValueError:
    return ValueError(f"not JSON at byte {at + 1}")


def _skip_space(raw: bytes, at: int) -> int:
    found = _SPACE.match(raw, at)
    return found.end() if found else at


def _skip(raw: bytes, at: int) -> int:
    """The offset after the value that starts at `at`; containers of any depth without recursion."""
    first = raw[at : at + 1]
    if first not in (b"{", b"["):
        found = (_STRING if first == b'"' else _SCALAR).match(raw, at)
        if found is None:
            raise _broken(at)
        return found.end()
    depth = 0
    for found in _BRACKET_OR_STRING.finditer(raw, at):
        byte = raw[found.start()]
        depth += (byte in _OPEN) - (byte in _CLOSE)
        if not depth:
            return found.end()
    raise _broken(len(raw))


def _children(raw: bytes, start: int) -> Iterator[Span]:
    """The members or items of the container at `start`; none for a string, number or constant."""
    opening = raw[start : start + 1]
    if opening not in (b"{", b"["):
        return
    at = _skip_space(raw, start + 1)
    while raw[at : at + 1] not in (b"}", b"]", b""):
        begin, key = at, None
        if opening == b"{":
            end_of_key = _skip(raw, at)
            key = _text(raw[at:end_of_key])
            colon = _skip_space(raw, end_of_key)
            if raw[colon : colon + 1] != b":":
                raise _broken(colon)
            at = _skip_space(raw, colon + 1)
        end = _skip(raw, at)
        yield Span(begin, at, end, key)
        at = _skip_space(raw, end)
        if raw[at : at + 1] == b",":
            at = _skip_space(raw, at + 1)


def _text(token: bytes) -> str:
    if b"\\" not in token:
        return token[1:-1].decode("utf-8", "surrogatepass")
    return str(json.loads(token.decode("utf-8", "surrogatepass"), strict=False))


def _find(raw: bytes, start: int, step: str | int) -> Span | None:
    children = list(_children(raw, start))
    at = _index(children, step)
    return None if at is None else children[at]


def _index(children: list[Span], step: str | int) -> int | None:
    """Which child `step` names: the index of a list's item, the last of an object's equal keys."""
    if isinstance(step, int):
        return step if 0 <= step < len(children) and children[step].key is None else None
    return next((at for at in range(len(children) - 1, -1, -1) if children[at].key == step), None)


def _append(raw: bytes, start: int, path: Path, value: Any) -> bytes:
    """A new last member or item, spaced as its neighbours are."""
    step, children = path[-1], list(_children(raw, start))
    is_object = raw[start : start + 1] == b"{"
    if is_object != isinstance(step, str) or (not is_object and (raw[start] != ord("[") or step != len(children))):
        raise _absent(path)
    new = dump(value)
    if is_object:
        new = dump(step) + (_colon(raw, children[-1]) if children else b": ") + new
    if not children:
        return raw[: start + 1] + new + raw[start + 1 :]
    return raw[: children[-1].end] + _comma(raw, children) + new + raw[children[-1].end :]


def _colon(raw: bytes, member: Span) -> bytes:
    return raw[_skip(raw, member.start) : member.value]


def _comma(raw: bytes, children: list[Span]) -> bytes:
    """The separator that stands between the last two children, or what fits the only one."""
    if len(children) > 1:
        return raw[children[-2].end : children[-1].start]
    only = children[0]
    return b"," if only.key is not None and not _colon(raw, only).endswith(b" ") else b", "


def _means(old: bytes, new: bytes) -> bool:
    """Whether two JSON texts say the same, key order and number types included."""
    if old == new:
        return True
    try:
        return dump(json.loads(old)) == new
    except (ValueError, RecursionError):
        return False

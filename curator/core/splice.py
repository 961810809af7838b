"""Edits of one JSON text in its bytes: everything that is not edited keeps its exact bytes.

Numbers keep their spelling, strings their escapes, objects their order and spacing. If a key occurs twice in
an object, the last one counts, as in all common JSON parsers: it is read and set, and `remove` removes all of
them, so
that no earlier one becomes visible.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from curator.core.example import Path, format_path

_SPACE = re.compile(rb"[ \t\r\n]*+")
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb'[^ \t\r\n,:\[\]{}"]+')
_BRACKET_OR_STRING = re.compile(rb'[\[\]{}]|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A string without an end goes on to the end of the bytes: else each quote in it would begin a search to there."""


def _container(depth: int) -> bytes:
    """A pattern of an object or list with at most `depth` levels of others inside it."""
    inside = rb'[^"{}\[\]]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"'
    if depth:
        inside += b"|" + _container(depth - 1)
    return rb"(?:\{(?:%b)*+\}|\[(?:%b)*+\])" % (inside, inside)


_SHALLOW = re.compile(_container(3), re.DOTALL)
"""A whole value in one step, as nearly all examples nest no deeper."""
_VALUE = rb"(%b|%b|%b)[ \t\r\n]*+(?:,[ \t\r\n]*+)?" % (_STRING.pattern, _SCALAR.pattern, _SHALLOW.pattern)
_ITEM = re.compile(_VALUE, re.DOTALL)
"""An item of a list, and what is between it and the next."""
_MEMBER = re.compile(rb"(%b)[ \t\r\n]*+:[ \t\r\n]*+%b" % (_STRING.pattern, _VALUE), re.DOTALL)
"""The same of a member of an object."""
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_BREAK = re.compile(rb"([,{\[]?)[ \t]*[\r\n][ \t\r\n]*")
_OPEN, _CLOSE = frozenset(b"[{"), frozenset(b"]}")


class Edit(NamedTuple):
    """One edit for `apply`. `value` is the new value for `set` and `insert`, the new key for `rename`, unused for
    `remove`, and for `replace` the bytes that replace the whole text (which may be no JSON)."""

    kind: Literal["set", "rename", "remove", "insert", "replace"]
    path: Path
    value: Any = None


class Child(NamedTuple):
    """Byte offsets of one member of an object or one item of a list: `start` of its key (in lists of its
    value), `value` of its value, `end` of both."""

    start: int
    value: int
    end: int
    key: str | None


class Raw(bytes):
    """JSON text in place of a value: `dump`, `set_value` and `insert` write these bytes unchanged."""


def dump(value: Any) -> bytes:
    """`value` as one line of UTF-8 JSON with ", " and ": "; lone surrogates are written as escapes."""
    if isinstance(value, Raw):
        return bytes(value)
    return encoded(_ENCODE(value))


def encoded(text: str) -> bytes:
    """JSON text as UTF-8; lone surrogates are written as escapes."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


def span(raw: bytes, path: Path) -> tuple[int, int]:
    """Byte offsets (start, end) of the value at `path`. Raises LookupError where it is absent."""
    if not path:
        return whole(raw)
    start, end = _start(raw), len(raw)
    for depth, step in enumerate(path):
        place = _place(raw, start, step)
        if place is None:
            whole(raw)  # says first where it is no JSON
            raise absent_error(path[: depth + 1])
        start, end = place
    return start, end


def set_value(raw: bytes, path: Path, value: Any) -> bytes:
    """`raw` with the value at `path` replaced, or appended where only its last key (or index == length) is new.

    Bytes that already stand for an equal value are not changed. Raises LookupError where the container of
    `path` is absent and ValueError where `raw` is no JSON.
    """
    if path:
        parent = span(raw, path[:-1])[0] if len(path) > 1 else _start(raw)
        place = _place(raw, parent, path[-1])
        if place is None:
            whole(raw)
            return _append(raw, parent, path, value)
        start, end = place
    else:
        start, end = whole(raw)
    new = dump(value)
    if is_same_value(raw[start:end], new):
        return raw
    return raw[:start] + new + raw[end:]


def remove(raw: bytes, path: Path) -> bytes:
    """`raw` without the member or item at `path` and its comma. Raises LookupError where it is absent."""
    if not path:
        raise LookupError("the whole example cannot be removed by an edit")
    parent, _ = span(raw, path[:-1])
    if _find(raw, parent, path[-1]) is None:
        raise absent_error(path)
    while (at := _index(children := list(children_of(raw, parent)), path[-1])) is not None:
        child = children[at]
        if at:
            raw = raw[: children[at - 1].end] + raw[child.end :]
        elif len(children) > 1:
            raw = raw[: child.start] + raw[children[1].start :]
        else:
            raw = raw[: child.start] + raw[child.end :]
        if child.key is None:
            break
    return raw


def rename(raw: bytes, path: Path, key: str) -> bytes:
    """`raw` with the last key of `path` renamed to `key`. Raises LookupError where it is absent."""
    start, _ = span(raw, path[:-1])
    child = _find(raw, start, path[-1])
    if child is None or child.key is None:
        raise absent_error(path)
    return raw[: child.start] + dump(key) + raw[_skip(raw, child.start) :]


def insert(raw: bytes, path: Path, value: Any) -> bytes:
    """`raw` with `value` inserted before the list index `path[-1]` (the length appends). Raises LookupError."""
    index = path[-1] if path else None
    if not isinstance(index, int):
        raise LookupError(f"'{format_path(path)}' is no place in a list")
    start, _ = span(raw, path[:-1])
    child = _find(raw, start, index)
    if child is None:
        return _append(raw, start, path, value)
    children = list(children_of(raw, start))
    return raw[: child.start] + dump(value) + _comma(raw, children) + raw[child.start :]


def values(data: bytes) -> Iterator[tuple[int, int]]:
    """Byte offsets of the elements of a JSON array, or of values that follow one another; an incomplete last value
    ends with the data."""
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
    """A JSON text without line breaks; JSON strings contain none, so only spacing changes."""
    if b"\n" not in value and b"\r" not in value:
        return value
    return _BREAK.sub(lambda match: match[1] + b" " if match[1] == b"," else match[1], value)


def _start(raw: bytes) -> int:
    return _skip_space(raw, 3 if raw.startswith(b"\xef\xbb\xbf") else 0)


def whole(raw: bytes) -> tuple[int, int]:
    """Byte offsets of the value that is all of a text but space and a byte order mark. Raises ValueError."""
    start = _start(raw)
    return start, _skip(raw, start)


def absent_error(path: Path) -> LookupError:
    """The error of an edit at a place that is not there."""
    return LookupError(f"there is no '{format_path(path)}' in this example")


def _syntax_error(at: int) -> ValueError:
    return ValueError(f"not JSON at byte {at + 1}")


def _skip_space(raw: bytes, at: int) -> int:
    match = _SPACE.match(raw, at)
    return match.end() if match else at


def _skip(raw: bytes, at: int) -> int:
    """The offset after the value that starts at `at`; not recursive, so nesting may have any depth."""
    first = raw[at : at + 1]
    if first not in (b"{", b"["):
        match = (_STRING if first == b'"' else _SCALAR).match(raw, at)
        if match is None:
            raise _syntax_error(at)
        return match.end()
    if (whole := _SHALLOW.match(raw, at)) is not None:
        return whole.end()
    depth = 0
    for match in _BRACKET_OR_STRING.finditer(raw, at):
        byte = raw[match.start()]
        depth += (byte in _OPEN) - (byte in _CLOSE)
        if not depth:
            return match.end()
    raise _syntax_error(len(raw))


def children_of(raw: bytes, start: int) -> Iterator[Child]:
    """The members or items of the container at `start`; none for a string, number or constant."""
    opening = raw[start : start + 1]
    if opening not in (b"{", b"["):
        return
    at = _skip_space(raw, start + 1)
    one_step = _MEMBER if opening == b"{" else _ITEM
    while raw[at : at + 1] not in (b"}", b"]", b""):
        if (child := one_step.match(raw, at)) is not None:
            begin, end = child.span(child.lastindex or 0)
            yield Child(at, begin, end, _text(child[1]) if one_step is _MEMBER else None)
            at = child.end()
            continue
        begin, key = at, None
        if opening == b"{":
            end_of_key = _skip(raw, at)
            key = _text(raw[at:end_of_key])
            colon = _skip_space(raw, end_of_key)
            if raw[colon : colon + 1] != b":":
                raise _syntax_error(colon)
            at = _skip_space(raw, colon + 1)
        end = _skip(raw, at)
        yield Child(begin, at, end, key)
        at = _skip_space(raw, end)
        if raw[at : at + 1] == b",":
            at = _skip_space(raw, at + 1)


def _text(token: bytes) -> str:
    if b"\\" not in token:
        return token[1:-1].decode("utf-8", "surrogatepass")
    return str(json.loads(token.decode("utf-8", "surrogatepass"), strict=False))


def _place(raw: bytes, start: int, step: str | int) -> tuple[int, int] | None:
    """Byte offsets of the value that `_find` finds; quicker, as it keeps no other child."""
    place: tuple[int, int] | None = None
    at = _skip_space(raw, start + 1)
    if isinstance(step, int):
        number = 0
        while raw[start : start + 1] == b"[" and number <= step and (item := _ITEM.match(raw, at)) is not None:
            at = item.end()
            number += 1
            place = item.span(1) if number > step else None
        if place is not None:
            return place
    elif raw[start : start + 1] == b"{":
        token = dump(step)
        while (member := _MEMBER.match(raw, at)) is not None:
            key = member[1]
            if key == token or (b"\\" in key and _text(key) == step):
                place = member.span(2)
            at = member.end()
        if raw[at : at + 1] == b"}":
            return place
    child = _find(raw, start, step)
    return None if child is None else (child.value, child.end)


def _find(raw: bytes, start: int, step: str | int) -> Child | None:
    children = list(children_of(raw, start))
    at = _index(children, step)
    return None if at is None else children[at]


def _index(children: list[Child], step: str | int) -> int | None:
    """The index of the child that `step` names: of the item of a list, or of the last member with this key."""
    if isinstance(step, int):
        return step if 0 <= step < len(children) and children[step].key is None else None
    return next((at for at in range(len(children) - 1, -1, -1) if children[at].key == step), None)


def _append(raw: bytes, start: int, path: Path, value: Any) -> bytes:
    """Append a member or item with the spacing of its neighbours."""
    step, children = path[-1], list(children_of(raw, start))
    is_object = raw[start : start + 1] == b"{"
    if is_object != isinstance(step, str) or (not is_object and (raw[start] != ord("[") or step != len(children))):
        raise absent_error(path)
    new = dump(value)
    if is_object:
        new = dump(step) + (_colon(raw, children[-1]) if children else b": ") + new
    if not children:
        return raw[: start + 1] + new + raw[start + 1 :]
    return raw[: children[-1].end] + _comma(raw, children) + new + raw[children[-1].end :]


def _colon(raw: bytes, member: Child) -> bytes:
    return raw[_skip(raw, member.start) : member.value]


def _comma(raw: bytes, children: list[Child]) -> bytes:
    """The separator between the last two children; with one child, a comma with a blank if its colon has one."""
    if len(children) > 1:
        return raw[children[-2].end : children[-1].start]
    only = children[0]
    return b"," if only.key is not None and not _colon(raw, only).endswith(b" ") else b", "


def is_same_value(old: bytes, new: bytes) -> bool:
    """Whether two JSON texts stand for equal values, key order and number types included."""
    if old == new:
        return True
    if old[:1] == b'"' and b"\\" not in old:  # the only spelling of its text without escapes
        return False
    try:
        return dump(json.loads(old)) == new
    except (ValueError, RecursionError):
        return False

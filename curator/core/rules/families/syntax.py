"""Rules on the bytes of one line: is it JSON, is it an object, does it say a thing twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from curator.core.duplicates.hashes import canonical
from curator.core.example import Path, parse
from curator.core.rules.context import Context
from curator.core.rules.has import Has
from curator.core.rules.registry import ANY_FORMAT, Found, rule
from curator.core.rules.subject import Subject, kind_of, quoted
from curator.core.splice import Edit, span

_KEY = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"([ \t\r\n]*+:)?', re.DOTALL)
_SPACED_COLONS = (b" :", b"\t:", b"\r:", b"\n:")
_SURROGATE = re.compile("[\ud800-\udfff]")


def _faults(subject: Subject, name: str) -> Iterator[Found]:
    for fault in subject.example.faults:
        if fault.rule == name:
            yield Found((), fault.message)


@rule(
    "invalid_json",
    "E",
    8,
    "the line is not valid JSON",
    "the service refuses the whole file at the first such line",
    formats=ANY_FORMAT,
    when=Has.FAULTS,
)
def invalid_json(subject: Subject, context: Context) -> Iterator[Found]:
    return _faults(subject, "invalid_json")


def _as_cp1252(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    recoded = recode(subject.example.raw)
    if recoded is not None:
        yield Edit("replace", (), recoded)


def recode(raw: bytes) -> bytes | None:
    """Bytes that are no UTF-8 read as Windows-1252, the usual other encoding; None where that is no JSON."""
    try:
        recoded = raw.decode("cp1252").encode()
    except UnicodeDecodeError:
        return None
    return recoded if parse(recoded).value is not None else None


@rule(
    "file_encoding",
    "E",
    4,
    "the bytes are not UTF-8",
    "JSON Lines is UTF-8; UTF-16 or Windows-1252 files are refused or read wrongly",
    formats=ANY_FORMAT,
    when=Has.FAULTS,
    fix=("unsafe", "read it as what it most likely is (Windows-1252, UTF-16) and write UTF-8", _as_cp1252),
)
def file_encoding(subject: Subject, context: Context) -> Iterator[Found]:
    for found in _faults(subject, "file_encoding"):
        yield found._replace(fix=recode(subject.example.raw) is not None)


def walk(value: Any) -> Iterator[tuple[Path, Any]]:
    """Every value inside `value` with its path, keys of objects as strings too; no recursion."""
    todo: list[tuple[Path, Any]] = [((), value)]
    while todo:
        path, item = todo.pop()
        yield path, item
        if isinstance(item, dict):
            todo += [((*path, key), child) for key, child in reversed(item.items())]
        elif isinstance(item, list):
            todo += [((*path, index), item[index]) for index in range(len(item) - 1, -1, -1)]


@rule(
    "non_finite_number",
    "E",
    12,
    "NaN or Infinity, which Python reads and JSON forbids (RFC 8259), or a number that overflows to it",
    "strict parsers refuse the line",
    formats=ANY_FORMAT,
    when=Has.FAULTS,
)
def non_finite_number(subject: Subject, context: Context) -> Iterator[Found]:
    for path, item in walk(subject.value):
        if isinstance(item, float) and item - item != 0:
            spelled = subject.example.raw[slice(*span(subject.example.raw, path))].decode()
            wrong = "a number too large to be read" if spelled[-1:].isdigit() else "not a JSON number"
            yield Found(path, f"{spelled[:20]} is {wrong}")


def _mend_surrogates(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    item = subject.value
    for step in path:
        item = item[step]
    if isinstance(item, str):
        yield Edit("set", path, _SURROGATE.sub("\ufffd", item))


@rule(
    "lone_surrogate",
    "E",
    13,
    "half of a surrogate pair, such as `\\ud83d` alone: not a character",
    "it cannot be written as UTF-8; half an emoji was cut off",
    formats=ANY_FORMAT,
    when=Has.FAULTS,
    fix=("unsafe", "put U+FFFD in its place", _mend_surrogates),
)
def lone_surrogate(subject: Subject, context: Context) -> Iterator[Found]:
    for path, item in walk(subject.value):
        found = _SURROGATE.search(item) if isinstance(item, str) else None
        if found:
            yield Found(path, f"\\u{ord(found[0]):04x} is half of a surrogate pair and no character")
        if isinstance(item, dict):
            for key in item:
                if _SURROGATE.search(key):
                    yield Found((*path, key), "the key holds half of a surrogate pair", fix=False)


@rule(
    "data_type",
    "E",
    10,
    "the line is JSON but no object",
    "every line must be one JSON object",
    formats=frozenset(("unknown",)),
)
def data_type(subject: Subject, context: Context) -> Iterator[Found]:
    if not isinstance(subject.value, dict) and (subject.value is not None or not subject.example.faults):
        yield Found((), f"the line is {kind_of(subject.value)}, not an object")


@rule(
    "duplicate_json_key",
    "W",
    11,
    "the same key twice in one object",
    "parsers keep the last one only; what the first says is lost without a word",
    formats=ANY_FORMAT,
    when=Has.KEYS,
)
def duplicate_json_key(subject: Subject, context: Context) -> Iterator[Found]:
    if subject.value is None or not repeats_a_key(subject.example.raw, subject.value):
        return
    pairs = json.loads(subject.example.raw.decode("utf-8", "replace"), object_pairs_hook=_Pairs)
    todo: list[tuple[Path, Any]] = [((), pairs)]
    while todo:
        path, item = todo.pop()
        if isinstance(item, _Pairs):
            seen: set[str] = set()
            for key, child in item:
                if key in seen:
                    yield Found((*path, key), f"the key {quoted(key)} stands twice; only the last one counts")
                seen.add(key)
                todo.append(((*path, key), child))
        elif isinstance(item, list):
            todo += [((*path, index), child) for index, child in enumerate(item)]


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, repeated ones included."""


def repeats_a_key(raw: bytes, value: Any) -> bool:
    """Whether the bytes have more keys than the value they parse to, which is written out again to count them.

    As many quotes in both mean that there is no further string. Else: a colon after a quote that no backslash
    escapes ends a key; and where keys may end in a backslash, or white space stands before colons, strings are
    told apart one by one.
    """
    once = canonical(value)
    if raw.count(b'"') == once.count(b'"') and b"\\u0022" not in raw:
        return False
    if b'\\\\"' in raw or any(colon in raw for colon in _SPACED_COLONS):
        return _count_keys(raw) > _count_keys(once)
    return raw.count(b'":') - raw.count(b'\\":') > once.count(b'":') - once.count(b'\\":')


def _count_keys(text: bytes) -> int:
    """How many keys all objects of a JSON text have together."""
    return sum(map(bool, _KEY.findall(text)))

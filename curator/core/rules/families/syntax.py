"""Rules on the bytes of one line: that it is JSON and an object, and has no key twice."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from curator.core.duplicates.hashes import canonical
from curator.core.example import Path, parse
from curator.core.old_encodings import western_text
from curator.core.problem import FixKind, Severity
from curator.core.rules.context import Context
from curator.core.rules.has import Has
from curator.core.rules.registry import ANY_FORMAT, Finding, rule, severities
from curator.core.rules.subject import Subject, json_type, quote
from curator.core.splice import Edit, on_one_line, span

_KEY = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"([ \t\r\n]*+:)?', re.DOTALL)
_SPACED_COLONS = (b" :", b"\t:", b"\r:", b"\n:")
_MOST_WRAPPINGS = 3
"""So often a line may have been written as JSON inside a string."""
_SURROGATE = re.compile("[\ud800-\udfff]")


def _faults(subject: Subject, name: str) -> Iterator[Finding]:
    for fault in subject.example.faults:
        if fault.rule == name:
            kind: FixKind = "safe" if fault.safe else "unsafe"
            yield Finding((), fault.message, fix=kind if fault.repaired is not None else False)


def _put_right(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    for fault in subject.example.faults:
        if fault.repaired is not None:
            yield Edit("replace", (), fault.repaired)
            return


@rule(
    "file_bom",
    severities("W"),
    5,
    "the file starts with a byte order mark (EF BB BF); an error where a later line does, as in joined files",
    "JSON texts must not have one (RFC 8259 §8.1); some readers choke on it",
    formats=ANY_FORMAT,
    when=Has.FAULTS,
    escalates=True,
    fix=("safe", "write none", _put_right),
)
def file_bom(subject: Subject, context: Context) -> Iterator[Finding]:
    for finding in _faults(subject, "file_bom"):
        yield finding._replace(severity=Severity.ERROR)


@rule(
    "invalid_json",
    "E",
    8,
    "the line is not valid JSON",
    "the service refuses the whole file at the first such line",
    formats=ANY_FORMAT,
    when=Has.FAULTS,
    fix=(
        "partly safe",
        "raw tabs are escaped, ^Z and NUL behind the object dropped, both safely; commas too many are dropped, "
        "quotes made straight and double, null, true and false spelled so, two objects put on two lines",
        _put_right,
    ),
)
def invalid_json(subject: Subject, context: Context) -> Iterator[Finding]:
    return _faults(subject, "invalid_json")


def _as_cp1252(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    recoded = recode(subject.example.raw)
    if recoded is not None:
        yield Edit("replace", (), recoded)


def recode(raw: bytes) -> bytes | None:
    """Bytes decoded as Windows-1252, the commonest other encoding, in UTF-8.

    None where that is no JSON, or reads like no Western text.
    """
    text = western_text(raw)
    recoded = text.encode() if text is not None else b""
    return recoded if recoded and parse(recoded).value is not None else None


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
def file_encoding(subject: Subject, context: Context) -> Iterator[Finding]:
    for finding in _faults(subject, "file_encoding"):
        yield finding._replace(fix=recode(subject.example.raw) is not None)


def walk(value: Any) -> Iterator[tuple[Path, Any]]:
    """All values inside `value` with their paths, itself included; not recursive."""
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
def non_finite_number(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, item in walk(subject.value):
        if isinstance(item, float) and item - item != 0:
            spelled = subject.example.raw[slice(*span(subject.example.raw, path))].decode()
            wrong = "a number too large to be read" if spelled[-1:].isdigit() else "not a JSON number"
            yield Finding(path, f"{spelled[:20]} is {wrong}")


def _replace_surrogates(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
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
    fix=("unsafe", "put U+FFFD in its place", _replace_surrogates),
)
def lone_surrogate(subject: Subject, context: Context) -> Iterator[Finding]:
    for path, item in walk(subject.value):
        match = _SURROGATE.search(item) if isinstance(item, str) else None
        if match:
            yield Finding(path, f"\\u{ord(match[0]):04x} is half of a surrogate pair and no character")
        if isinstance(item, dict):
            for key in item:
                if _SURROGATE.search(key):
                    yield Finding((*path, key), "the key holds half of a surrogate pair", fix=False)


def _as_object(subject: Subject, path: Path, context: Context) -> Iterator[Edit]:
    raw = _object_in_text(subject.value)
    if raw is not None:
        yield Edit("replace", (), raw)
    else:
        yield Edit("replace", (), b'{"messages": ' + subject.example.raw.strip() + b"}")


def _object_in_text(value: Any) -> bytes | None:
    """The JSON object or list that a string holds, on one line; None where it holds none."""
    if not isinstance(value, str):
        return None
    for _ in range(_MOST_WRAPPINGS):
        raw = value.strip().encode("utf-8", "surrogatepass")
        example = parse(raw)
        if example.faults or not isinstance(example.value, str):
            break
        value = example.value
    return on_one_line(raw) if isinstance(example.value, dict | list) and not example.faults else None


def _is_conversation(value: Any) -> bool:
    """Whether a line is the list of messages itself."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and not {"role", "from"}.isdisjoint(item) for item in value)
    )


@rule(
    "data_type",
    "E",
    10,
    "the line is JSON but no object",
    "every line must be one JSON object",
    formats=frozenset(("unknown",)),
    fix=("safe", "a string that holds a JSON object is read; a list of messages gets its object", _as_object),
)
def data_type(subject: Subject, context: Context) -> Iterator[Finding]:
    if not isinstance(subject.value, dict) and (subject.value is not None or not subject.example.faults):
        in_text, is_list = _object_in_text(subject.value) is not None, _is_conversation(subject.value)
        what = json_type(subject.value)
        words = f"{what} that holds JSON" if in_text else "a list of messages" if is_list else what
        yield Finding((), f"the line is {words}, not an object", fix=in_text or is_list)


@rule(
    "duplicate_json_key",
    "W",
    11,
    "the same key twice in one object",
    "parsers keep the last one only; the other values are silently lost",
    formats=ANY_FORMAT,
    when=Has.KEYS,
)
def duplicate_json_key(subject: Subject, context: Context) -> Iterator[Finding]:
    if subject.value is None or not repeats_a_key(subject.example.raw, subject.value):
        return
    pairs = json.loads(subject.example.raw.decode("utf-8", "replace"), object_pairs_hook=_Pairs)
    todo: list[tuple[Path, Any]] = [((), pairs)]
    while todo:
        path, item = todo.pop()
        if isinstance(item, _Pairs):
            keys: set[str] = set()
            for key, child in item:
                if key in keys:
                    yield Finding((*path, key), f"the key {quote(key)} stands twice; only the last one counts")
                keys.add(key)
                todo.append(((*path, key), child))
        elif isinstance(item, list):
            todo += [((*path, index), child) for index, child in enumerate(item)]


class _Pairs(list[tuple[str, Any]]):
    """The members of an object, repeated keys included."""


def repeats_a_key(raw: bytes, value: Any) -> bool:
    """Whether the bytes have more keys than the value that they parse to (its canonical JSON is compared).

    Equally many quotes in both mean that there is no further string. Otherwise keys are counted: by the colons
    after quotes that are not escaped; or string by string, where keys may end in a backslash or white space
    precedes
    colons.
    """
    once = canonical(value)
    if raw.count(b'"') == once.count(b'"') and b"\\u0022" not in raw:
        return False
    if b'\\\\"' in raw or any(colon in raw for colon in _SPACED_COLONS):
        return _count_keys(raw) > _count_keys(once)
    return raw.count(b'":') - raw.count(b'\\":') > once.count(b'":') - once.count(b'\\":')


def _count_keys(text: bytes) -> int:
    """The number of keys of all objects in a JSON text."""
    return sum(map(bool, _KEY.findall(text)))

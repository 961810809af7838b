"""An example: one line of a dataset as its exact bytes and the parsed value."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from math import isinf
from typing import Any

import orjson

from curator.core.lines import BOM

MAX_LINE_BYTES = 16 * 1024 * 1024
"""Longest line that is parsed; longer ones are kept byte for byte and reported as broken."""

MAX_DEPTH = 200
"""Deepest nesting that is parsed; deeper values could not be written back, and other programs fail on them too."""

Path = tuple[str | int, ...]
"""The place of a value in an example: keys and indexes from the top, e.g. ("messages", 2, "content")."""

_LONG_INTEGER = b"0" * 19
"""An integer beyond 64 bits has at least this many digits in what `_ONLY_DIGITS` leaves."""
_LONG_DECIMAL = b"0" * 16
"""A number that a 64-bit float cannot hold has at least this many digits and points."""
_ONLY_DIGITS = bytes(48 if byte in b"0123456789" else 95 for byte in range(256))
_DIGITS_AND_DOTS = bytes(48 if byte in b"0123456789." else 95 for byte in range(256))
_TOO_MANY_DIGITS = "a number of more digits than can be read"
_BRACKET_OR_STRING = re.compile(rb'[\[\]{}]|"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
"""A string without an end goes on to the end of the line: else each quote in it would begin a search to there."""
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]|\[(\"(?:[^\"\\]|\\.)*\")\]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN_KEY = re.compile(r"[^.\[\]\"]+\Z")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a line is not valid JSON: the id of a rule, and a sentence that names the place."""

    rule: str
    message: str
    column: int | None = None
    """Character offset in the line, from 0, where known."""
    repaired: bytes | None = None
    """The line with a slip put right (`core.slips`); None where there is not one right repair."""
    safe: bool = False
    """Whether nothing can be lost by that repair."""


@dataclass(frozen=True, slots=True)
class Example:
    """One line: `raw` are its exact bytes without the line end, `value` is the parsed JSON, None if it does
    not parse.

    There may be a value despite faults (NaN, a lone surrogate, a byte order mark): it can be shown, but not sent
    to a service.
    """

    raw: bytes
    value: Any = None
    faults: tuple[Fault, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether the line is not valid JSON by RFC 8259."""
        return bool(self.faults)

    @property
    def messages(self) -> list[Any]:
        """The list `messages` (chat, reinforcement) or `input.messages` (preference); empty where it is absent.

        The items are not checked: they may be any JSON values.
        """
        value = self.value
        if not isinstance(value, dict):
            return []
        messages = value.get("messages")
        if messages is None and isinstance(value.get("input"), dict):
            messages = value["input"].get("messages")
        return messages if isinstance(messages, list) else []


def parse(raw: bytes) -> Example:
    """Parse one line without its line end; never raises.

    A fast strict parser comes first. Lines that it rejects are parsed again with Python's parser, which
    distinguishes syntax errors from NaN, lone surrogates and too long numbers.
    """
    if len(raw) > MAX_LINE_BYTES:
        limit = MAX_LINE_BYTES // 2**20
        return Example(raw, None, (Fault("invalid_json", f"the line is longer than {limit} MB"),))
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH and _depth(raw) > MAX_DEPTH:
        return Example(raw, None, (Fault("invalid_json", f"nested more than {MAX_DEPTH} levels deep"),))
    try:
        return Example(raw, loads(raw))
    except orjson.JSONDecodeError:
        return _parse_slowly(raw)
    except ValueError:
        return Example(raw, None, (Fault("invalid_json", _TOO_MANY_DIGITS),))


def loads(raw: bytes) -> Any:
    """The value of strict JSON, its integers exact: orjson alone makes floats of those beyond 64 bits.

    Raises orjson.JSONDecodeError, and ValueError for an integer of more digits than Python reads.
    """
    value = orjson.loads(raw)
    return json.loads(raw) if _LONG_INTEGER in raw.translate(_ONLY_DIGITS) else value


def is_exact(raw: bytes) -> bool:
    """Whether every number of valid JSON is what a program reads that knows 64 bits only."""
    if _LONG_DECIMAL not in raw.translate(_DIGITS_AND_DOTS):
        return True
    wide: list[str] = []

    def integer(digits: str) -> int:
        if not -(2**63) <= int(digits) < 2**64:
            wide.append(digits)
        return 0

    def decimal(digits: str) -> float:
        if Decimal(digits) != Decimal(repr(float(digits))):
            wide.append(digits)
        return 0.0

    json.loads(raw, parse_int=integer, parse_float=decimal)
    return not wide


def _depth(raw: bytes) -> int:
    """The nesting depth of the brackets outside of strings."""
    depth = deepest = 0
    for match in _BRACKET_OR_STRING.finditer(raw):
        byte = raw[match.start()]
        depth += (byte in b"[{") - (byte in b"]}")
        deepest = max(deepest, depth)
    return deepest


def _parse_slowly(raw: bytes) -> Example:
    if raw.startswith(BOM):
        bare = raw.lstrip(BOM)
        rest = parse(bare)
        fault = Fault("file_bom", "the line begins with a byte order mark", 0, bare, True)
        return Example(raw, rest.value if raw[3:] == bare else None, (fault, *rest.faults))
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = raw[error.start]
        return Example(
            raw,
            None,
            (Fault("file_encoding", f"byte 0x{bad:02x} is not UTF-8 (byte {error.start + 1} of the line)"),),
        )
    odd: list[str] = []

    def constant(name: str) -> float:
        odd.append(f"{name} is not a JSON number")
        return float(name)

    def number(digits: str) -> float:
        value = float(digits)
        if isinf(value):
            odd.append(f"{digits[:20]} is a number too large to be read")
        return value

    try:
        value = json.loads(text, parse_constant=constant, parse_float=number)
    except json.JSONDecodeError as error:
        from curator.core.slips import find_slip  # heavy: for broken lines alone

        slip = find_slip(text, error)
        repaired = None if slip.repaired is None else slip.repaired.encode("utf-8", "surrogatepass")
        words = f"{slip.message}: column {slip.column + 1}"
        return Example(raw, None, (Fault("invalid_json", words, slip.column, repaired, slip.kind == "safe"),))
    except ValueError:
        return Example(raw, None, (Fault("invalid_json", _TOO_MANY_DIGITS),))
    faults = [Fault("non_finite_number", odd[0])] if odd else []
    if _SURROGATE.search(json.dumps(value, ensure_ascii=False)):
        faults.append(Fault("lone_surrogate", "half of a surrogate pair: not a character"))
    if not faults:
        return Example(raw, None, (Fault("invalid_json", "not strict JSON (RFC 8259)"),))
    return Example(raw, value, tuple(faults))


def format_path(path: Path) -> str:
    """`("messages", 2, "content")` as `messages[2].content`; keys with dots, quotes or brackets as `["a.b"]`;
    the whole example as ""."""
    out = ""
    for step in path:
        if isinstance(step, int):
            out += f"[{step}]"
        elif _PLAIN_KEY.match(step):
            out += f".{step}" if out else step
        else:
            out += f"[{json.dumps(step)}]"
    return out


def parse_path(text: str) -> Path:
    """The path that `format_path` wrote. Raises ValueError where the text is no location."""
    steps: list[str | int] = []
    at = 0
    while at < len(text):
        if text[at] == "." and steps:
            at += 1
        match = _STEP.match(text, at)
        if match is None:
            raise ValueError(f"'{text}' is no location: stopped at column {at + 1}")
        key, index, quoted = match.groups()
        steps.append(key if key is not None else int(index) if index is not None else json.loads(quoted))
        at = match.end()
    return tuple(steps)

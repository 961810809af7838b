"""What every command prints through: data on stdout, words on stderr, untrusted text made printable."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

import orjson

from curator.core.text import printable


def encoded(value: Any) -> bytes:
    """`value` as JSON in UTF-8; half of a surrogate pair (in a file's name, in data) becomes "?"."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return orjson.dumps(_speakable(value), option=orjson.OPT_NON_STR_KEYS)


def emit(value: Any) -> None:
    """Print one JSON object and a newline on stdout, at once."""
    sys.stdout.buffer.write(encoded(value) + b"\n")
    sys.stdout.buffer.flush()


def _speakable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_speakable(key): _speakable(item) for key, item in value.items()}
    return [_speakable(item) for item in value] if isinstance(value, list | tuple) else value


def out(text: str = "") -> None:
    """Print a line for people on stdout; untrusted parts must have gone through `printable` or `styled`."""
    sys.stdout.write(text + "\n")


def target(text: str) -> str:
    """An argument that names a file to write. Raises ArgumentTypeError for a stream or for nothing."""
    if text in ("", "-"):
        raise argparse.ArgumentTypeError(
            "name a file: the output is written whole or not at all, never to a stream"
        )
    return text


def count(text: str) -> int:
    """An argument that is a whole number, 0 or more. Raises ArgumentTypeError."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("a count is not negative")
    return number


def positive(text: str) -> int:
    """An argument that is a whole number, 1 or more. Raises ArgumentTypeError."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("it is 1 or more")
    return number


def say(text: str) -> None:
    """Print a message on stderr."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def colourful() -> bool:
    """Whether stdout may carry colour: a terminal, and NO_COLOR is unset or empty."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def styled(text: str, code: str) -> str:
    """`text`, made printable, in an SGR style such as `31` or `1;33` where colour is allowed."""
    safe = printable(text)
    return f"\x1b[{code}m{safe}\x1b[0m" if colourful() else safe

"""Printing for all commands: data on stdout, messages on stderr, untrusted text made printable."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

import orjson

from curator.core.text import printable


def encoded(value: Any) -> bytes:
    """`value` as JSON in UTF-8; lone surrogates (in file names or data) become "?"."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return orjson.dumps(_encodable(value), option=orjson.OPT_NON_STR_KEYS)


def emit(value: Any) -> None:
    """Print one JSON object and a newline on stdout, and flush."""
    sys.stdout.buffer.write(encoded(value) + b"\n")
    sys.stdout.buffer.flush()


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list | tuple) else value


def out(text: str = "") -> None:
    """Print a line for people on stdout; untrusted parts must have gone through `printable` or `styled`."""
    sys.stdout.write(text + "\n")


def target(text: str) -> str:
    """Argument type: a file to write. Raises ArgumentTypeError for `-` or an empty name."""
    if text in ("", "-"):
        raise argparse.ArgumentTypeError(
            "name a file: the output is written completely or not at all, never to a stream"
        )
    return text


def count(text: str) -> int:
    """Argument type: an integer, 0 or more. Raises ArgumentTypeError, or ValueError for text."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("a count is not negative")
    return _countable(number)


def positive(text: str) -> int:
    """Argument type: an integer, 1 or more. Raises ArgumentTypeError, or ValueError for text."""
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return _countable(number)


def _countable(number: int) -> int:
    """The number, unless nothing can be counted so far. Raises ArgumentTypeError."""
    if number >= 2**62:
        raise argparse.ArgumentTypeError("it is larger than anything that can be counted")
    return number


def say(text: str) -> None:
    """Print a message on stderr."""
    sys.stderr.write(printable(text) + "\n")
    sys.stderr.flush()


def allows_colour() -> bool:
    """Whether to print colours: stdout is a terminal, and NO_COLOR is unset or empty."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def would(what: str, as_json: bool, **facts: Any) -> int:
    """Print what a dry run would have done, in words or as a JSON object of facts; exit status 0."""
    if as_json:
        emit({"dry_run": True, **facts})
    else:
        out(styled(f"would {what}; nothing was done", "0"))
    return 0


def styled(text: str, code: str) -> str:
    """`text`, made printable, with the SGR code such as `31` or `1;33` if colours are allowed."""
    safe = printable(text)
    return f"\x1b[{code}m{safe}\x1b[0m" if allows_colour() else safe

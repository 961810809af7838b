"""What every command prints through: data on stdout, words on stderr, untrusted text made printable."""

from __future__ import annotations

import os
import sys
from typing import Any

import orjson

from curator.core.text import printable


def emit(value: Any) -> None:
    """Print one JSON object and a newline on stdout, at once."""
    sys.stdout.buffer.write(orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS) + b"\n")
    sys.stdout.buffer.flush()


def out(text: str = "") -> None:
    """Print a line for people on stdout; untrusted parts must have gone through `printable` or `styled`."""
    sys.stdout.write(text + "\n")


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

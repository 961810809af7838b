"""The log file: tracebacks of unexpected errors. Keys are removed from them."""

from __future__ import annotations

import os
import re
import time
import traceback
from pathlib import Path

from curator import paths

_SECRET = re.compile(
    r"(?i)(sk-[a-z0-9_-]{8,}|(?<=bearer )[^\s'\"]+|(?<=api-key: )\S+|(?<=api-key': ')[^']+"
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]+)"
)


_protected: set[str] = set()


def protect(secret: str) -> None:
    """From now on `redact` also replaces exactly this text; `jobs.keys` calls it for each key it reads."""
    if len(secret) >= 8:
        _protected.add(secret)


def redact(text: str) -> str:
    """`text` with every protected secret, and everything that looks like a key, replaced by `***`."""
    for secret in _protected:
        text = text.replace(secret, "***")
    return _SECRET.sub("***", text)


def log_path() -> Path:
    """The path of the log file."""
    return paths.state_dir() / "curator.log"


def log_failure() -> Path:
    """Append the current exception's traceback (source lines only, no local values); return the log's path."""
    return log(traceback.format_exc())


def log(text: str) -> Path:
    """Append `text`, redacted, to the log file (mode 0600); return its path. Never raises."""
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}\n{redact(text)}\n")
    except OSError:
        pass
    return path

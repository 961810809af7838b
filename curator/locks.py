"""One writer a workspace: an operating-system lock that dies with the process that holds it."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

_OWN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
"""Not for children, and never what a link leads to: the file is written."""


class Lock:
    """The writer's lock on a workspace folder; `holder` tells in words who has it where we do not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def acquire(self, wait: float = 0.0) -> bool:
        """Try to become the writer, for `wait` seconds at most. Raises OSError where the folder is read-only."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | _OWN, 0o644)
        until = time.monotonic() + wait
        while not _lock(handle):
            if time.monotonic() >= until:
                os.close(handle)
                return False
            time.sleep(0.02)
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, json.dumps(owner).encode())
        self._handle = handle
        return True

    def release(self) -> None:
        """Give the lock back; closing the file is what releases it."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def holder(self) -> str:
        """Who wrote itself into the lock last, in words; untrusted text."""
        try:
            owner: Any = json.loads(self.path.read_bytes()[:1000])
            return f"process {int(owner['pid'])} on {owner['host']} since {owner['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock file `path`; does not change the file."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _lock(handle)
    finally:
        os.close(handle)


if os.name == "nt":
    import msvcrt

    def _lock(handle: int) -> bool:
        os.lseek(handle, 4096, os.SEEK_SET)  # beyond the text, so that others may read who holds it
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

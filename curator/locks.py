"""Locks between processes, on files: the operating system releases one when its holder exits, however it dies.

POSIX locks the whole file (`flock`), Windows one byte of it. A lock file with text in it, which others may read
while it is locked, is locked at the byte `BEHIND_TEXT`; any other at its first byte.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

from curator.errors import CuratorError

BEHIND_TEXT = 4096
"""Offset of the byte that Windows locks in the file of a `Lock`: behind the text that names the holder."""
_SAFE_OPEN = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0)
"""Children do not inherit the file, and a link is refused: the file is written."""
_PAUSE = 0.02
"""Seconds between two tries while waiting."""

if os.name == "nt":
    import msvcrt

    def try_lock(handle: int, offset: int = 0) -> bool:
        """Lock an open file without waiting, until it is closed; False where another process holds it."""
        os.lseek(handle, offset, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except OSError:
            return False
        finally:
            os.lseek(handle, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def try_lock(handle: int, offset: int = 0) -> bool:
        """Lock an open file without waiting, until it is closed; False where another process holds it."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class Lock:
    """A lock file that names its holder: process id, host and time, as JSON."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None

    def acquire(self, wait: float = 0.0) -> bool:
        """Try for at most `wait` seconds to get the lock. Raises OSError where the file cannot be written."""
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | _SAFE_OPEN, 0o644)
        until = time.monotonic() + wait
        while not try_lock(handle, BEHIND_TEXT):
            if time.monotonic() >= until:
                os.close(handle)
                return False
            time.sleep(_PAUSE)
        owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, json.dumps(owner).encode())
        self._handle = handle
        return True

    def release(self) -> None:
        """Release the lock, by closing its file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def holder(self) -> str:
        """Who got the lock last, in words. Untrusted text: anybody may have written the file."""
        try:
            owner: Any = json.loads(self.path.read_bytes()[:1000])
            return f"process {int(owner['pid'])} on {owner['host']} since {owner['since']}"
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"


def is_held(path: Path, offset: int = BEHIND_TEXT) -> bool:
    """Whether a living process holds the lock file `path`; False where there is no file. Changes nothing.

    `offset` is BEHIND_TEXT for the file of a `Lock`, 0 for one of `hold` or `open_locked`.
    """
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not try_lock(handle, offset)
    finally:
        os.close(handle)


@asynccontextmanager
async def hold(path: Path, seconds: float, busy: str) -> AsyncIterator[None]:
    """Hold the lock file `path` during the block, without blocking the event loop.

    Raises CuratorError(`busy`) where another process still holds it after `seconds`.
    """
    import asyncio  # heavy

    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        until = time.monotonic() + seconds
        while not try_lock(handle):
            if time.monotonic() >= until:
                raise CuratorError(busy)
            await asyncio.sleep(_PAUSE)
        yield
    finally:
        os.close(handle)


def open_locked(path: Path) -> BinaryIO | None:
    """The lock file `path`, open and locked; None where it cannot be locked, as another process holds it.

    The lock lasts until every copy of the file is closed, also those in child processes that inherited it.
    Raises OSError where the file cannot be opened.
    """
    file = path.open("ab")
    try:
        if try_lock(file.fileno()):
            return file
    except OSError:
        pass  # a file system without locks: as if it were held
    file.close()
    return None

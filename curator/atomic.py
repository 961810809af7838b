"""Writing a file whole or not at all: to a temporary file in the same folder, which is synced and renamed."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_dry = False
"""Whether files are only tried, see `dry_run`."""


@contextlib.contextmanager
def dry_run(on: bool = True) -> Iterator[None]:
    """Inside the block `replacing` changes no file; what could not be written is refused all the same."""
    global _dry
    before, _dry = _dry, on
    try:
        yield
    finally:
        _dry = before


def is_dry() -> bool:
    """Whether this is a dry run."""
    return _dry


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable. Does nothing on Windows, where folders cannot be synced."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """A binary file that replaces `path` at the end of the block; after an exception `path` is unchanged.

    A symbolic link is followed: the file that it names is replaced. `mode`: the permission bits, by default those
    of the replaced file, or those of a new file. Raises OSError where the folder cannot be written, the disk is
    full, or `path` is a folder, device or pipe; then no temporary file is left behind.
    """
    path = Path(path)
    target = path.resolve() if path.is_symlink() else path
    if target.exists() and not target.is_file() and not target.is_dir():
        raise OSError(errno.EINVAL, "it is no regular file")  # a rename would replace a device by a file
    if _dry:
        with _nowhere(target) as file:
            yield file
        return
    handle, name = tempfile.mkstemp(prefix=f".{target.name[:80]}.", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.chmod(_mode(target) if mode is None else mode)
        part.replace(target)
        sync_folder(target.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _nowhere(target: Path) -> Iterator[BinaryIO]:
    """A file that is gone afterwards. Raises OSError where `target` could not be replaced."""
    if target.is_dir():
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not target.parent.is_dir():
        raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
    if not os.access(target.parent, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    with tempfile.TemporaryFile("w+b") as file:
        yield file


def write_bytes(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace the file `path` by `data`, durably. Raises OSError; then the old file is unchanged."""
    with replacing(path, mode=mode) as file:
        file.write(data)


def _mode(path: Path) -> int:
    """The permission bits of `path`, or those of a new file."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask

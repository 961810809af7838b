"""Whole or not at all: a file is written beside its place, synced, and renamed over it."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` durable. Where folders cannot be synced (Windows) this does nothing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextlib.contextmanager
def replacing(path: Path, *, mode: int | None = None) -> Iterator[BinaryIO]:
    """A binary file that becomes `path` when the block ends well; on an error `path` stays as it was.

    `mode` are the permission bits; by default those of the file that is replaced, or the usual ones.
    Raises OSError where the folder cannot be written, the disk is full, or `path` is a folder, device or pipe;
    nothing is left behind then.
    """
    path = Path(path)
    target = path.resolve() if path.is_symlink() else path
    if target.exists() and not target.is_file() and not target.is_dir():
        raise OSError(errno.EINVAL, "it is no regular file")  # a rename would put a file in a device's place
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


def write_bytes(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Replace the file `path` by `data`, durably. Raises OSError; then the old file is whole."""
    with replacing(path, mode=mode) as file:
        file.write(data)


def _mode(path: Path) -> int:
    """The permission bits `path` has, or those a new file would get."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask

"""Free disk space: a reserve is never used for uploads, so that the database and running jobs can still write."""

from __future__ import annotations

import os
from pathlib import Path

from curator.server.errors import disk_full


def require_free_space(folder: Path, size: int, reserve: int) -> None:
    """Raise ApiError 507 unless `reserve` bytes stay free on the disk of `folder` after `size` more bytes."""
    stats = os.statvfs(folder)
    free = stats.f_bavail * stats.f_frsize
    if free - size < reserve:
        raise disk_full(f"The server's disk is full: {free // 2**20} MB are free, {size // 2**20} MB are needed.")

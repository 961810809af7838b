"""Room on the disk: some is always left free, so that what was promised can still be written."""

from __future__ import annotations

import os
from pathlib import Path

from curator.server.errors import disk_full


def require_free_space(folder: Path, size: int, reserve: int) -> None:
    """Raise 507 unless `size` more bytes fit into `folder` beside `reserve` (bytes)."""
    stats = os.statvfs(folder)
    free = stats.f_bavail * stats.f_frsize
    if free - size < reserve:
        raise disk_full(f"The server's disk is full: {free // 2**20} MB are free, {size // 2**20} MB are needed.")

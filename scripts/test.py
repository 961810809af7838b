"""Set everything up on first use, then run all tests: python3 scripts/test.py [PYTEST ARGUMENTS]"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from environment import ROOT, ensure, python

MODEL = "smollm2-135m-instruct"
MEMORY = Path("/dev/shm")
"""A folder in memory, which Linux has: there thousands of small databases wait for no disk."""
ROOM = 4 << 30
"""Bytes that must be free in it."""


def scratch_parent() -> Path | None:
    """The folder in memory, where there is room for files and programs in it; None: the usual place."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK)):
        return None
    about = os.statvfs(MEMORY)
    return MEMORY if about.f_bavail * about.f_frsize > ROOM and not about.f_flag & os.ST_NOEXEC else None


def main() -> int:
    """Install with the extra `dev`, fetch the base model that the slow test trains, run pytest.

    Without arguments there are five processes: on two cores that saves a third of the time, because many tests
    wait for a server or a clock. The files keep the order of `tests/conftest.py`, the longest ones first. What the
    tests write lies in memory where that is possible, which saves a quarter.
    """
    ensure("dev")
    subprocess.run([python(), "-m", "curator", "models", "pull", MODEL], check=False)
    arguments = sys.argv[1:] or ["-n", "5", "--dist", "loadfile", "--no-loadscope-reorder", "--by-turns"]
    with tempfile.TemporaryDirectory(dir=scratch_parent(), ignore_cleanup_errors=True) as scratch:
        command = [python(), "-m", "pytest", *arguments]
        return subprocess.run(command, cwd=ROOT, env={**os.environ, "TMPDIR": scratch}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

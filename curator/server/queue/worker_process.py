"""A job's training process: start it, see whether it is alive, send it signals.

The server locks the file `lock` of the job's folder and passes the open file to the process. The lock is held as
long as the process (or a child of it) lives, even if the server ends. So a process id that the system has given to
another process is never taken for the worker.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from curator.locks import open_locked

NICE = 10
_TAIL_BYTES = 4096


class WorkerProcess:
    """The process of one job folder, started by this server or by an earlier one."""

    def __init__(self, folder: Path, pid: int | None = None) -> None:
        self.folder = folder
        self.pid = pid
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, command: Sequence[str]) -> int:
        """Start the process in its own group at low priority and return its id. Raises OSError if it cannot
        start."""
        lock_file = open_locked(self.folder / "lock")
        if lock_file is None:
            raise BlockingIOError(f"a process already works in {self.folder}")
        with lock_file, (self.folder / "stderr.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, str(self.folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(lock_file.fileno(),),
                env=child_environment(),
            )
        self.pid = self._process.pid
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, self.pid, NICE)
        return self.pid

    def is_alive(self) -> bool:
        """Whether the process lives."""
        if self._process is not None and self._process.returncode is None and self._process.poll() is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)  # other processes of a launcher that has ended
        try:
            lock_file = open_locked(self.folder / "lock")
        except FileNotFoundError:
            return False
        if lock_file is None:
            return True
        lock_file.close()
        return False

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and its group, if it lives."""
        if self.pid is not None and self.is_alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def describe_end(self) -> str:
        """How the process ended (exit status or signal) and the end of its stderr, for an error message."""
        code = None if self._process is None else self._process.poll()
        how = "" if code is None else f" ({_ending(code)})"
        try:
            text = (self.folder / "stderr.log").read_bytes()[-_TAIL_BYTES:].decode("utf-8", "replace").strip()
        except OSError:
            text = ""
        return f"{how}: {text}" if text else how


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def child_environment() -> dict[str, str]:
    """The environment for a child process: this one's without variables named `…_API_KEY`, which no child
    needs."""
    return {name: value for name, value in os.environ.items() if not name.upper().endswith("_API_KEY")}

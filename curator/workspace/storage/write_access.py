"""Whether this process may write to a workspace: one process holds its lock, all others read."""

from __future__ import annotations

from curator.errors import NotSaved
from curator.locks import Lock


class WriteAccess:
    """The writer's lock of a workspace, as far as this process holds it."""

    def __init__(self, name: str, lock: Lock, holder: str = "") -> None:
        self._name = name
        self._lock = lock
        self.read_only = True
        """True until `acquire` succeeds."""
        self.holder = holder
        """Who writes, in words, where this process wanted to and cannot; untrusted text."""

    def acquire(self, wait: float = 0.0) -> bool:
        """Try for `wait` seconds to become the writer; if that fails, `holder` says who is."""
        try:
            self.read_only = not self._lock.acquire(wait)
            self.holder = self._lock.holder() if self.read_only else ""
        except OSError as error:
            self.holder = f"nobody, but the folder cannot be written ({error.strerror or error})"
        return not self.read_only

    def release(self, holder: str = "") -> None:
        """Give the lock back; `holder` says why this process only reads from now on."""
        self._lock.release()
        self.read_only, self.holder = True, holder

    def require(self) -> None:
        """Raise NotSaved where this process may only read."""
        if self.read_only:
            reason = f": it is held by {self.holder}" if self.holder else ""
            raise NotSaved(f"not saved: {self._name} is open for reading only{reason}")

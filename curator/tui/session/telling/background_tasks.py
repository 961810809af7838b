"""`BackgroundTasks`: everything that goes on while somebody works, its share, its time left and a way to stop it.

task = session.tasks.begin("looking for copies", worker.cancel)
task.report(0.4)
task.end()
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

SURE = 2.0
"""Seconds of work after which its speed tells how long the rest takes."""


class BackgroundTask:
    """One thing that goes on. Its methods may be called from any thread."""

    def __init__(
        self, words: str, ended: Callable[[BackgroundTask], None], stop: Callable[[], object] | None = None
    ) -> None:
        self.words = words
        self.stop = stop
        """Asks it to stop, from the UI's thread; None where it cannot be stopped."""
        self._seconds_left: float | None = None
        self.share: float | None = None
        """The part that is done, 0 to 1; None where nobody knows."""
        self._ended = ended
        self._began = time.monotonic()

    def report(self, share: float | None, words: str = "", seconds_left: float | None = None) -> None:
        """Tell how far it is, perhaps what it does in other words, and how long the rest takes if known."""
        self.share = None if share is None else max(0.0, min(1.0, share))
        self._seconds_left = seconds_left
        self.words = words or self.words

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes, as told or at the speed so far; None as long as that is a guess."""
        if self._seconds_left is not None:
            return self._seconds_left
        spent = time.monotonic() - self._began
        return spent * (1 - self.share) / self.share if self.share and spent >= SURE else None

    def end(self) -> None:
        """It is over, however it ended; a second call does nothing."""
        self._ended(self)


class BackgroundTasks:
    """The tasks that go on, in the order in which they began."""

    def __init__(self) -> None:
        self._tasks: dict[BackgroundTask, None] = {}
        self._watchers: list[Callable[[], object]] = []

    def begin(self, words: str, stop: Callable[[], object] | None = None) -> BackgroundTask:
        """A task begins; whoever does it must call `end`. `stop` asks it to stop."""
        task = BackgroundTask(words, self._end, stop)
        self._tasks[task] = None
        self._tell()
        return task

    def watch(self, watcher: Callable[[], object]) -> None:
        """Call `watcher` whenever a task has begun or ended, from the thread in which that happens."""
        self._watchers.append(watcher)

    def _end(self, task: BackgroundTask) -> None:
        if task in self._tasks:
            del self._tasks[task]
            self._tell()

    def _tell(self) -> None:
        for watcher in self._watchers:
            watcher()

    def __iter__(self) -> Iterator[BackgroundTask]:
        return iter(list(self._tasks))

"""The reader's end of the analysis child: start it, ask for what is on the screen, hear what is new."""

from __future__ import annotations

import collections
import contextlib
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import orjson

from curator.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the child is. `phase`: starting, copying, checking, comparing, done, elsewhere, failed, stopped."""

    phase: str
    done: int
    total: int
    seconds_left: float | None
    """By the pace so far (monotonic clock); None while there is no pace."""
    error: str = ""

    @property
    def running(self) -> bool:
        """False when it is done, or there is none."""
        return self.phase in ("starting", "copying", "copied", "checking", "comparing")


class Analysis:
    """One child process at a time: it leaves when it has nothing to do, and edits bring another.

    No method waits for it; call `poll` some ten times a second.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._news: collections.deque[dict[str, Any]] = collections.deque()
        self._state: dict[str, Any] = {"phase": "starting", "done": 0, "total": 0}
        self._began: tuple[str, float, int] = ("", 0.0, 0)
        self._numbers = itertools.count(1)
        self._unheard: dict[int, dict[str, Any]] = {}
        """Edits that no child has said it heard of, by number."""
        self._begin()
        workspace.listeners.append(self._heard)

    def _begin(self) -> None:
        self.resting = False
        """Whether the child has gone because there is nothing to do until somebody edits."""
        self._child = subprocess.Popen(
            [sys.executable, "-m", "curator.workspace.analysis.child", str(Path(self._workspace.path).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._child.stdout is not None
        self._reader = threading.Thread(target=self._listen, args=(self._child.stdout,), daemon=True)
        self._reader.start()

    def _listen(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._news.append(orjson.loads(line))
        self._news.append({"ended": True})

    def poll(self) -> Sequence[int]:
        """Ids whose results changed since the last call (all ids where it is everything)."""
        changed: list[int] = []
        everything = False
        while self._news:
            fact = self._news.popleft()
            if fact.get("ended"):
                self._ended()
                continue
            self._unheard.pop(fact.get("heard", 0), None)
            if "phase" in fact:
                self._hear(fact)
                everything = everything or fact.get("all", False) or fact["phase"] == "copied"
            for low, high in fact.get("ids", ()):
                changed.extend(range(low, high + 1))
        if everything or changed:
            with self._workspace.guard:
                everything = self._workspace.changes.writing.adopt_copies() or everything
                self._workspace.derived.settle()
        return self._workspace.ids() if everything else changed

    def _ended(self) -> None:
        """The child has gone: for good, or until there is something to do; what it left unheard is that."""
        self._close()
        if self.progress().running:
            self._state = {**self._state, "phase": "stopped"}
        elif self._state["phase"] == "done":
            self.resting = True
            if self._unheard:
                self._begin_again()

    def _begin_again(self) -> None:
        self._begin()
        for request in self._unheard.values():
            self._write(request)

    def _hear(self, fact: dict[str, Any]) -> None:
        if fact["phase"] != self._began[0]:
            self._began = (fact["phase"], time.monotonic(), int(fact.get("done", 0)))
        self._state = {**self._state, **fact}

    def progress(self) -> Progress:
        """How far it is."""
        state = self._state
        _, since, start = self._began
        moved, spent = int(state["done"]) - start, time.monotonic() - since
        left = None
        if moved > 0 and spent > 0.2:
            left = (int(state["total"]) - int(state["done"])) * spent / moved
        return Progress(state["phase"], int(state["done"]), int(state["total"]), left, str(state.get("error", "")))

    def show(self, ids: Iterable[int]) -> None:
        """Look at these examples first: they are on the screen or next to it."""
        self._ask({"show": list(ids)[:1000]})

    def _heard(self, ids: Sequence[int], restructured: bool) -> None:
        number = next(self._numbers)
        self._unheard[number] = request = {"changed": list(ids), "restructured": restructured, "number": number}
        if self.resting:
            self._begin_again()
        else:
            self._write(request)

    def _ask(self, request: dict[str, Any]) -> None:
        if self.resting:
            self._begin_again()
        self._write(request)

    def _write(self, request: dict[str, Any]) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(orjson.dumps(request) + b"\n")
            self._child.stdin.flush()
        except (OSError, ValueError):
            return  # the child has gone: `poll` will hear of it

    def stop(self, wait: float = 2.0) -> None:
        """End the child; what it stored stays."""
        if self._heard in self._workspace.listeners:
            self._workspace.listeners.remove(self._heard)
        self._close(wait)

    def _close(self, wait: float = 2.0) -> None:
        if self._child.stdin is not None:
            with contextlib.suppress(OSError):
                self._child.stdin.close()
        try:
            self._child.wait(wait)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._reader.join(wait)
        if self._child.stdout is not None:
            self._child.stdout.close()


def start(workspace: Workspace) -> Analysis:
    """Start the child of a workspace; it works at low priority and ends with this process."""
    return Analysis(workspace)

"""The analysis child, seen from the process that shows the workspace: start it, send requests, read its messages.

Messages are JSON objects, one a line, on the child's standard input and output; see `analysis/child.py`.
"""

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
    """How far the child is.

    `phase`: starting, copying, copied, checking, comparing, done, elsewhere (another process analyses), failed or
    stopped.
    """

    phase: str
    done: int
    total: int
    seconds_left: float | None
    """At the pace of this phase so far; None before there is one."""
    error: str = ""

    @property
    def running(self) -> bool:
        """Whether the child is at work."""
        return self.phase in ("starting", "copying", "copied", "checking", "comparing")


class Analysis:
    """One child process at a time: it exits when it has nothing to do, and the next change starts another.

    No method but `stop` waits for it; call `poll` about ten times a second.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._messages: collections.deque[dict[str, Any]] = collections.deque()
        self._state: dict[str, Any] = {"phase": "starting", "done": 0, "total": 0}
        self._phase_start: tuple[str, float, int] = ("", 0.0, 0)
        """The present phase, when it was first reported (monotonic clock), and how much was done then."""
        self._settling = False
        """Whether this process may still have results that the child has by now."""
        self._numbers = itertools.count(1)
        self._unconfirmed: dict[int, dict[str, Any]] = {}
        """Reported changes that no child has confirmed yet, by number."""
        self._start_child()
        workspace.listeners.append(self._report_change)

    def _start_child(self) -> None:
        """Start a process, and a thread that reads its messages."""
        self.resting = False
        """Whether the child has exited because there is nothing to do before the next change."""
        folder, own = str(Path(self._workspace.path).resolve()), self._workspace.current_results.own_rules.key
        self._child = subprocess.Popen(
            [sys.executable, "-m", "curator.workspace.analysis.child", folder, own],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self._child.stdout is not None
        self._reader = threading.Thread(target=self._listen, args=(self._child.stdout,), daemon=True)
        self._reader.start()

    def _listen(self, stream: IO[bytes]) -> None:
        for line in stream:
            self._messages.append(orjson.loads(line))
        self._messages.append({"ended": True})

    def poll(self) -> Sequence[int]:
        """Ids whose results changed since the last call."""
        changed: list[int] = []
        everything = False
        while self._messages:
            message = self._messages.popleft()
            if message.get("ended"):
                self._child_ended()
                continue
            self._unconfirmed.pop(message.get("heard", 0), None)
            if "phase" in message:
                self._set_state(message)
                everything = everything or message.get("all", False) or message["phase"] == "copied"
            for low, high in message.get("ids", ()):
                changed.extend(range(low, high + 1))
        if everything or changed or self._settling:
            with self._workspace.guard:
                everything = self._workspace.changes.writing.adopt_copies() or everything
                settled = self._workspace.current_results.settle()
            self._settling = bool(settled)  # a part at a time: the rest at the next polls
            changed += settled
        return self._workspace.ids() if everything else changed

    def _child_ended(self) -> None:
        """The child has exited; start another where it did not read the latest changes."""
        self._close()
        if self.progress().running:
            self._state = {**self._state, "phase": "stopped"}
        elif self._state["phase"] == "done":
            self.resting = True
            if self._unconfirmed:
                self._restart_child()

    def _restart_child(self) -> None:
        self._start_child()
        for request in self._unconfirmed.values():
            self._write(request)

    def _set_state(self, message: dict[str, Any]) -> None:
        if message["phase"] != self._phase_start[0]:
            self._phase_start = (message["phase"], time.monotonic(), int(message.get("done", 0)))
        self._state = {**self._state, **message}

    def progress(self) -> Progress:
        """How far the child is."""
        state = self._state
        _, since, start = self._phase_start
        advance, elapsed = int(state["done"]) - start, time.monotonic() - since
        seconds_left = None
        if advance > 0 and elapsed > 0.2:
            seconds_left = (int(state["total"]) - int(state["done"])) * elapsed / advance
        return Progress(
            phase=state["phase"],
            done=int(state["done"]),
            total=int(state["total"]),
            seconds_left=seconds_left,
            error=str(state.get("error", "")),
        )

    def show(self, ids: Iterable[int]) -> None:
        """Ask for the results of these examples first: they are on the screen or near it (at most 1,000)."""
        self._ask({"show": list(ids)[:1000]})

    def _report_change(self, ids: Sequence[int], restructured: bool) -> None:
        """Tell the child, or a new one, which examples changed; a listener of the workspace."""
        number = next(self._numbers)
        self._unconfirmed[number] = request = {
            "changed": list(ids),
            "restructured": restructured,
            "number": number,
        }
        if self.resting:
            self._restart_child()
        else:
            self._write(request)

    def _ask(self, request: dict[str, Any]) -> None:
        if self.resting:
            self._restart_child()
        self._write(request)

    def _write(self, request: dict[str, Any]) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(orjson.dumps(request) + b"\n")
            self._child.stdin.flush()
        except (OSError, ValueError):
            return  # the child has exited: `poll` handles it

    def stop(self, wait: float = 2.0) -> None:
        """End the child, by force after `wait` seconds; its results stay."""
        if self._report_change in self._workspace.listeners:
            self._workspace.listeners.remove(self._report_change)
        self._close(wait)

    def _close(self, wait: float = 2.0) -> None:
        """Close the input of the child, at which it exits, and wait for that."""
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
    """Start the child of a workspace; it runs at low priority and ends with this process."""
    return Analysis(workspace)

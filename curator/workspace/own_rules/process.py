"""One file of own rules in a process of its own, for which nothing waits longer than its limit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from pathlib import Path
from typing import Any

import orjson

SECONDS, SECONDS_TO_LOAD = 10.0, 30.0
"""How long the rules of one file may take for a part of a batch, and to load, before they are given up."""
PART = 200
"""Examples that a file of rules gets at a time."""
FAILED = "own_rule_failed"
"""The id under which a file of rules is told that cannot be read, raises, or does not end."""


class RuleProcess:
    """One file of rules in its process; nothing waits longer for it than its limit."""

    def __init__(self, file: Path) -> None:
        self.file = file
        command = [sys.executable, "-m", "curator.workspace.own_rules.child", str(file)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._thread = ThreadPoolExecutor(1)
        self._answers: list[Future[bytes]] = [self._thread.submit(self._read)]
        self.fault = ""
        """Why it was given up; empty while it works."""

    def send(self, raws: Sequence[bytes]) -> None:
        """Have a part of a batch checked; `answer` waits for the findings."""
        if not self.fault:
            self._answers.append(self._thread.submit(self._exchange, list(raws)))

    def answer(self, seconds: float) -> dict[str, Any]:
        """The next answer; where none comes in time the process is ended and `fault` says why."""
        if self.fault or not self._answers:
            return {}
        try:
            line = self._answers.pop(0).result(seconds)
            answer: dict[str, Any] = orjson.loads(line) if line else {"error": "its process ended"}
        except Late:
            answer = {"error": f"it did not finish within {seconds:g} seconds"}
        except (OSError, ValueError):
            answer = {"error": "its process ended"}
        if "error" in answer:
            self.fault = str(answer["error"])
            self.end()
            return {}
        return answer

    def _exchange(self, raws: list[bytes]) -> bytes:
        assert self._process.stdin is not None
        self._process.stdin.write(b"%d\n" % len(raws) + b"".join(raw + b"\n" for raw in raws))
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> bytes:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def end(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._thread.shutdown(wait=True)
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                continue  # what was not written yet is of no use

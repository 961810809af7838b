"""The generation process, `python -m curator.server.children.generate`: reads requests from stdin and writes
answers to stdout, both as JSON lines (protocol: docs/architecture.md, "server").

Waiting requests for the same model become one batch, long prompts and short ones apart; batches whose prompts are
read join those that are decoding already. The batches take turns (a slice of a prompt, or a token of each answer),
and the one that has used the least time is next: so a short answer does not wait for a long prompt or a long
answer. The process ends at the end of stdin.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from curator.errors import CuratorError
from curator.log import log_failure
from curator.server.engines.choice import choose_engine
from curator.server.engines.job import limit_threads

BATCH_ROWS = 64
"""Most choices in one batch."""
ACTIVE_BATCHES = 4
"""Most batches decoded in turn; further requests wait, and then form larger batches."""
LONG_CHARACTERS = 2_000
"""A request with more text than this is not answered together with shorter ones."""
LONG_BATCHES = 2
"""Most batches of such requests at the same time, so that shorter ones find a place."""
GATHER_SECONDS = 0.005
"""Seconds that an idle process waits after a request for more, to answer them as one batch."""
MODELS_KEPT = 1
ADAPTERS_KEPT = 16

Request = dict[str, Any]


class RunningBatch(Protocol):
    """Requests that are answered together (see `engines.answer_batch`)."""

    def step(self) -> list[dict[str, Any]]:
        """Read a slice of the prompts, or decode one token of every answer; the lines to send."""

    def cancel(self, request_id: str) -> None:
        """Stop answering a request."""

    def join(self, other: Any) -> bool:
        """Answer another batch's requests here from now on; whether it can be done."""

    @property
    def done(self) -> bool:
        """Whether every request is answered."""


class Engine(Protocol):
    """A loaded base model."""

    def batch(self, adapter: str | None, requests: list[Request]) -> RunningBatch:
        """Start answering. Raises CuratorError if the adapter does not fit the model."""


def load(base: Path) -> Engine:
    """Load a base model with the engine that can run it. Raises InputError if there is none."""
    if choose_engine(base).engine == "hf":
        from curator.server.engines.hf_answers import HfEngine  # heavy: torch

        hf: Engine = HfEngine(base)
        return hf
    from curator.server.engines.embedded.answers import EmbeddedEngine  # heavy: NumPy

    return EmbeddedEngine(base, ADAPTERS_KEPT)


@dataclass(slots=True)
class RunningTurn:
    """A running batch: its requests that are not done, and the seconds that it has used."""

    ids: list[str]
    batch: RunningBatch
    long: bool
    spent: float
    key: tuple[str, str | None]
    """Base model and adapter."""


class GenerationLoop:
    """Reads requests and decodes answers until stdin ends."""

    def __init__(self) -> None:
        self._arrived: queue.Queue[Request | None] = queue.Queue()
        self._waiting: list[Request] = []
        self._active: list[RunningTurn] = []
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._open = True

    def run(self) -> None:
        """Read and answer until stdin ends."""
        threading.Thread(target=self._read, daemon=True).start()
        while self._open:
            self._collect()
            self._start_waiting()
            if self._active:
                self._advance(min(self._active, key=lambda turn: turn.spent))

    def _read(self) -> None:
        for line in sys.stdin.buffer:
            try:
                request = json.loads(line)
            except ValueError:
                continue
            if isinstance(request, dict):
                self._arrived.put(request)
        self._arrived.put(None)

    def _collect(self) -> None:
        """Take the requests that have arrived; if there is nothing to decode, wait for one."""
        timeout: float | None = None
        while True:
            busy = self._active or (self._waiting and timeout is None)
            try:
                request = self._arrived.get_nowait() if busy else self._arrived.get(timeout=timeout)
            except queue.Empty:
                return
            if request is None:
                self._open = False
                return
            if request.get("cancel"):
                self._cancel(str(request.get("id")))
            else:
                self._waiting.append(request)
                timeout = GATHER_SECONDS

    def _cancel(self, request_id: str) -> None:
        if any(r.get("id") == request_id for r in self._waiting):
            self._waiting = [r for r in self._waiting if r.get("id") != request_id]
            send({"id": request_id, "done": True})
        for turn in self._active:
            if request_id in turn.ids:
                turn.ids.remove(request_id)
                turn.batch.cancel(request_id)
                send({"id": request_id, "done": True})
        self._active = [turn for turn in self._active if not turn.batch.done]

    def _start_waiting(self) -> None:
        while len(self._active) < ACTIVE_BATCHES:
            crowded = sum(turn.long for turn in self._active) >= LONG_BATCHES
            first = next((r for r in self._waiting if not (crowded and _is_long(r))), None)
            if first is None:
                return
            key, long = _model_of(first), _is_long(first)
            together: list[Request] = []
            rows = 0
            for request in self._waiting:
                fits = _model_of(request) == key and _is_long(request) == long
                rows += _rows_of(request) if fits else 0
                if fits and (rows <= BATCH_ROWS or not together):
                    together.append(request)
            self._waiting = [r for r in self._waiting if not any(r is c for c in together)]
            self._start(key, together)

    def _start(self, key: tuple[str, str | None], requests: list[Request]) -> None:
        ids = [str(r.get("id")) for r in requests]
        try:
            batch = self._engine(key[0]).batch(key[1], requests)
        except CuratorError as error:
            _send_error(ids, "invalid_request_error", error.message)
        except MemoryError:
            _send_error(ids, "out_of_memory", "The machine has too little free memory to answer with this model.")
        except Exception as error:
            _send_error(ids, "internal_error", _describe_unexpected(error))
        else:
            spent = min((turn.spent for turn in self._active), default=0.0)
            self._active.append(RunningTurn(ids, batch, _is_long(requests[0]), spent, key))

    def _engine(self, base: str) -> Engine:
        if base not in self._engines:
            while len(self._engines) >= MODELS_KEPT:
                self._engines.popitem(last=False)
            self._engines[base] = load(Path(base))
        self._engines.move_to_end(base)
        return self._engines[base]

    def _advance(self, turn: RunningTurn) -> None:
        before = time.monotonic()
        try:
            for line in turn.batch.step():
                send(line)
                if (line.get("done") or "error" in line) and line["id"] in turn.ids:
                    turn.ids.remove(line["id"])
        except Exception as error:
            _send_error(turn.ids, "internal_error", _describe_unexpected(error))
            self._active.remove(turn)
            return
        turn.spent += time.monotonic() - before
        if turn.batch.done:
            self._active.remove(turn)
        else:
            self._join_others(turn)

    def _join_others(self, turn: RunningTurn) -> None:
        """Let a batch take in those for the same model that are as far as it: one pass over the weights answers
        all."""
        for other in [other for other in self._active if other is not turn and other.key == turn.key]:
            if turn.long or other.long or len(turn.ids) + len(other.ids) > BATCH_ROWS:
                continue
            if turn.batch.join(other.batch):
                turn.ids += other.ids
                self._active.remove(other)


def _is_long(request: Request) -> bool:
    """Whether a request's text is so long that others should not wait until it is read."""
    if "prompts" in request:
        return sum(map(len, request["prompts"])) > LONG_CHARACTERS
    messages = request.get("messages") or []
    return sum(len(message.get("content") or "") for message in messages) > LONG_CHARACTERS


def _rows_of(request: Request) -> int:
    return max(1, int(request.get("n") or 1)) * len(request.get("prompts") or [None])


def _model_of(request: Request) -> tuple[str, str | None]:
    adapter = request.get("adapter")
    return str(request.get("base")), str(adapter) if adapter else None


def _describe_unexpected(error: Exception) -> str:
    return f"Unexpected {type(error).__name__}; details are in {log_failure()}."


def _send_error(ids: list[str], code: str, message: str) -> None:
    for request_id in ids:
        send({"id": request_id, "error": {"code": code, "message": message}})


def send(line: dict[str, Any]) -> None:
    """Write one line of the protocol and flush it."""
    sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run the command line, which has no arguments; the exit status."""
    limit_threads()
    # Where memory is fragmented Linux needs a second for the weights' huge pages; answers take 2 % longer without.
    os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    try:
        GenerationLoop().run()
    except (BrokenPipeError, KeyboardInterrupt):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

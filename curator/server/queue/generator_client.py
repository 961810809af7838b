"""The client of the generation process: one child that answers for every model, started by the first request."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections.abc import AsyncGenerator
from typing import Any

from curator.core.text import count_of
from curator.server.errors import ApiError, overloaded
from curator.server.queue.worker_process import child_environment
from curator.server.settings import ServerSettings

_SERVER_FAULTS = frozenset({"server_error", "internal_error", "out_of_memory"})
_LINE_BYTES = 16 * 2**20

Line = dict[str, Any]


class GeneratorClient:
    """Sends requests to the child as they come, so that it can answer those for the same model as one batch."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._process: asyncio.subprocess.Process | None = None
        self._readers: set[asyncio.Task[None]] = set()
        self._starting = asyncio.Lock()
        self._waiting: dict[str, asyncio.Queue[Line | None]] = {}
        self._numbers = itertools.count(1)
        self._idle: asyncio.TimerHandle | None = None

    @property
    def busy(self) -> bool:
        """Whether a request is waiting for its answer."""
        return bool(self._waiting)

    async def answer(self, request: Line) -> AsyncGenerator[Line]:
        """Send a request (without `id`) and yield the child's lines for it, without the last `{"done": true}`.

        Closing the iterator early cancels the request. Raises ApiError if the child reports an error or ends, or
        if too many requests are waiting.
        """
        if len(self._waiting) >= self._settings.limits.waiting_answers:
            raise overloaded(
                f"{count_of(len(self._waiting), 'request is', 'requests are')} waiting for an answer."
            )
        key = str(next(self._numbers))
        lines: asyncio.Queue[Line | None] = asyncio.Queue()
        self._waiting[key] = lines
        done = False
        try:
            await self._send({"id": key, **request})
            while not done:
                line = await lines.get()
                if line is None:
                    done = True
                    raise ApiError(
                        500, "The generation process ended unexpectedly; ask again.", kind="server_error"
                    )
                if "error" in line:
                    done = True
                    raise _error(line["error"])
                done = bool(line.get("done"))
                if not done:
                    yield line
        finally:
            del self._waiting[key]
            if not done:
                self._cancel(key)
            self._leave_when_idle()

    async def stop(self) -> None:
        """End the child; every waiting request gets an error."""
        process, self._process = self._process, None
        if self._idle is not None:
            self._idle.cancel()
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        for lines in self._waiting.values():
            lines.put_nowait(None)
        for reader in self._readers:
            reader.cancel()

    async def _send(self, line: Line) -> None:
        async with self._starting:
            if self._idle is not None:
                self._idle.cancel()
            if self._process is None or self._process.returncode is not None:
                await self._start()
        process = self._process
        try:
            if process is None or process.stdin is None:
                raise BrokenPipeError
            process.stdin.write(json.dumps(line).encode() + b"\n")
            await process.stdin.drain()
        except (BrokenPipeError, ConnectionResetError):
            raise ApiError(500, "The generation process ended; ask again.", kind="server_error") from None

    async def _start(self) -> None:
        with (self._settings.data / "generate.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *self._settings.generator,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=_LINE_BYTES,
                env=child_environment(),
                start_new_session=True,
            )
        self._process = process
        reader = asyncio.create_task(self._read(process))
        self._readers.add(reader)
        reader.add_done_callback(self._readers.discard)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Give each of the child's lines to its request; when the child has ended, an error to all that wait."""
        assert process.stdout is not None
        with contextlib.suppress(ValueError):  # the line is longer than _LINE_BYTES: the child is broken
            while raw := await process.stdout.readline():
                line = _parse(raw)
                lines = self._waiting.get(str(line.get("id")))
                if lines is not None:
                    lines.put_nowait(line)
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        if self._process is process:
            self._process = None
            for lines in self._waiting.values():
                lines.put_nowait(None)

    def _cancel(self, key: str) -> None:
        process = self._process
        if process is not None and process.stdin is not None and not process.stdin.is_closing():
            process.stdin.write(json.dumps({"id": key, "cancel": True}).encode() + b"\n")

    def _leave_when_idle(self) -> None:
        if not self._waiting and self._process is not None:
            loop = asyncio.get_running_loop()
            if self._idle is not None:
                self._idle.cancel()
            self._idle = loop.call_later(self._settings.generator_idle, self._close)

    def _close(self) -> None:
        """Close the child's stdin, upon which it ends; the next request starts a new child."""
        process = self._process
        if not self._waiting and process is not None and process.stdin is not None:
            self._process = None
            process.stdin.close()


def _parse(raw: bytes) -> Line:
    try:
        line = json.loads(raw)
    except ValueError:
        return {}
    return line if isinstance(line, dict) else {}


def _error(value: Any) -> ApiError:
    """The child's error as an API error: 500 if it is the server's fault, else 400."""
    code, message = str(value.get("code") or "server_error"), str(value.get("message") or "generation failed")
    if code in _SERVER_FAULTS:
        return ApiError(500, message, kind="server_error", code=code)
    return ApiError(400, message, param=str(value.get("param") or "messages"), code=code)

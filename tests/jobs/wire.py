"""A small HTTP/1.1 server whose answers can be dropped, delayed, cut and spoilt. For tests only."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

How = Literal[
    "drop_before",
    "drop_after",
    "cut",
    "delay",
    "trickle",
    "repeat",
    "garbage",
    "empty",
    "html",
    "deep",
    "fail_before",
    "fail_after",
    "refuse",
]
"""`repeat`: a gateway carries the request out twice; `trickle`: the answer comes a byte at a time."""


@dataclass
class Fault:
    """What happens to the next `times` requests that match; `before` faults keep the request from being done."""

    method: str
    path: str
    how: How
    times: int = 1
    status: int = 500
    body: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def takes(self, request: Request) -> bool:
        return self.times > 0 and self.method == request.method and re.search(self.path, request.path) is not None


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        value = json.loads(self.body or b"{}")
        assert isinstance(value, dict)
        return value


@dataclass
class Reply:
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    media: str = "application/json"

    def payload(self) -> bytes:
        return self.raw if self.raw is not None else json.dumps(self.body).encode()


Handler = Callable[[Request], Awaitable[Reply]]


class Wire:
    """Serves `handler` on a loopback port; `faults` are applied in order, each as often as it says."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.server: asyncio.Server | None = None
        self.tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self.server is not None
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                if not await self._answer(request, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.tasks.discard(task)
            writer.close()

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> bool:
        fault = next((fault for fault in self.faults if fault.takes(request)), None)
        if fault is None:
            return await _send(writer, await self.handler(request))
        fault.times -= 1
        if fault.how == "drop_before":
            return False
        if fault.how in ("fail_before", "refuse"):
            return await _send(writer, Reply(fault.status, fault.body or {"error": {}}, fault.headers))
        reply = await self.handler(request)
        if fault.how == "drop_after":
            return False
        if fault.how == "repeat":
            reply = await self.handler(request)
        if fault.how == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.how == "fail_after":
            reply = Reply(fault.status, {"error": {"message": "bad gateway"}})
        elif fault.how == "garbage":
            reply = Reply(raw=b'{"id": "ftjob-', status=200)
        elif fault.how == "empty":
            reply = Reply(body={}, status=200)
        elif fault.how == "deep":
            reply = Reply(raw=b'{"id": "ftjob-1", "x": ' + b"[" * 9000 + b"]" * 9000 + b"}", status=200)
        elif fault.how == "html":
            reply = Reply(raw=b"<html>\x1b]0;hostile\x07</html>", media="text/html")
        return await _send(
            writer, reply, cut=fault.how == "cut", pause=fault.seconds if fault.how == "trickle" else 0
        )


async def _read(reader: asyncio.StreamReader) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n") if not reader.at_eof() else b""
    if not head:
        return None
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    parts = urlsplit(target)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return Request(method, unquote(parts.path), query, headers, body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).strip(), 16):
        body += await reader.readexactly(size)
        await reader.readline()
    await reader.readline()
    return body


async def _send(writer: asyncio.StreamWriter, reply: Reply, cut: bool = False, pause: float = 0) -> bool:
    payload = reply.payload()
    lines = [
        f"HTTP/1.1 {reply.status} X",
        f"content-type: {reply.media}",
        f"content-length: {len(payload)}",
        *(f"{name}: {value}" for name, value in reply.headers.items()),
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))
    for byte in payload if pause else b"":
        writer.write(bytes([byte]))
        await asyncio.sleep(pause)
    if not pause:
        writer.write(payload[: len(payload) // 2] if cut else payload)
    await writer.drain()
    return not cut

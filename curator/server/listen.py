"""Run a server: lock the data folder, read the token, listen, write `server.json`, end on a signal or when
idle."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import secrets
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, NoReturn

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from curator import __version__
from curator.atomic import write_bytes
from curator.errors import UsageError
from curator.locks import open_locked
from curator.loopback import is_loopback
from curator.server import app
from curator.server.http.auth import Guard, Hosts
from curator.server.http.connection import Connection
from curator.server.services import Services, build
from curator.server.settings import ServerSettings

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1", "[::]": "::1"}
"""Addresses that stand for every interface, each with a loopback address to reach the server by."""

_OWN = frozenset({"token", "lock", "server.json", "server.log", "tmp", "files", "parts", "jobs", "studies"})
"""Names that a data folder without `server.db` may hold; with any other name it belongs to something else."""
_THREADS = 32
"""Most blocking calls at the same time; joining the parts of a large upload blocks one thread for minutes."""


def serve(settings: ServerSettings) -> NoReturn:
    """Serve until a signal comes or the server is idle for long enough, then end the process. Once requests are
    answered, one line of JSON with `base_url` and `token_file` goes to stdout. Raises UsageError if the address or
    the data folder cannot be used."""
    lock_file = _claim(settings.data)
    if lock_file is None:
        raise UsageError(
            f"Another server works in {settings.data}{_holder(settings)}: stop it or give another --data."
        )
    with lock_file:
        token = read_token(settings.token_file)
        listener = _listen(settings)
        about = settings.data / "server.json"
        try:
            status = _run(settings, build(settings), listener, token)
        finally:
            listener.close()
            about.unlink(missing_ok=True)
        sys.stdout.flush()
        os._exit(status)  # without waiting for threads: one may copy for minutes, and no client has its answer


def _claim(data: Path) -> BinaryIO | None:
    """Lock the data folder, made if it is missing; None if another server holds the lock.

    Raises UsageError if it cannot be used or belongs to something else.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        names = {path.name for path in data.iterdir()}
        if names - _OWN and "server.db" not in names:
            words = "holds other things and is no server's data folder: give an empty one as --data."
            raise UsageError(f"{data} {words}")
        return open_locked(data / "lock")
    except OSError as error:
        raise UsageError(f"The data folder {data} cannot be used: {error.strerror}.") from None


def _holder(settings: ServerSettings) -> str:
    try:
        about = json.loads((settings.data / "server.json").read_bytes())
        return f" ({about['base_url']}, process {about['pid']})"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def read_token(path: Path) -> str:
    """The token in a file that only its owner can read (mode 0600); a missing file is made with a random token.

    Raises UsageError if the file cannot be read or holds no usable token.
    """
    try:
        token = path.read_text().strip()
    except FileNotFoundError:
        token = secrets.token_urlsafe(32)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_bytes(path, token.encode() + b"\n", mode=0o600)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The token file {path} cannot be read: {error}.") from None
    if len(token) < 16 or not token.isascii() or not token.isprintable() or " " in token:
        raise UsageError(f"The token file {path} must hold one word of at least 16 printable ASCII characters.")
    path.chmod(0o600)
    return token


def _listen(settings: ServerSettings) -> socket.socket:
    try:
        info = socket.getaddrinfo(
            settings.host.strip("[]"), settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _, address = info[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise UsageError(f"Cannot listen on {settings.host}: {error.strerror}.") from None
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        where = f"{settings.host} port {settings.port}"
        raise UsageError(f"Cannot listen on {where}: {error.strerror}; give another --port.") from None
    return listener


def _run(settings: ServerSettings, services: Services, listener: socket.socket, token: str) -> int:
    port = listener.getsockname()[1]
    host = _WILDCARDS.get(settings.host) or settings.host.strip("[]")
    host = f"[{host}]" if ":" in host else host
    hosts = Hosts(settings.host, port, settings.allowed_hosts)
    activity = Activity(
        Guard(app.build(services), token, hosts, settings.limits.header_bytes, settings.allowed_origins)
    )
    server = _Server(_config(settings, activity), settings, services, activity)
    server.base_url = f"http://{host}:{port}/v1"
    if not is_loopback(settings.host):
        _warn(server.base_url, settings)
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(_THREADS))
    loop.run_until_complete(server.serve(sockets=[listener]))
    return server.status


def _warn(base_url: str, settings: ServerSettings) -> None:
    sys.stderr.write(
        f"curator: listening on {base_url}, which other machines can reach: whoever has the token in "
        f"{settings.token_file} can use it, and traffic is not encrypted (prefer an SSH tunnel).\n"
    )


def _config(settings: ServerSettings, entry: ASGIApp) -> uvicorn.Config:
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    limits = settings.limits
    Connection.limits = limits
    return uvicorn.Config(
        entry,
        http=Connection,
        ws="none",
        loop="asyncio",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=limits.header_bytes,
        date_header=False,
        timeout_graceful_shutdown=1,
    )


class Activity:
    """ASGI middleware that counts the requests being answered and notes when the last one ended."""

    def __init__(self, entry: ASGIApp) -> None:
        self._entry = entry
        self.running = 0
        self.last = time.monotonic()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on to the app and count it meanwhile: a server with a request running is not idle."""
        if scope["type"] == "lifespan":
            await self._entry(scope, receive, send)
            return
        self.running += 1
        try:
            await self._entry(scope, receive, send)
        finally:
            self.running -= 1
            self.last = time.monotonic()


class _Server(uvicorn.Server):
    """uvicorn's server that announces its address when it answers, and waits for its end without polling."""

    def __init__(
        self, config: uvicorn.Config, settings: ServerSettings, services: Services, activity: Activity
    ) -> None:
        super().__init__(config)
        self._settings = settings
        self._services = services
        self._activity = activity
        self._ended = asyncio.Event()
        self.base_url = ""
        self.status = 0

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        """Install no handlers: `startup` installs the event loop's, which act at once; uvicorn would poll for
        its own."""
        return contextlib.nullcontext()

    def end(self, number: int) -> None:
        """End the server because of signal `number`; the exit status becomes 128 + `number`."""
        self.status = 128 + number
        self._ended.set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then announce the address in `server.json` and on stdout."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self.end, number)
        await super().startup(sockets)
        files = {"base_url": self.base_url, "token_file": str(self._settings.token_file)}
        about = {**files, "pid": os.getpid(), "version": __version__}
        await asyncio.to_thread(write_bytes, self._settings.data / "server.json", json.dumps(about).encode())
        with contextlib.suppress(OSError):  # the reader of the pipe is gone
            sys.stdout.write(json.dumps(files) + "\n")
            sys.stdout.flush()

    async def main_loop(self) -> None:
        """Wait for a signal, or until the server was idle for `idle_exit` seconds; then stop the child
        processes."""
        limit = self._settings.idle_exit
        while not self._ended.is_set():
            wait = None if limit is None else await self._until_idle(limit)
            if wait is not None and wait <= 0:
                break
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), wait)
        services = self._services
        await asyncio.gather(services.generator.stop(), services.queue.stop(), services.studies.stop())

    async def _until_idle(self, limit: float) -> float:
        """Seconds until the server has been idle for `limit` seconds, if no request or job comes."""
        busy = self._activity.running or self._services.studies.busy
        if busy or await asyncio.to_thread(self._services.jobs.has_work):
            self._activity.last = time.monotonic()
        return self._activity.last + limit - time.monotonic()

"""The server behind `curator web`: textual-serve on loopback, with checks of Host, Origin and a cookie.

The token stands behind the # of the address: a browser keeps that part to itself, so that no path, log or Referer
ever holds it. A small page posts it once and gets a cookie that no script can read and no other page can send.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
import signal
import socket as sockets
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

NAMES = ("127.0.0.1", "localhost", "[::1]")
"""The names by which a browser on this machine may reach the server; others could be pointed at it."""
COOKIE = "curator-{port}"
"""A cookie of 127.0.0.1 is one of all its ports, so each server has a name of its own."""
LONGEST_TOKEN = 200
"""Most bytes that are read of a posted token."""
_FONTS = re.compile(r'<link\s+rel="stylesheet"\s+href="https://[^>]*>')
"""The page's style sheet from another server; nothing is fetched from outside this machine."""
HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
LOGIN = """<!DOCTYPE html><meta charset="utf-8"><title>Curator</title>
<body style="background:#14171d;color:#d8dee9;font-family:monospace">
<p id="words">Opening …</p>
<script>
const token = location.hash.slice(1);
history.replaceState(null, "", "/");
fetch("/login", {method: "POST", body: token}).then(answer => {
  if (answer.ok) location.replace("/");
  else document.getElementById("words").textContent =
    "Open the address that curator web printed: it ends in # and the token.";
});
</script>
"""
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def bind(port: int) -> sockets.socket:
    """A socket on loopback. Raises OSError where the port is taken."""
    socket = sockets.socket(sockets.AF_INET, sockets.SOCK_STREAM)
    socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)
    try:
        socket.bind(("127.0.0.1", port))
    except OSError:
        socket.close()
        raise
    return socket


class GuardedServer(Server):  # type: ignore[misc]  # it has no types of its own
    """textual-serve, which by itself answers anybody who reaches the port."""

    def __init__(self, command: str, port: int) -> None:
        super().__init__(command, "127.0.0.1", port, title="Curator")
        self.token = secrets.token_urlsafe(24)
        self._cookie = secrets.token_urlsafe(24)
        self._cookie_name = COOKIE.format(port=port)
        self._hosts = {f"{name}:{port}" for name in NAMES}

    @property
    def address(self) -> str:
        """What the user opens."""
        return f"{self.public_url}/#{self.token}"

    async def on_startup(self, app: web.Application) -> None:
        """Print nothing: the command does."""

    async def make_app(self) -> web.Application:
        """The application behind the checks."""
        app: web.Application = await self._make_app()

        @web.middleware  # type: ignore[untyped-decorator]  # aiohttp is not read by mypy
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._guard(request, handler)

        app.middlewares.append(guard)
        app.router.add_post("/login", self._log_in)
        return app

    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what does not come from a page of this server, opened by somebody who has the token."""
        origin = request.headers.get("Origin")
        if request.host.lower() not in self._hosts:
            raise web.HTTPForbidden(text="This server does not answer to that Host.")
        if origin is not None and urlsplit(origin).netloc.lower() not in self._hosts:
            raise web.HTTPForbidden(text="Requests from other web pages are not allowed.")
        if request.path == "/ws" and origin is None:
            raise web.HTTPForbidden(text="A connection without an Origin is not allowed.")
        if request.path == "/login":
            return await handler(request)
        if not hmac.compare_digest(request.cookies.get(self._cookie_name, "").encode(), self._cookie.encode()):
            if request.path == "/":
                return web.Response(text=LOGIN, content_type="text/html", headers=HEADERS)
            raise web.HTTPUnauthorized(text="Open the address that curator web printed.")
        if request.path == "/":
            return await self._page(request)
        return await handler(request)

    async def _page(self, request: web.Request) -> web.Response:
        """The page of textual-serve, under the name that the browser used, with nothing from other servers."""
        self.public_url = f"http://{request.host}"
        page: Any = await self.handle_index(request)
        text = _FONTS.sub("", page.text)
        return web.Response(text=text, content_type="text/html", headers=HEADERS)

    async def _log_in(self, request: web.Request) -> web.Response:
        """Exchange the token for a cookie."""
        typed = await request.content.read(LONGEST_TOKEN)
        if not hmac.compare_digest(typed, self.token.encode()):
            raise web.HTTPUnauthorized(text="This is not the token.")
        response = web.Response(text="ok", headers=HEADERS)
        response.set_cookie(self._cookie_name, self._cookie, httponly=True, samesite="Strict", path="/")
        return response


def serve(socket: sockets.socket, command: str, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` gets the address once it answers."""
    asyncio.run(_serve(socket, command, ready))


async def _serve(socket: sockets.socket, command: str, ready: Callable[[str], None]) -> None:
    server = GuardedServer(command, socket.getsockname()[1])
    runner = web.AppRunner(await server.make_app(), access_log=None)
    await runner.setup()
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    try:
        await web.SockSite(runner, socket, shutdown_timeout=2.0).start()
        ready(server.address)
        await ended.wait()
    finally:
        await runner.cleanup()

"""What is checked of every request before anything else: `Host`, `Origin`, then the bearer token."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from curator.loopback import is_loopback
from curator.server.errors import ApiError
from curator.server.http.responses import answer

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Hosts:
    """The names by which clients may reach this server.

    A hostile web page can point a name of its own at this machine (DNS rebinding), so other names in `Host` and
    `Origin` are refused. Bound to loopback: the three loopback names with the port. Bound elsewhere: also the name
    it was bound to, and every IP address, which a page cannot redirect. `allowed` adds names.
    """

    def __init__(self, host: str, port: int, allowed: Iterable[str] = ()) -> None:
        self._port = port
        self._names = {f"{name}:{port}" for name in _LOOPBACK}
        self._names |= {name.lower() if _has_port(name) else f"{name.lower()}:{port}" for name in allowed}
        self._names.add(f"[{host.strip('[]')}]:{port}" if ":" in host else f"{host.lower()}:{port}")
        self._wide = not is_loopback(host)

    def includes(self, host: str) -> bool:
        """Whether a `Host` value names this server."""
        host = host.lower()
        if not _has_port(host):
            host += ":80"
        return host in self._names or (self._wide and self._is_address(host))

    def _is_address(self, host: str) -> bool:
        name, _, port = host.rpartition(":")
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return port == str(self._port)

    def is_own_origin(self, origin: str) -> bool:
        """Whether an `Origin` value names this server."""
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme == "http" and not parts.path and self.includes(parts.netloc)


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]


class Guard:
    """ASGI middleware around the application: refuses a request before its body is read."""

    def __init__(
        self, app: ASGIApp, token: str, hosts: Hosts, head_bytes: int, origins: Iterable[str] = ()
    ) -> None:
        self._app = app
        self._head_bytes = head_bytes
        self._token = token.encode()
        self._hosts = hosts
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an allowed request on; answer any other with an error of the API."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        send = _send_with(send, [(b"x-request-id", f"req_{secrets.token_hex(16)}".encode()), *self._cors(scope)])
        try:
            if self._check_origin(scope):
                await send({"type": "http.response.start", "status": 204, "headers": list(_PREFLIGHT)})
                await send({"type": "http.response.body", "body": b""})
                return
            self._check_key(scope)
        except ApiError as error:
            await answer(error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _cors(self, scope: Scope) -> list[tuple[bytes, bytes]]:
        """The headers that let a page of an allowed origin read the answer."""
        origins = [origin for origin in _values(scope, b"origin") if origin in self._origins]
        if not origins:
            return []
        exposed = (b"access-control-expose-headers", b"x-request-id")
        return [(b"access-control-allow-origin", origins[0].encode("latin-1")), (b"vary", b"origin"), exposed]

    def _check_origin(self, scope: Scope) -> bool:
        """Check the head's size, `Host` and `Origin`. Returns whether the request is the CORS preflight of an
        allowed page, which carries no token."""
        head = len(scope["raw_path"]) + len(scope["query_string"])
        if head + sum(len(name) + len(value) for name, value in scope["headers"]) > self._head_bytes:
            raise ApiError(431, "The request's head is too large.", headers={"connection": "close"})
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or not self._hosts.includes(hosts[0]):
            raise ApiError(403, _HOST_WORDS, code="host_not_allowed")
        foreign = [origin for origin in _values(scope, b"origin") if not self._hosts.is_own_origin(origin)]
        if any(origin not in self._origins for origin in foreign):
            raise ApiError(403, _ORIGIN_WORDS, code="origin_not_allowed")
        return bool(foreign) and scope["method"] == "OPTIONS"

    def _check_key(self, scope: Scope) -> None:
        credentials = _values(scope, b"authorization")
        if not credentials:
            raise ApiError(401, "You didn't provide an API key.", code="invalid_api_key", headers=_CHALLENGE)
        scheme, _, key = credentials[0].partition(" ")
        right = hmac.compare_digest(key.strip().encode("latin-1", "replace"), self._token)
        if len(credentials) != 1 or scheme.lower() != "bearer" or not right:
            message = f"Incorrect API key provided: {_mask(key.strip())}."
            raise ApiError(401, message, code="invalid_api_key", headers=_CHALLENGE)


_HOST_WORDS = "This server does not answer to that Host; --allow-host NAME lets it."
_ORIGIN_WORDS = "Requests from web pages are not allowed; --allow-origin ORIGIN allows those of one origin."
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, POST, DELETE"),
    (b"access-control-allow-headers", b"*, authorization, content-type"),
    (b"access-control-max-age", b"600"),
)


def _send_with(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return send_with_headers


_CHALLENGE = {"www-authenticate": "Bearer"}


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _mask(key: str) -> str:
    """A wrong key with its middle hidden, for an error message."""
    return f"{key[:3]}***{key[-2:]}" if len(key) > 12 and key.isascii() and key.isprintable() else "***"

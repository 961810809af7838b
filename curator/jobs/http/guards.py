"""Checks on every request and answer: a key is sent to its own origin only, and no answer fills the memory."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import httpx2

MAX_ANSWER = 64 * 2**20
"""Most bytes of one answer. The result file of a long job has a few megabytes."""


def same_origin(base_url: str) -> Callable[[httpx2.Request], Awaitable[None]]:
    """A request hook that raises ValueError for a request to another origin than that of `base_url`."""
    import httpx2  # heavy

    home = httpx2.URL(base_url)

    async def check(request: httpx2.Request) -> None:
        if (request.url.scheme, request.url.host, request.url.port) != (home.scheme, home.host, home.port):
            raise ValueError("a request was about to leave for another host")

    return check


async def cap_answer(response: httpx2.Response) -> None:
    """A response hook: reading the answer raises ValueError beyond MAX_ANSWER bytes, compressed or not.

    We ask for uncompressed answers, but some gateways send gzip. That is decompressed here, since a few bytes can
    expand to gigabytes. Of answers in other encodings at most 64 KiB are read.
    """
    import httpx2  # heavy

    packed = response.headers.get("content-encoding", "identity").strip().lower()
    unpack = zlib.decompressobj(47) if packed in ("gzip", "x-gzip", "deflate") else None
    if unpack is not None:
        del response.headers["content-encoding"]
    cap = MAX_ANSWER if unpack or packed == "identity" else 2**16
    source = response.stream

    class Capped(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            remaining = cap
            async for chunk in cast(httpx2.AsyncByteStream, source):
                try:
                    plain = unpack.decompress(chunk, remaining + 1) if unpack else chunk
                except zlib.error:
                    raise ValueError("the answer is packed wrongly") from None
                remaining -= len(plain)
                if remaining < 0:
                    raise ValueError("the answer is too long")
                yield plain

        async def aclose(self) -> None:
            await cast(httpx2.AsyncByteStream, source).aclose()

    response.stream = Capped()

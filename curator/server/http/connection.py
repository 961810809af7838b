"""HTTP connections with two more limits than uvicorn has: their number, and the time for a request's head."""

from __future__ import annotations

import asyncio
from email.utils import formatdate

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from curator.server.settings import ServerLimits


class Connection(H11Protocol):
    """One connection. It is closed if there are too many, or if a request's head does not arrive in time."""

    limits = ServerLimits()
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Close the connection if there are too many, else start the timer for the first request's head."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            transport.close()
            return
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived; start the timer if a request's head is incomplete."""
        self.server_state.default_headers = [(b"date", formatdate(usegmt=True).encode())]
        super().data_received(data)
        if self.conn.their_state is h11.IDLE and self._patience is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timer."""
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._patience = self.loop.call_later(self.limits.header_seconds, self._give_up)

    def _give_up(self) -> None:
        self._patience = None
        begun = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if self.cycle is None or begun:
            self.transport.close()

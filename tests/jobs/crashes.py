"""Ways to die in the middle of a submission: before or after any commit and any request."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from unittest import mock

from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger

T = TypeVar("T")


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it."""


class Countdown:
    """Dies at the `at`-th moment; a moment is each side of a commit and of a request."""

    def __init__(self, at: int, really: bool = False) -> None:
        self.left, self.really = at, really

    def moment(self) -> None:
        self.left -= 1
        if self.left == 0:
            if self.really:
                os.kill(os.getpid(), signal.SIGKILL)
            raise Killed


@contextmanager
def dying(countdown: Countdown) -> Iterator[None]:
    """Inside the block, commits and requests count down."""
    write, call = Ledger._write, Client.call

    @contextmanager
    def counted_write(self: Ledger) -> Iterator[Any]:
        countdown.moment()
        with write(self) as db:
            yield db
        countdown.moment()

    async def counted_call(self: Client, doing: str, request: Awaitable[T], total: float | None = None) -> T:
        closing: Callable[[], None] = getattr(request, "close", lambda: None)
        try:
            countdown.moment()
        except Killed:
            closing()
            raise
        answer = await call(self, doing, request, total)
        countdown.moment()
        return answer

    with mock.patch.object(Ledger, "_write", counted_write), mock.patch.object(Client, "call", counted_call):
        yield

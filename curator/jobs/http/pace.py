"""How many questions a provider is asked at a time: few at first, more while answers come quickly, fewer when not.

One place decides for all that asks many questions, since what a machine keeps up with changes: a local server
answers many at once as one batch, and far fewer in the same time while a training runs beside it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from time import monotonic as clock
from typing import TypeVar

from curator.errors import ProviderError
from curator.jobs.http.faults import STOP_CODES, Refused, TooSlow

T = TypeVar("T")

_FIRST = {"local": 4}
"""Questions at a time to begin with, by kind of provider (others: 8)."""
_MOST = {"local": 32}
"""Most questions at a time (others: 8)."""
_USUAL = 8
_QUICK, _SLOW = 1 / 9, 1 / 3
"""Shares of the time that an answer may take, below which more are asked at a time, and above which fewer."""
_PATIENCE = 6
"""How many times that time an answer may take that is asked for alone."""


def most_at_once(kind: str) -> int:
    """How many questions a kind of provider is asked at a time where it keeps up."""
    return _MOST.get(kind, _USUAL)


class AskingPace:
    """The pace of one provider. `total`: the seconds that an answer may take."""

    def __init__(self, kind: str, total: float) -> None:
        self.width = _FIRST.get(kind, _USUAL)
        """Questions that are asked at a time now."""
        self._most, self._total = most_at_once(kind), total
        self._open = self._waiting = 0
        self._good = 0
        """Answers in time since the width was changed last."""
        self._was_narrowed = False
        self._changed = asyncio.Condition()

    async def ask(self, request: Callable[[float], Awaitable[T]]) -> T:
        """The answer to a request, which is called with the seconds that it may take.

        Where it takes longer, or the provider is asked too often, fewer questions are asked at a time from now on,
        and this one again. Raises what the request raises when it is asked alone.
        """
        while True:
            async with self._turn() as width:
                began = clock()
                try:
                    answer = await request(self._total * (_PATIENCE if width == 1 else 1))
                    self._note(clock() - began, width)
                    return answer
                except ProviderError as fault:
                    if width == 1 or not is_crowded(fault):
                        raise
                    self._narrow(width)

    async def ask_all(
        self, requests: Iterable[Callable[[float], Awaitable[T]]], take: Callable[[T], None]
    ) -> None:
        """Ask all; `take` gets each answer when it comes. The first error ends the others and is raised."""

        async def one(request: Callable[[float], Awaitable[T]]) -> None:
            take(await self.ask(request))

        try:
            async with asyncio.TaskGroup() as group:
                for request in requests:
                    group.create_task(one(request))
        except ExceptionGroup as many:
            raise many.exceptions[0] from None  # the first error has cancelled the other requests

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[int]:
        """Wait until fewer questions are open than may be; gives the width that holds now."""
        async with self._changed:
            self._waiting += 1
            try:
                await self._changed.wait_for(lambda: self._open < self.width)
            finally:
                self._waiting -= 1
            self._open += 1
        try:
            yield self.width
        finally:
            async with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _note(self, seconds: float, width: int) -> None:
        """Learn from an answer. Once it was too much, the width grows by one, after as many answers as it has."""
        if seconds > _SLOW * self._total:
            self._narrow(width)
        elif seconds < _QUICK * self._total and self.width == width and self._waiting:
            self._good += 1
            if not self._was_narrowed or self._good >= width:
                self.width = min(self._most, width + 1 if self._was_narrowed else 2 * width)
                self._good = 0

    def _narrow(self, width: int) -> None:
        """Ask fewer at a time; of all answers to questions that were asked together the first one decides."""
        if self.width == width:
            self.width = max(1, width // 2)
            self._good, self._was_narrowed = 0, True


def is_crowded(fault: ProviderError) -> bool:
    """Whether a provider that is asked less at a time may answer."""
    if isinstance(fault, Refused):
        return fault.status == 429 and fault.code not in STOP_CODES
    return isinstance(fault, TooSlow)

"""Asking the rows of the playground in a thread: every sample is streamed, all at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from textual.message import Message

from curator.errors import CuratorError

if TYPE_CHECKING:
    from curator.jobs.http.client import Client
    from curator.jobs.runs.board import BoardRow
    from curator.tui.stage_models.comparing.talk import Sample, Talk

_LOOK = 0.05
"""Seconds between two looks whether the user has stopped it."""


@dataclass
class Streamed(Message):
    """Some sample has more words."""

    def can_replace(self, message: Message) -> bool:
        """One redraw shows what several pieces have brought."""
        return isinstance(message, Streamed)


@dataclass
class TurnEnded(Message):
    """All samples of the turn have ended, or were stopped."""


def stream_turn(
    talk: Talk,
    rows: Sequence[BoardRow],
    post: Callable[[Message], object],
    is_cancelled: Callable[[], bool],
) -> None:
    """Stream the answers to the last turn into its samples, in this thread, until they end or it is cancelled."""
    by_name = {row.name: row for row in rows}
    at = len(talk.turns) - 1

    async def watched() -> None:
        asking = asyncio.create_task(_stream_all(talk, at, by_name, post))
        while not asking.done() and not is_cancelled():
            await asyncio.wait({asking}, timeout=_LOOK)
        if not asking.done():
            asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking

    asyncio.run(watched())


async def _stream_all(talk: Talk, at: int, rows: dict[str, BoardRow], post: Callable[[Message], object]) -> None:
    by_provider: dict[str, list[Sample]] = {}
    for sample in talk.turns[at].samples:
        by_provider.setdefault(rows[sample.row].provider, []).append(sample)

    async def at_provider(name: str, samples: list[Sample]) -> None:
        from curator.jobs import providers  # heavy
        from curator.jobs.connections.connect import connect

        try:
            async with await connect(providers.get(name)) as client:
                streams = (_stream(talk, at, rows[sample.row], sample, client, post) for sample in samples)
                await asyncio.gather(*streams)
        except CuratorError as error:
            for sample in samples:
                sample.trouble = sample.trouble or error.message
            post(Streamed())

    await asyncio.gather(*(at_provider(name, samples) for name, samples in by_provider.items()))


async def _stream(
    talk: Talk, at: int, row: BoardRow, sample: Sample, client: Client, post: Callable[[Message], object]
) -> None:
    from curator.jobs.runs.chat import chat_stream  # heavy

    options: dict[str, Any] = {"temperature": talk.temperature, "max_completion_tokens": talk.tokens}
    try:
        async for chunk in chat_stream(client, row.way.model, talk.messages(row.name, at), **options):
            choices = getattr(chunk, "choices", None) or []
            piece = getattr(choices[0].delta, "content", None) if choices else None
            if piece:
                sample.text += piece
                post(Streamed())
    except CuratorError as error:
        sample.trouble = error.message
    sample.ended = True
    post(Streamed())

"""Asking the rows of the board in a thread with an event loop of its own: the screen goes on meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from textual.message import Message

from curator.errors import ProviderError

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs.board import BoardRow
    from curator.jobs.runs.questions import Questions
    from curator.tui.session.telling.background_tasks import BackgroundTask
    from curator.tui.stage_models.comparing.board import LoadedBoard

T = TypeVar("T")

_LOOK = 0.05
"""Seconds between two looks whether the user has stopped it."""


@dataclass
class Answered(Message):
    """A row has one more answer."""

    name: str
    done: int
    total: int


@dataclass
class Waiting(Message):
    """A provider is asked again after a pause."""

    words: str


@dataclass
class Finished(Message):
    """The rows have been asked, or the asking was stopped; `troubles` says why rows failed, by name."""

    troubles: dict[str, str]


def ask_in_thread(
    rows: Sequence[BoardRow],
    questions: Mapping[str, Questions],
    post: Callable[[Message], object],
    is_cancelled: Callable[[], bool],
    task: BackgroundTask,
) -> dict[str, str]:
    """Ask what is unanswered until it is done or cancelled; returns why rows failed, by name. Call it in a thread:
    What was answered until it is cancelled is stored. `task` tells how far it is, and ends."""
    from curator.jobs.runs.board import ask_rows  # heavy

    def report(name: str, done: int, total: int) -> None:
        task.report(done / max(1, total))
        post(Answered(name, done, total))

    waiting = partial(_tell_waiting, post)
    try:
        return asyncio.run(until_cancelled(ask_rows(rows, questions, report, waiting), is_cancelled)) or {}
    finally:
        task.end()


def _tell_waiting(post: Callable[[Message], object], fault: ProviderError, seconds: float) -> None:
    post(Waiting(f"{fault.message} Trying again in {seconds:.0f} s."))


async def until_cancelled(work: Coroutine[Any, Any, T], is_cancelled: Callable[[], bool]) -> T | None:
    """The result of `work`; None once `is_cancelled` says so, which ends it."""
    task = asyncio.create_task(work)
    while not task.done() and not is_cancelled():
        await asyncio.wait({task}, timeout=_LOOK)
    if task.done():
        return task.result()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return None


def store_rows(rows: Sequence[BoardRow], board: LoadedBoard, ledger: Ledger, opening: str) -> bool:
    """Store the scores of the rows that have answered everything now; `opening` names a look at the test side.

    Returns whether anything was stored.
    """
    from curator.jobs.runs.evaluation import prompts_key, store_evaluation  # heavy
    from curator.jobs.runs.kept_scores import score_once

    loaded = board.prompts
    complete = [row for row in rows if not board.questions[row.name].unanswered]
    if loaded.source.kind == "train":
        return False
    contract = loaded.form.contract if loaded.form else None
    more = {"opening": opening} if opening else {}
    for row in complete:
        questions = board.questions[row.name]
        scored = score_once(row.name, questions, loaded.prompts, board.columns, contract, ledger)
        store_evaluation(ledger, loaded.yardstick, prompts_key(loaded.prompts), scored, questions, **more)
    return bool(complete)

"""The board: models, and ways of asking them, at one or more providers, that answer the same prompts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from curator.errors import CuratorError, ProviderError
from curator.jobs import providers
from curator.jobs.connections.connect import connect
from curator.jobs.http.client import Client
from curator.jobs.runs.asking import Way
from curator.jobs.runs.asking_cost import NOTHING, AskingCost, cost_of_questions, price_of_tokens
from curator.jobs.runs.questions import Questions, Report

Waiting = Callable[[ProviderError, float], None]


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A row of the board: a way of asking, the name of the provider that is asked, and what it is in words."""

    way: Way
    provider: str
    label: str
    """A short name for people; `name` is the ledger's."""
    kind: str = "way"
    """"base", "way" (added by hand), "checkpoint" or "tuned"."""
    round: int = 0
    """The number of the training that made the model; 0 for none."""

    @property
    def name(self) -> str:
        """The name under which evaluations hold the row."""
        return self.way.name


@dataclass(frozen=True, slots=True)
class Figures:
    """What an answer costs, on average over those that the ledger has; None: unknown."""

    tokens: float | None
    """Prompt and answer together."""
    usd: float | None
    seconds: float | None


async def ask_rows(
    rows: Sequence[BoardRow],
    questions: Mapping[str, Questions],
    report: Report,
    waiting: Waiting,
) -> dict[str, str]:
    """Ask each row's unanswered questions, `questions` by the row's name; returns why rows failed, by name.

    Providers are asked at the same time, the rows of one provider one after another. Every answer is stored when
    it comes, so that a later call goes on where this one stopped. Raises nothing but CancelledError.
    """
    troubles: dict[str, str] = {}
    by_provider: dict[str, list[BoardRow]] = {}
    for row in rows:
        if questions[row.name].unanswered:
            by_provider.setdefault(row.provider, []).append(row)

    async def ask_provider(name: str) -> None:
        rows_there = by_provider[name]
        try:
            async with await connect(providers.get(name)) as client:
                client.waiting = waiting
                for row in rows_there:
                    await _ask_row(row, questions[row.name], client, report, troubles)
        except CuratorError as error:
            for row in rows_there:
                troubles.setdefault(row.name, error.message)

    await asyncio.gather(*map(ask_provider, by_provider))
    return troubles


async def _ask_row(
    row: BoardRow, questions: Questions, client: Client, report: Report, troubles: dict[str, str]
) -> None:
    try:
        await questions.ask(client, report)
    except CuratorError as error:
        troubles[row.name] = error.message


def figures(row: BoardRow, questions: Questions) -> Figures:
    """Tokens, price and seconds of an answer of this row."""
    answers = [answer for answer in questions.answers.values() if isinstance(answer.get("seconds"), int | float)]
    counted = [answer for answer in answers if "prompt_tokens" in answer and "completion_tokens" in answer]
    seconds = sum(answer["seconds"] for answer in answers) / len(answers) if answers else None
    if not counted:
        return Figures(None, None, seconds)
    sent = sum(answer["prompt_tokens"] for answer in counted) / len(counted)
    received = sum(answer["completion_tokens"] for answer in counted) / len(counted)
    return Figures(sent + received, _price(row, sent, received), seconds)


def cost_of_rows(rows: Sequence[BoardRow], questions: Mapping[str, Questions]) -> AskingCost:
    """What asking these rows' unanswered questions will cost; rows of providers that are gone cost nothing."""
    cost = NOTHING
    for row in rows:
        with suppress(CuratorError):
            cost += cost_of_questions(questions[row.name], providers.get(row.provider))
    return cost


def _price(row: BoardRow, sent: float, received: float) -> float | None:
    """US dollars for so many tokens; None where the price is unknown, or the provider is no longer configured."""
    try:
        return price_of_tokens(providers.get(row.provider), row.way.model, sent, received)
    except CuratorError:
        return None

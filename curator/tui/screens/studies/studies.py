"""Studies of the open workspace, asked of the local server: what the dialogs await."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from curator.jobs.http.client import Client
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.planning.training_data import TrainingExamples
    from curator.jobs.studies.asking import Report
    from curator.jobs.studies.reasons import AnswerInQuestion, Reasons
    from curator.jobs.studies.suspects import SuspectStudy


@asynccontextmanager
async def _connected() -> AsyncIterator[tuple[Client, str]]:
    """A client of the local server, and the base model that studies train. Raises InputError, ProviderError."""
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.studies import asking

    provider = providers.get("local")
    model = provider.model or providers.LOCAL_MODEL
    if provider.managed:
        asking.require_model(model)
    async with await connect(provider) as client:
        yield client, model


def _read(path: Path) -> TrainingExamples:
    """All examples but rejected ones and those of the test side."""
    from curator.jobs.studies.examples import read_examples  # heavy

    data = read_examples(path)
    return data.only([at for at, side in enumerate(data.sides) if side != "test"])


async def suspects(path: Path, report: Report) -> SuspectStudy:
    """Study which answers a model does not believe, and have the workspace keep it. Raises CuratorError."""
    from curator.jobs.studies.examples import LEAST, require_enough, usable  # heavy
    from curator.jobs.studies.suspects import find_suspects

    data = await asyncio.to_thread(lambda: usable(_read(path)))
    require_enough(data, LEAST, "a study of suspects")  # before a model has to be there
    async with _connected() as (client, model):
        study = await find_suspects(data, client, model, report)
    await asyncio.to_thread(study.store, path)
    return study


async def reasons(
    path: Path, ledger: Ledger, model: str, questions: Sequence[AnswerInQuestion], report: Report
) -> list[Reasons]:
    """Which training examples pushed a model to these answers. Raises CuratorError."""
    from curator.jobs.planning import training_data  # heavy
    from curator.jobs.studies.reasons import choose_run, find_reasons, trained_examples

    run = choose_run(ledger, model)
    data = await asyncio.to_thread(training_data.read, path)
    trained, keys = await asyncio.to_thread(trained_examples, ledger, run, data)
    async with _connected() as (client, _):
        return await find_reasons(questions, trained, keys, run, client, report)


async def what_if(path: Path, ids: Iterable[int], report: Report) -> list[str]:
    """Whether the model would be better without some examples, in sentences. Raises CuratorError."""
    from curator.jobs.studies import arms  # heavy

    sides = await asyncio.to_thread(lambda: arms.divide(_read(path), 0))
    async with _connected() as (client, model):
        study = await arms.what_if(sides, ids, client, model, report, seeds=2, seed=0, hyperparameters={})
    return [study.says, *study.sides.notices]


async def how_many_more(path: Path, report: Report) -> list[str]:
    """What more examples may bring: the points of the curve, then in words. Raises CuratorError."""
    from curator.jobs.studies import arms  # heavy

    sides = await asyncio.to_thread(lambda: arms.divide(_read(path), 0))
    async with _connected() as (client, model):
        curve = await arms.learning_curve(sides, client, model, report, seeds=2, seed=0, hyperparameters={})
    points = [f"{words}  {'█' * round(30 * value)}" for words, value in curve.lines]
    return [*points, "", curve.says, *curve.sides.notices]

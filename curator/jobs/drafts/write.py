"""Has a model write drafts, lets only what passes the gate through, and keeps that as the model's proposals."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from curator.core.text import one_line
from curator.errors import InputError
from curator.jobs.drafts.kept_texts import KeptTexts
from curator.jobs.drafts.style import (
    MOST_READ,
    Seed,
    Style,
    StyleExample,
    answer_request,
    cleaned,
    made_example,
    question_request,
)
from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.providers import Provider
from curator.jobs.runs.asking_cost import AskingCost, estimate_cost
from curator.workspace.operations.gate import Gate, propose_new
from curator.workspace.operations.propose import MAX_AUTHOR, Proposing
from curator.workspace.workspace import Workspace

MOST = 100
"""Drafts in one go."""
_TEMPERATURE = 1.0
"""For questions, which should differ; answers are the likeliest ones."""
_LONGEST = 300
"""Most tokens of a question or an answer."""
Report = Callable[[int, int], None]
"""Called with the drafts written so far, and how many there will be."""


@dataclass(frozen=True)
class Draft:
    """What a model wrote: a proposal where it passed the gate, else why it did not."""

    prompt: str
    answer: str
    proposal: int | None
    why_not: str = ""


@dataclass
class DraftPlan:
    """Which drafts a model will be asked for, worked out before anything is asked."""

    style: Style
    seeds: Sequence[Seed]
    count: int
    nearest: dict[int, list[StyleExample]] = field(default_factory=dict)
    """The examples whose style is taken, by the place of the seed."""
    notice: str = ""
    """Words on the sample of examples among which they were looked for; "" where that was all."""

    def seed_at(self, number: int) -> int:
        """The place of the seed of the draft with this number: the seeds take turns."""
        return number % len(self.seeds)

    def request(self, number: int) -> list[dict[str, Any]]:
        """The messages that ask for the question of a draft."""
        at = self.seed_at(number)
        keeps = self.style.keeps_answer(self.seeds[at])
        return question_request(self.seeds[at], self.nearest[at], number, keeps_answer=keeps)

    def written(self, texts: KeptTexts) -> set[int]:
        """The numbers of the drafts that were written before they were broken off."""
        numbers = set()
        for number in range(self.count):
            question = texts.kept(self.request(number), number)
            seed = self.seed_at(number)
            if question and not self.style.keeps_answer(self.seeds[seed]):
                question = texts.kept(answer_request(cleaned(question), self.nearest[seed]), number)
            if question is not None:
                numbers.add(number)
        return numbers

    def cost(self, provider: Provider, model: str, written: Collection[int] = ()) -> AskingCost:
        """About what the drafts will cost that are not written yet, in US$ and seconds."""
        numbers = [number for number in range(self.count) if number not in written]
        sent = sum(len(str(message["content"])) for number in numbers for message in self.request(number))
        questions = [len(each.question) for models in self.nearest.values() for each in models]
        answers = [len(each.answer) for models in self.nearest.values() for each in models]
        received = len(numbers) * (sum(questions) // max(1, len(questions)))
        requests = len(numbers)
        if not all(self.style.keeps_answer(seed) for seed in self.seeds):
            requests, sent = 2 * requests, 2 * sent
            received += len(numbers) * (sum(answers) // max(1, len(answers)))
        return estimate_cost(provider, model, requests, sent, received)


def plan_drafts(workspace: Workspace, seeds: Sequence[Seed], count: int) -> DraftPlan:
    """Read the training examples and choose whose style each draft takes. Raises InputError without any seed."""
    held_out = workspace.stored.held_out()
    trained = [example for example in workspace.ids() if example not in held_out]
    step = max(1, -(-len(trained) // MOST_READ))
    style = Style((record.id, record.raw) for record in workspace.records(trained[::step]))
    if not seeds:
        raise InputError("There is no example with a question and an answer to write others like it.")
    if not style.models:
        raise InputError("No training example has a question and an answer whose style could be taken.")
    plan = DraftPlan(style, seeds, min(count, MOST))
    if step > 1:
        plan.notice = (
            f", in the style of the nearest of a sample of {len(trained[::step]):,} of {len(trained):,} examples"
        )
    plan.nearest = {at: style.nearest(seed) for at, seed in enumerate(seeds[: plan.count])}
    return plan


def seeds_of(workspace: Workspace, ids: Sequence[int], most: int = MOST) -> list[Seed]:
    """Drafts like these examples, of many the first that have a question and an answer."""
    style = Style((record.id, record.raw) for record in workspace.records(ids[: 10 * most]))
    return [
        Seed(each.question, each.answer, f"written like {workspace.stored.name_of(each.example)}")
        for each in style.models[:most]
    ]


def written_before(workspace: Workspace, plan: DraftPlan, provider: Provider, model: str) -> set[int]:
    """The numbers of the drafts that are there from an asking that was broken off, and will not be paid again."""
    with Ledger.for_path(workspace.path) as ledger:
        return plan.written(KeptTexts(ledger, provider.name, model))


async def write_drafts(
    workspace: Workspace, plan: DraftPlan, client: Client, model: str, report: Report = lambda done, total: None
) -> list[Draft]:
    """Ask the model for all drafts; those that pass the gate are kept as its proposals. Raises ProviderError.

    What was written stays in the ledger until all drafts are there, so that asking again goes on.
    """
    gate = await asyncio.to_thread(Gate, workspace)
    one_at_a_time, drafts = asyncio.Lock(), list[Draft]()
    with (
        Proposing(workspace, one_line(model, MAX_AUTHOR)) as proposing,
        Ledger.for_path(workspace.path) as ledger,
    ):
        texts = KeptTexts(ledger, client.provider.name, model)

        async def write(number: int) -> None:
            question, answer = await client.pace.ask(partial(_ask, plan, number, client, texts))
            async with one_at_a_time:  # each is compared with those before it
                drafts.append(await asyncio.to_thread(_keep, plan, number, question, answer, gate, proposing))
            report(len(drafts), plan.count)

        try:
            async with asyncio.TaskGroup() as group:
                for number in range(plan.count):
                    group.create_task(write(number))
        except ExceptionGroup as many:
            raise many.exceptions[0] from None  # the first error has cancelled the other requests
        texts.forget()
    return drafts


async def _ask(plan: DraftPlan, number: int, client: Client, texts: KeptTexts, total: float) -> tuple[str, str]:
    """The question and the answer of a draft; either may take `total` seconds."""
    at = plan.seed_at(number)
    options = {"temperature": _TEMPERATURE, "max_completion_tokens": _LONGEST}
    question = cleaned(await texts.ask(client, plan.request(number), number, total, **options))
    if plan.style.keeps_answer(plan.seeds[at]) or not question:
        return question, plan.seeds[at].answer
    request = answer_request(question, plan.nearest[at])
    return question, (await texts.ask(client, request, number, total, max_completion_tokens=_LONGEST)).strip()


def _keep(plan: DraftPlan, number: int, question: str, answer: str, gate: Gate, proposing: Proposing) -> Draft:
    """Let a draft through the gate, or say why not."""
    if not question.strip() or not answer.strip():
        return Draft(question, answer, None, "it wrote nothing")
    at = plan.seed_at(number)
    example = made_example(question, answer, plan.nearest[at])
    return Draft(question, answer, *propose_new(gate, proposing, example, plan.seeds[at].why))

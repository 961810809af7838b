"""What the Compare stage shows: prompts held out from a run, and what base and tuned model answered."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curator.core.answers.contract import Contract, propose
from curator.core.duplicates.texts import prompt_and_answer
from curator.core.text import one_line
from curator.errors import ProviderError, UsageError

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.jobs.runs.evaluation import Evaluation
    from curator.workspace.workspace import Workspace

Report = Callable[[str, int, int], None]
NAMES = ("contract", "exact_match", "token_f1")
"""What is scored here; `curator evaluate` has more."""
_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class Question:
    """What to compare: two models of one provider on the prompts of a file, a workspace's side, or a run."""

    provider: str
    base: str
    tuned: str
    where: Path
    """A dataset file or the workspace folder."""
    title: str
    """Where the prompts come from, in words."""
    round: int


def questions(ledger: Ledger, workspace: Workspace) -> list[Question]:
    """One for each run with a tuned model, newest first, then its earlier checkpoints.

    At Azure a model answers under the name of its deployment.
    """
    runs = ledger.runs()
    deployed = {(item.origin, item.model): item.name for item in ledger.deployments()}
    found = []
    for at, run in enumerate(runs):
        if not run.fine_tuned_model:
            continue
        where, title = _held_out(run, ledger, workspace)
        number = len(runs) - at
        models = [run.fine_tuned_model]
        models += [c.model for c in reversed(ledger.checkpoints(run.run)) if c.model and c.model not in models]
        names = [deployed.get((run.origin, model), model) for model in models]
        found += [Question(run.provider, run.model, name, where, title, number) for name in names]
    return found


def _held_out(run: Run, ledger: Ledger, workspace: Workspace) -> tuple[Path, str]:
    frozen = ledger.datasets / f"{run.validation_sha256}.jsonl"
    if run.validation_sha256 and frozen.is_file():
        return frozen, "held out from this training"
    return workspace.path, "validation side of this workspace"


def contract_of(workspace: Workspace) -> Contract | None:
    """The answer contract that was set, else the one that the workspace's answers suggest."""
    stored = workspace.meta("contract")
    if isinstance(stored, dict):
        return Contract.from_json(stored)
    records = workspace.records(workspace.ids()[:_LOOKED_AT])
    answers = (prompt_and_answer(record.example.value)[1] for record in records)
    proposal = propose(answer for answer in answers if answer)
    return proposal.contract if proposal else None


async def ask(
    question: Question,
    ledger: Ledger,
    workspace: Workspace,
    report: Report,
    *,
    anew: bool = False,
    waiting: Callable[[ProviderError, float], None] = lambda fault, seconds: None,
) -> Evaluation:
    """Both models' answers, scored; stored answers are used unless `anew`, and then nobody is asked.

    `waiting` is told before each pause in which a new model is waited for.
    Raises CuratorError in words.
    """
    dataset = await asyncio.to_thread(importlib.import_module, "curator.jobs.planning.training_data")
    evaluation = await asyncio.to_thread(importlib.import_module, "curator.jobs.runs.evaluation")
    data = await asyncio.to_thread(lambda: dataset.held_out(dataset.read(question.where)))
    asked, _ = evaluation.prompts(data)
    if not asked:
        raise UsageError("There is no held-out prompt to ask: split the data (S), or choose a file (o).")
    key = evaluation.prompts_key(asked)
    contract = await asyncio.to_thread(contract_of, workspace)
    models = [question.base, question.tuned]
    reuse = [question.base] if anew else models
    options = {"names": NAMES, "contract": contract, "reuse": reuse, "report": report}
    if all(model in reuse and ledger.evaluation(key, model) for model in models):
        stored: Evaluation = await evaluation.evaluate(asked, models, None, ledger, **options)
        return stored
    from curator.jobs import providers
    from curator.jobs.connections.connect import connect

    async with await connect(providers.get(question.provider)) as client:
        client.waiting = waiting
        made: Evaluation = await evaluation.evaluate(asked, models, client, ledger, **options)
        return made


def scores_table(result: Evaluation) -> list[str]:
    """The scores as aligned lines: one a model, the intervals behind each value."""
    names = list(result.models[0].scores)
    titles = {"contract": "in the form", "exact_match": "exact", "token_f1": "token F1"}
    width = max(len(short(scored.model)) for scored in result.models) + 2
    lines = [" " * width + "".join(f"{titles.get(name, name):<16}" for name in names)]
    for scored in result.models:
        cells = [scored.scores[name] for name in names]
        shown = "".join(f"{f'{c.value:.0%} ({100 * c.low:.0f}–{100 * c.high:.0f})':<16}" for c in cells)
        lines.append(f"{short(scored.model):<{width}}{shown}".rstrip())
    return lines


def short(model: str) -> str:
    """A model's name without the parts that all tuned models share."""
    parts = model.split(":")
    if parts[0] == "ft" and len(parts) > 3:
        return one_line(":".join(filter(None, ["ft", *parts[3:]])), 40)
    return one_line(model, 40)

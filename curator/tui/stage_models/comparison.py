"""Which models the Compare stage can compare, their answers to held-out prompts, and the table of scores."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from curator.core.text import one_line
from curator.errors import ProviderError, UsageError

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.jobs.planning.training_data import TrainingExamples
    from curator.jobs.runs.evaluation import Evaluation
    from curator.workspace.workspace import Workspace

ReportAnswers = Callable[[str, int, int], None]
"""Called with a model, its number of answers so far, and the number of prompts."""
SCORES = ("contract", "exact_match", "token_f1")
"""The metrics of this stage; `curator evaluate` offers more."""


@dataclass(frozen=True, slots=True)
class ModelComparison:
    """Two models of one provider, and the prompts to compare them on."""

    provider: str
    base: str
    tuned: str
    where: Path
    """Where the prompts are: a dataset file, or the workspace folder for its validation side."""
    title: str
    """The same in words."""
    round: int
    """The number of the training run, 1 for the first."""


def possible_comparisons(ledger: Ledger, workspace: Workspace) -> list[ModelComparison]:
    """For each run with a tuned model, newest first: that model, then the models of its earlier checkpoints.

    Models deployed at Azure are named by their deployment, under which they answer.
    """
    runs = ledger.runs()
    deployed = {(item.origin, item.model): item.name for item in ledger.deployments()}
    comparisons = []
    for at, run in enumerate(runs):
        if not run.fine_tuned_model:
            continue
        where, title = _held_out_prompts(run, ledger, workspace)
        number = len(runs) - at
        models = [run.fine_tuned_model]
        models += [c.model for c in reversed(ledger.checkpoints(run.run)) if c.model and c.model not in models]
        names = [deployed.get((run.origin, model), model) for model in models]
        comparisons += [ModelComparison(run.provider, run.model, name, where, title, number) for name in names]
    return comparisons


def _held_out_prompts(run: Run, ledger: Ledger, workspace: Workspace) -> tuple[Path, str]:
    frozen = ledger.datasets / f"{run.validation_sha256}.jsonl"
    if run.validation_sha256 and frozen.is_file():
        return frozen, "held out from this training"
    return workspace.path, "validation side of this workspace"


async def compare(
    comparison: ModelComparison,
    ledger: Ledger,
    workspace: Workspace,
    report: ReportAnswers,
    *,
    anew: bool = False,
    waiting: Callable[[ProviderError, float], None] = lambda fault, seconds: None,
) -> Evaluation:
    """Score both models' answers. Stored answers are reused; with `anew` the tuned model is asked again.

    Connects to the provider only where answers are missing. `waiting(fault, seconds)` is called before each pause
    until a newly trained model is ready. Raises CuratorError.
    """
    evaluation = await asyncio.to_thread(importlib.import_module, "curator.jobs.runs.evaluation")
    data, rejected = await asyncio.to_thread(_read_held_out, comparison.where, workspace)
    prompts, _ = evaluation.make_prompts(data)
    if not prompts:
        raise UsageError("There is no held-out prompt to ask: split the data (S), or choose a file (o).")
    forms = await asyncio.to_thread(importlib.import_module, "curator.jobs.planning.answer_form")
    raws = (raw for _, raw in workspace.stored.raws(workspace.ids()[: forms.SAMPLE]))
    form = await asyncio.to_thread(forms.find_form, workspace.path, raws)
    models = [comparison.base, comparison.tuned]
    reuse = [comparison.base] if anew else models
    options = {"names": SCORES, "form": form, "reuse": reuse, "report": report}
    if not anew and not evaluation.count_unanswered(prompts, models, ledger):
        stored: Evaluation = await evaluation.evaluate(prompts, models, None, ledger, **options)
        return replace(stored, rejected=rejected)
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect

    async with await connect(providers.get(comparison.provider)) as client:
        client.waiting = waiting
        scored: Evaluation = await evaluation.evaluate(prompts, models, client, ledger, **options)
        return replace(scored, rejected=rejected)


def _read_held_out(where: Path, workspace: Workspace) -> tuple[TrainingExamples, int]:
    """The held-out examples to ask, and how many are not, since they were rejected in review, then or later."""
    from curator.jobs.planning import training_data  # heavy

    held_out = training_data.held_out(training_data.read(where))
    refused = {record.raw for record in workspace.records(workspace.view("review:rejected").ids)}
    accepted = held_out.without_rejected()
    to_ask = accepted.only([at for at, raw in enumerate(accepted.raws) if raw not in refused])
    return to_ask, len(held_out.raws) - len(to_ask.raws)


def scores_table(result: Evaluation) -> list[str]:
    """The scores as aligned lines, one a model; each value is followed by its confidence interval."""
    names = list(result.models[0].scores)
    titles = {"contract": "in the form", "exact_match": "exact", "token_f1": "token F1"}
    width = max(len(short_name(scored.model)) for scored in result.models) + 2
    lines = [" " * width + "".join(f"{titles.get(name, name):<16}" for name in names)]
    for scored in result.models:
        cells = [scored.scores[name] for name in names]
        row = "".join(f"{f'{c.value:.0%} ({100 * c.low:.0f}–{100 * c.high:.0f})':<16}" for c in cells)
        lines.append(f"{short_name(scored.model):<{width}}{row}".rstrip())
    if "contract" in names:
        lines.append(one_line(f"the form: {result.contract_words}", 110))
    return [*lines, *filter(None, [result.left_out_words])]


def short_name(model: str) -> str:
    """A model's name without the parts that all tuned models of an account share."""
    parts = model.split(":")
    if parts[0] == "ft" and len(parts) > 3:
        return one_line(":".join(filter(None, ["ft", *parts[3:]])), 40)
    return one_line(model, 40)

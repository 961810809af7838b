"""How long a training on this machine will take, by the steps of an earlier one of the same model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from curator.jobs.http import provider_records as records

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.jobs.planning.plan import TrainingPlan

LEAST_SECONDS = 5
"""Events tell whole seconds: a training whose steps took less tells nothing."""


def seconds_for(tokens: int, provider: str, model: str, ledger: Ledger) -> float | None:
    """Seconds for training so many tokens, all epochs together; None where no earlier training tells its pace."""
    for run in ledger.runs():
        if run.provider == provider and run.model == model and run.trained_tokens:
            pace = tokens_a_second(run, ledger)
            if pace:
                return tokens / pace
    return None


def seconds_of_plan(plan: TrainingPlan, ledger: Ledger) -> float | None:
    """How long a planned training takes, where it runs on this machine and an earlier one tells the pace."""
    if plan.provider.kind != "local" or not plan.epochs:
        return None
    return seconds_for(plan.training.tokens * plan.epochs, plan.provider.name, plan.model, ledger)


def tokens_a_second(run: Run, ledger: Ledger) -> float | None:
    """The pace of a finished training between its first step and its last; None where that cannot be told."""
    points = [
        (step, event.created_at, total)
        for event in ledger.events(run.run)
        if (step := records.integer(event.data.get("step"))) is not None
        and (total := records.integer(event.data.get("total_steps")))
    ]
    if len(points) < 2 or not run.trained_tokens:
        return None
    (first, began, _), (last, ended, total) = points[0], points[-1]
    if last <= first or ended - began < LEAST_SECONDS:
        return None
    return run.trained_tokens * (last - first) / total / (ended - began)

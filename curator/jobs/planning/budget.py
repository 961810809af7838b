"""Reasons not to submit, or to think first: budget and retirement, in sentences that every front shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from curator.core.cost import money
from curator.core.models import ModelInfo
from curator.jobs.ledger.ledger import Run
from curator.jobs.providers import Provider

SOON = timedelta(days=90)
"""A model that is switched off within this time is warned of."""


def over_budget(usd: float | None, budget: float | None, provider: Provider, model: str) -> str | None:
    """Why a job is over budget, or None. A price that is not known cannot be held to a budget."""
    if budget is None or provider.kind == "local":
        return None
    if usd is None:
        if provider.kind == "compatible":
            return None
        return f"The price of {model} is not known, so it cannot be held to the budget of ${money(budget)}."
    if usd > budget:
        return f"The estimate of ${money(usd)} is over the budget of ${money(budget)}; see --budget."
    return None


def over_project_budget(usd: float | None, spent: float, budget: float | None, provider: Provider) -> str | None:
    """Why a job is over what its project may cost, or None; `spent` is what the project's jobs cost so far."""
    if budget is None or not usd or spent + usd <= budget:
        return None
    return (
        f"With this job the project would have cost ${money(spent + usd)}, ${money(spent)} of it so far: over the "
        f"project_budget of ${money(budget)} in config.toml."
    )


def cost_of_runs(runs: Iterable[Run], fingerprint: str) -> float:
    """US$ that these runs cost by their estimates, cancelled ones in full; failed ones are free.

    The run of `fingerprint` that is under way is left out: the same again attaches to it and costs nothing more.
    """
    return sum(
        run.usd_estimate or 0.0
        for run in runs
        if (run.job_id or run.status == "unclear")
        and run.status not in ("failed", "lost")
        and (run.closed or run.fingerprint != fingerprint)
    )


def retirement(info: ModelInfo, listed: str | None, today: date) -> tuple[str | None, str | None]:
    """(why the model cannot be trained any more, what to know before paying for it); each a sentence or None.

    `listed` is the `shutdown_date` that the provider itself shows for the model; the earlier day counts.
    """
    shutdown = min(filter(None, (info.shutdown, day(listed))), default=None)
    instead = f" {info.replacement} is named as its replacement." if info.replacement else ""
    if shutdown and today >= shutdown:
        return f"{info.name} was switched off on {shutdown}.{instead}", None
    if info.training_ends and today >= info.training_ends:
        return f"{info.name} takes no new jobs since {info.training_ends}.{instead}", None
    if shutdown and today + SOON >= shutdown:
        return None, f"{info.name} and what is tuned from it will be switched off on {shutdown}.{instead}"
    return None, None


def day(text: str | None) -> date | None:
    """A date as services write it, YYYY-MM-DD; None for anything else."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None

"""Budget and retirement: reasons against a job, and notices, as sentences for the command line and the UI."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from curator.core.cost import money
from curator.core.models import ModelInfo
from curator.jobs.ledger.ledger import Run
from curator.jobs.providers import Provider

SOON = timedelta(days=90)
"""A notice is shown for a model that is switched off within this time."""


def over_budget(usd: float | None, budget: float | None, provider: Provider, model: str) -> str | None:
    """Why a job of `usd` (None: unknown price) exceeds the budget or cannot be compared with it, as a sentence;
    None: it fits."""
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
    """Why a job exceeds the project's budget, or None. `spent`: US$ that the project's jobs cost so far."""
    if budget is None or not usd or spent + usd <= budget:
        return None
    return (
        f"With this job the project would have cost ${money(spent + usd)}, ${money(spent)} of it so far: over the "
        f"project_budget of ${money(budget)} in config.toml."
    )


def cost_of_runs(runs: Iterable[Run], fingerprint: str) -> float:
    """US$ that these runs cost by their estimates: cancelled ones in full, failed ones nothing.

    An open run of `fingerprint` is not counted: submitting the same plan attaches to it and costs nothing more.
    """
    return sum(
        run.usd_estimate or 0.0
        for run in runs
        if (run.job_id or run.status == "unclear")
        and run.status not in ("failed", "lost")
        and (run.closed or run.fingerprint != fingerprint)
    )


def retirement(info: ModelInfo, listed: str | None, today: date) -> tuple[str | None, str | None]:
    """(why the model can no longer be trained, a notice that it ends soon); each is a sentence or None.

    `listed` is the `shutdown_date` in the provider's model list; the earlier of it and the model table counts.
    """
    shutdown = min(filter(None, (info.shutdown, parse_day(listed))), default=None)
    instead = f" {info.replacement} is named as its replacement." if info.replacement else ""
    if shutdown and today >= shutdown:
        return f"{info.name} was switched off on {shutdown}.{instead}", None
    if info.training_ends and today >= info.training_ends:
        return f"{info.name} takes no new jobs since {info.training_ends}.{instead}", None
    if shutdown and today + SOON >= shutdown:
        return None, f"{info.name} and what is tuned from it will be switched off on {shutdown}.{instead}"
    return None, None


def parse_day(text: str | None) -> date | None:
    """The date of a text YYYY-MM-DD; None for any other text."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None

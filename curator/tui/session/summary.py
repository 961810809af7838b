"""What the status line tells, worked out from the workspace's counts and the provider's prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.core import cost
from curator.core.text import one_line

if TYPE_CHECKING:
    from curator.core.models import ModelInfo
    from curator.jobs.providers import Provider
    from curator.workspace.records import Counts


@dataclass(frozen=True, slots=True)
class Summary:
    """The dataset in one line. Counts are of examples, tokens of one epoch."""

    examples: int
    shown: int
    """How many the current view lists."""
    analysed: int
    errors: int
    warnings: int
    tokens: int | None
    """None while nothing is counted."""
    cost: str
    """Dollars of a training run with default epochs, in words."""
    train: int
    validation: int
    provider: str

    @property
    def share(self) -> float:
        """The analysed part, 0 to 1."""
        return self.analysed / self.examples if self.examples else 1.0


def summarise(
    counts: Counts, shown: int, model: str, provider: Provider, info: ModelInfo | None, extra_tokens: int = 0
) -> Summary:
    """Counts and prices as the status line shows them. `info` is the table's entry for `model`, if any."""
    trained = counts.train or counts.examples
    share = trained / counts.examples if counts.examples else 1.0
    tokens = None if counts.tokens is None else counts.tokens + extra_tokens
    priced = info.on(provider.kind) if info else None
    estimate = cost.of_tokens(int((tokens or 0) * share), cost.default_epochs(trained), priced, model)
    return Summary(
        examples=counts.examples,
        shown=shown,
        analysed=counts.analysed,
        errors=counts.errors,
        warnings=counts.warnings,
        tokens=tokens,
        cost="$ …" if tokens is None and provider.kind != "local" else money(estimate.usd, provider.kind),
        train=counts.train,
        validation=counts.validation,
        provider=f"{provider.name}: {model}" if model else provider.name,
    )


def pieces(summary: Summary, brief: bool) -> list[tuple[str, str]]:
    """The parts of the status line as (text, style); first the counts, which need no provider."""
    shown = "" if summary.shown == summary.examples else f"{summary.shown:,} of "
    unit = "tok" if brief else "tokens"
    checked = summary.analysed >= summary.examples
    split = (
        f"{summary.train:,}+{summary.validation:,}"
        if brief
        else (f"train {summary.train:,}, validation {summary.validation:,}")
    )
    return [
        (f"{shown}{summary.examples:,} {'ex' if brief and shown else 'examples'}", "$foreground"),
        (f"{summary.errors:,} E", "$mark-error bold" if summary.errors else "$mark-ok"),
        (f"{summary.warnings:,} W", "$mark-warning bold" if summary.warnings else "$mark-ok"),
        (
            _tokens(summary.tokens if summary.examples else 0, unit)
            if checked
            else f"checking {summary.share:.0%}",
            "$foreground",
        ),
        (summary.cost, "$foreground"),
        (split if summary.validation else "no split", "$foreground"),
        (one_line(summary.provider if not brief else summary.provider.partition(":")[0], 48), "$accent"),
    ]


BRIEF = 100
"""Below how many cells the status line says less."""
COUNTS = 4
"""How many of the pieces are counts."""


def _tokens(count: int | None, unit: str) -> str:
    return f"counting {unit}" if count is None else f"{count:,} {unit}"


def money(usd: float | None, kind: str) -> str:
    """`$1.23`, `no charge` where training is on this machine, `price unknown` where it is."""
    if kind == "local":
        return "no charge"
    if usd is None:
        return "price unknown"
    return f"≈ ${usd:,.2f}" if usd >= 0.01 or usd == 0 else "< $0.01"

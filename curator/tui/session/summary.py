"""The numbers of the status line, from the workspace's counts and the provider's prices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from curator.core import cost
from curator.core.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from curator.core.models import ModelInfo
    from curator.jobs.providers import Provider
    from curator.workspace.records import Counts


@dataclass(frozen=True, slots=True)
class Summary:
    """The dataset in numbers: counts of examples, tokens of one epoch."""

    examples: int
    shown: int
    """How many examples the current view lists."""
    analysed: int
    errors: int
    warnings: int
    tokens: int | None
    """None while nothing has been counted."""
    cost: str
    """Estimated price of training with the default number of epochs, in words, e.g. `≈ $1.23`."""
    train: int
    validation: int
    test: int
    provider: str
    refusals: tuple[str, ...] = ()
    """Why no training takes the dataset as it is, whatever its examples say."""

    @property
    def share(self) -> float:
        """The analysed part, 0 to 1."""
        return self.analysed / self.examples if self.examples else 1.0


def summarise(
    counts: Counts,
    view_size: int,
    model: str,
    provider: Provider,
    info: ModelInfo | None,
    extra_tokens: int = 0,
    refusals: Sequence[str] = (),
) -> Summary:
    """The summary of a workspace.

    `view_size` is how many examples the view lists, `info` the model's row in the price table (None: not in it),
    `extra_tokens` how many more tokens an unsaved draft has, `refusals` why no training takes the dataset.
    """
    trained = counts.train or counts.examples
    share = trained / counts.examples if counts.examples else 1.0
    tokens = None if counts.tokens is None else counts.tokens + extra_tokens
    priced = info.on(provider.kind) if info else None
    estimate = cost.cost_of_tokens(int((tokens or 0) * share), cost.default_epochs(trained), priced, model)
    return Summary(
        examples=counts.examples,
        shown=view_size,
        analysed=counts.analysed,
        errors=counts.errors,
        warnings=counts.warnings,
        tokens=tokens,
        cost="$ …" if tokens is None and provider.kind != "local" else money(estimate.usd, provider.kind),
        train=counts.train,
        validation=counts.validation,
        test=counts.test,
        provider=f"{provider.name}: {model}" if model else provider.name,
        refusals=tuple(refusals),
    )


def pieces(summary: Summary, brief: bool) -> list[tuple[str, str]]:
    """The parts of the status line as (text, style) pairs, the first `COUNTS` of them need no provider.

    `brief` shortens the words for a narrow terminal.
    """
    part_of = "" if summary.shown == summary.examples else f"{summary.shown:,} of "
    unit = "tok" if brief else "tokens"
    checked = summary.analysed >= summary.examples
    sides = {"train": summary.train, "validation": summary.validation} | (
        {"test": summary.test} if summary.test else {}
    )
    split = "+".join(f"{n:,}" for n in sides.values())
    if not brief:
        split = ", ".join(f"{side} {n:,}" for side, n in sides.items())
    whole = [("file: E", "$mark-error bold")] if summary.refusals and checked else []
    return [
        (f"{part_of}{summary.examples:,} {'ex' if brief and part_of else 'examples'}", "$foreground"),
        (f"{summary.errors:,} E", "$mark-error bold" if summary.errors else "$mark-ok"),
        (f"{summary.warnings:,} W", "$mark-warning bold" if summary.warnings else "$mark-ok"),
        *whole,
        (
            _tokens(summary.tokens if summary.examples else 0, unit)
            if checked
            else f"checking {summary.share:.0%}",
            "$foreground",
        ),
        (summary.cost, "$foreground"),
        (split if summary.validation or summary.test else "no split", "$foreground"),
        (one_line(summary.provider if not brief else summary.provider.partition(":")[0], 48), "$accent"),
    ]


BRIEF = 100
"""Narrower than this, in cells, the status line uses shorter words."""
COUNTS = 4
"""How many of the first `pieces` are counts."""


def _tokens(count: int | None, unit: str) -> str:
    return f"counting {unit}" if count is None else f"{count:,} {unit}"


def money(usd: float | None, kind: str) -> str:
    """A price in words: `≈ $1.23`, `no charge` for this machine, `price unknown` where `usd` is None."""
    if kind == "local":
        return "no charge"
    if usd is None:
        return "price unknown"
    return f"≈ ${usd:,.2f}" if usd >= 0.01 or usd == 0 else "< $0.01"

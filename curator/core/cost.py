"""What a training run bills: tokens × epochs, and dollars where the price is known (never a guess)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from curator.core.models import ModelInfo

TARGET_EPOCHS = 3
MIN_EXAMPLES, MAX_EXAMPLES = 100, 25_000
MAX_EPOCHS = 25


@dataclass(frozen=True, slots=True)
class Cost:
    """An estimate for the training file alone: validation tokens are free (OpenAI's pricing page)."""

    model: str
    epochs: int
    tokens_per_epoch: int
    """Σ min(training context, tokens of the example), all tokens, not the assistant's alone."""
    billed_tokens: int
    usd: float | None
    """None where the price is unknown or not per token (reinforcement: per hour)."""
    priced_on: date | None
    """The day the price was read; None where there is none."""

    def as_dict(self) -> dict[str, object]:
        """As the contract's `cost` object."""
        return {
            "model": self.model,
            "epochs": self.epochs,
            "tokens_per_epoch": self.tokens_per_epoch,
            "billed_tokens": self.billed_tokens,
            "usd": self.usd,
            "priced_on": self.priced_on.isoformat() if self.priced_on else None,
        }


def money(usd: float) -> str:
    """US dollars without a sign: two decimals, below a cent as many as show two digits (0.00034)."""
    if usd == 0 or abs(usd) >= 0.01:
        return f"{usd:,.2f}"
    return f"{usd:.{1 - math.floor(math.log10(abs(usd)))}f}"


def default_epochs(examples: int) -> int:
    """Epochs the well-known notebook assumes for a file of so many examples (OpenAI Cookbook, data preparation).

    Three, more for fewer than 34 examples (25 at most), fewer for more than 8,333; the service's own `auto`
    may differ. 0 examples count as 1.
    """
    count = max(1, examples)
    if count * TARGET_EPOCHS < MIN_EXAMPLES:
        return min(MAX_EPOCHS, MIN_EXAMPLES // count)
    if count * TARGET_EPOCHS > MAX_EXAMPLES:
        return max(1, MAX_EXAMPLES // count)
    return TARGET_EPOCHS


def estimate(
    token_counts: Iterable[int],
    model: ModelInfo | None,
    epochs: int | None = None,
    *,
    name: str = "",
    limit: int | None = None,
) -> Cost:
    """The cost of training on examples of so many tokens each.

    `model` is the table's entry as the provider offers it (`ModelInfo.on`), None for an unknown model, then
    `name` is what to call it; `limit` overrides its training context; `epochs` defaults to `default_epochs`.
    """
    counts = list(token_counts)
    cap = limit if limit is not None else model.context if model else None
    per_epoch = sum(counts) if cap is None else sum(min(cap, count) for count in counts)
    return of_tokens(per_epoch, epochs if epochs is not None else default_epochs(len(counts)), model, name)


def of_tokens(tokens_per_epoch: int, epochs: int, model: ModelInfo | None, name: str = "") -> Cost:
    """As `estimate`, from a sum that is already known (`Σ min(training context, tokens)`)."""
    billed = tokens_per_epoch * epochs
    price = model.training if model else None
    return Cost(
        model=name or (model.name if model else ""),
        epochs=epochs,
        tokens_per_epoch=tokens_per_epoch,
        billed_tokens=billed,
        usd=None if price is None else round(billed * price / 1_000_000, 6),
        priced_on=model.priced_on if model and price is not None else None,
    )


def hosting_per_day(model: ModelInfo | None) -> float | None:
    """Dollars a day that a deployed tuned model costs, used or not; None where unknown."""
    return None if model is None or model.hosting_hour is None else model.hosting_hour * 24

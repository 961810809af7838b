"""What a training run is billed for: tokens × epochs, and dollars if the price is known (docs/openai.md §5.4)."""

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
    """The estimated cost of the training file; validation tokens are free (docs/openai.md §5.4)."""

    model: str
    epochs: int
    tokens_per_epoch: int
    """Σ min(training context, tokens of the example) over all examples; all tokens, not only the assistant's."""
    billed_tokens: int
    usd: float | None
    """None where the price is unknown or not per token (reinforcement is billed by the hour)."""
    priced_on: date | None
    """The day on which the price was read; None without a price."""

    def as_dict(self) -> dict[str, object]:
        """The `cost` object of the JSON output."""
        return {
            "model": self.model,
            "epochs": self.epochs,
            "tokens_per_epoch": self.tokens_per_epoch,
            "billed_tokens": self.billed_tokens,
            "usd": self.usd,
            "priced_on": self.priced_on.isoformat() if self.priced_on else None,
        }


def money(usd: float) -> str:
    """US dollars as text without a dollar sign: two decimals, or two significant digits below a cent (0.00034)."""
    if usd == 0 or abs(usd) >= 0.01:
        return f"{usd:,.2f}"
    return f"{usd:.{1 - math.floor(math.log10(abs(usd)))}f}"


def default_epochs(examples: int) -> int:
    """The epochs that OpenAI's notebook assumes for a number of examples (docs/openai.md §5.4).

    Three; more for fewer than 34 examples (at most 25), fewer for more than 8,333. The service's own `auto`
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
    """The cost of training on examples with these token counts.

    `model` is the entry of the model table for the provider (`ModelInfo.on`), or None for an unknown model,
    which is then called `name`. `limit` overrides the training context; `epochs` defaults to `default_epochs`.
    """
    counts = list(token_counts)
    cap = limit if limit is not None else model.context if model else None
    per_epoch = sum(counts) if cap is None else sum(min(cap, count) for count in counts)
    return cost_of_tokens(per_epoch, epochs if epochs is not None else default_epochs(len(counts)), model, name)


def cost_of_tokens(tokens_per_epoch: int, epochs: int, model: ModelInfo | None, name: str = "") -> Cost:
    """The cost from the tokens per epoch (`Σ min(training context, tokens)`)."""
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

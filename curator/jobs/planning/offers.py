"""The models that a provider can train: its own list, merged with the model table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from curator import pricing
from curator.core.models import ModelInfo, base_name, find
from curator.jobs.http import provider_records as records
from curator.jobs.http.client import Client
from curator.jobs.planning import budget


@dataclass(frozen=True)
class ModelOffer:
    """One model. `methods`: the fine-tuning methods that it takes; empty: none; None: unknown."""

    name: str
    tuned: bool
    methods: tuple[str, ...] | None
    context: int | None
    """Longest example, in tokens, that training does not cut."""
    training: float | None
    """US$ per million trained tokens; None: unknown."""
    priced_on: date | None
    shutdown: str | None
    """The day on which it is switched off (YYYY-MM-DD)."""
    note: str
    """Why it can no longer be trained, or what ends soon; may be empty."""

    def to_json(self) -> dict[str, Any]:
        """The object of `providers models --json`."""
        dated = self.priced_on.isoformat() if self.priced_on else None
        return {**vars(self), "priced_on": dated}

    def words(self) -> str:
        """Everything but the name, on one line of text."""
        parts = [self._training()]
        if self.methods:
            parts.append(f"up to {self.context:,} tokens" if self.context else "length unknown")
            parts.append(self._price())
        if self.shutdown:
            parts.append(f"off on {self.shutdown}")
        return " · ".join(filter(None, parts))

    def _training(self) -> str:
        if self.tuned:
            return "tuned model"
        if self.methods is None:
            return "training unknown"
        return " and ".join(self.methods) if self.methods else "cannot be trained"

    def _price(self) -> str:
        if self.training is None:
            return "price unknown"
        if self.training == 0:
            return "free"
        return f"$ {self.training:,.2f} a million tokens" + (f" ({self.priced_on})" if self.priced_on else "")


async def list_offers(client: Client, today: date | None = None) -> list[ModelOffer]:
    """A provider's models: first those that can be trained, then tuned ones, then others. Raises ProviderError."""
    kind, table = client.provider.kind, pricing.table()
    listed = []
    for model in await client.models():
        info = find(model.id, table)
        listed.append(_offer(model, info.on(kind) if info else None, kind, today or date.today()))
    return sorted(listed, key=lambda offer: (not offer.methods, not offer.tuned, offer.name))


def _offer(model: records.ProviderModel, info: ModelInfo | None, kind: str, today: date) -> ModelOffer:
    """One listed model, merged with its entry in the model table."""
    ended, ending = budget.retirement(info or ModelInfo(model.id), model.shutdown_date, today)
    off = min(filter(None, (budget.parse_day(model.shutdown_date), info.shutdown if info else None)), default=None)
    tuned = base_name(model.id) != model.id and (info is None or model.id not in info.aliases)
    return ModelOffer(
        name=model.id,
        tuned=tuned,
        methods=() if tuned or ended else _methods(model, info, kind),
        context=info.context if info else None,
        training=info.training if info else None,
        priced_on=info.priced_on if info else None,
        shutdown=off.isoformat() if off else None,
        note=ended or ending or "",
    )


def _methods(model: records.ProviderModel, info: ModelInfo | None, kind: str) -> tuple[str, ...] | None:
    """The methods by which a model can be fine-tuned; None: unknown."""
    if kind == "local":
        return ("supervised", "dpo")  # the local server trains every base model that it lists, both ways
    if model.trainable is False:
        return ()
    if info is not None and kind in info.providers:
        return info.methods
    return ("supervised",) if model.trainable else None

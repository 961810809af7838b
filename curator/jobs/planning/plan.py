"""A training plan: what is known before a job is submitted, as the dialog and `curator train` show it."""

from __future__ import annotations

import hashlib
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from curator.jobs.ledger.ledger import Run, new_id
from curator.jobs.planning.warning_words import by_rule
from curator.jobs.providers import Provider


@dataclass(frozen=True)
class FrozenDataset:
    """A dataset file that never changes. It is named by the sha256 of its bytes; `size` is in bytes."""

    path: Path
    sha256: str
    size: int
    examples: int
    tokens: int = 0


@dataclass(frozen=True)
class Params:
    """Hyperparameters; None: the provider chooses."""

    epochs: int | None = None
    batch_size: int | None = None
    learning_rate_multiplier: float | None = None
    beta: float | None = None
    """For the method dpo only."""
    seed: int | None = None
    suffix: str | None = None
    lora_rank: int | None = None
    """This and the following ones are taken by the local server only."""
    lora_alpha: float | None = None
    lora_targets: str | None = None
    lora_dropout: float | None = None
    schedule: str | None = None
    packing: bool | None = None
    early_stopping: int | None = None
    """Epochs without a lower validation loss after which training stops."""
    best_checkpoint: bool | None = None
    """Whether the model is the checkpoint of the lowest validation loss."""

    def stored(self) -> dict[str, Any]:
        """The values as the ledger and the fingerprint have them; settings of the local server only if given, so
        that runs of before they existed keep their fingerprint."""
        return {
            name: value for name, value in asdict(self).items() if value is not None or name not in LOCAL_SETTINGS
        }


LOCAL_SETTINGS = (
    "lora_rank", "lora_alpha", "lora_targets", "lora_dropout", "schedule", "packing", "early_stopping",
    "best_checkpoint",
)  # fmt: skip
"""The hyperparameters that only the local server has; they have the same names there."""


@dataclass(frozen=True)
class TrainingPlan:
    """`blocking` and `notices` are sentences for the user; a plan with `blocking` ones cannot be submitted."""

    source: str
    provider: Provider
    model: str
    method: str
    training: FrozenDataset
    validation: FrozenDataset | None
    params: Params
    errors: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, int] = field(default_factory=dict)
    epochs: int | None = None
    """Passes over the data: as given, or the service's default (docs/openai.md §5.4)."""
    tokens_per_epoch: int | None = None
    billed_tokens: int | None = None
    usd: float | None = None
    """Estimated price; None where no price is known, 0 for the local server."""
    priced_on: str | None = None
    split_seed: int | None = None
    shutdown: str | None = None
    """The day on which the base model is switched off (YYYY-MM-DD)."""
    budget: float | None = None
    revision: int | None = None
    memory: int | None = None
    """About how many bytes of memory the training takes, where it runs on this machine."""
    missing_model: str | None = None
    """The base model, where it has to be fetched to this machine first."""
    leaking: tuple[int, ...] = ()
    """Lines or ids of training examples that are copies or near copies of held-out ones; they block it."""
    reviews: dict[str, int] = field(default_factory=dict)
    """How many examples were left out since they were rejected, and how many trained ones are flagged or stale."""
    blocking: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def warning_words(self) -> str:
        """How many warnings there are, and by which rules; "" for none."""
        count = sum(self.warnings.values())
        return f"{count:,} warning{'s' * (count != 1)}: {by_rule(self.warnings)}" if count else ""

    def told(self) -> dict[str, Any]:
        """What the dialog and the command say of the data, for `train --json` (docs/cli.md)."""
        return {"reviews": self.reviews, "warnings": self.warnings, "notices": list(self.notices)}

    @property
    def fingerprint(self) -> str:
        """A hash of data, model, parameters and provider. No job of the same fingerprint is paid for twice."""
        parts = [
            self.provider.origin,
            self.model,
            self.method,
            self.training.sha256,
            self.validation.sha256 if self.validation else None,
            self.params.stored(),
        ]
        return hashlib.sha256(orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)).hexdigest()

    def intent(self) -> Run:
        """A new run, to be stored before the first request."""
        return Run(
            run=new_id(),
            provider=self.provider.name,
            origin=self.provider.origin,
            model=self.model,
            status="intent",
            fingerprint=self.fingerprint,
            created_at=time.time(),
            dataset_sha256=self.training.sha256,
            validation_sha256=self.validation.sha256 if self.validation else None,
            examples=self.training.examples,
            method=self.method,
            params=self.params.stored(),
            source=self.source,
            revision=self.revision,
            epochs=self.epochs,
            usd_estimate=self.usd,
        )


def job_body(run: Run, training_type: str | None = None) -> dict[str, Any]:
    """The request that creates the job of `run` (docs/openai.md §6.3), carrying its id as `curator_intent`."""
    params = run.params
    names = {
        "n_epochs": "epochs",
        "batch_size": "batch_size",
        "learning_rate_multiplier": "learning_rate_multiplier",
    }
    if run.method == "dpo":
        names["beta"] = "beta"
    names |= {name: name for name in LOCAL_SETTINGS}
    hyper = {name: params[key] for name, key in names.items() if params.get(key) is not None}
    body: dict[str, Any] = {
        "model": run.model,
        "training_file": run.training_file,
        "method": {"type": run.method, run.method: {"hyperparameters": hyper} if hyper else {}},
        "metadata": {"curator_intent": run.run},
    }
    if run.validation_file:
        body["validation_file"] = run.validation_file
    for name in ("seed", "suffix"):
        if params.get(name) is not None:
            body[name] = params[name]
    if training_type:
        body["extra_body"] = {"trainingType": training_type}
    return body

"""Making a training plan: what can be known before a job is submitted, and the reasons against it."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import NamedTuple, cast

from curator import pricing, settings, tokens
from curator.basemodels import shelf
from curator.core import cost
from curator.core.models import ModelInfo, find
from curator.core.problem import Method, Profile
from curator.core.rules import Context
from curator.core.rules.families.file import MAX_FILE_BYTES
from curator.core.text import count_of
from curator.errors import InputError, ProviderError, UsageError
from curator.jobs import providers
from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning import budget, leaks, memory, reviews, training_data, warning_words
from curator.jobs.planning.own_rules import OwnFindings
from curator.jobs.planning.plan import LOCAL_SETTINGS, FrozenDataset, Params, TrainingPlan
from curator.jobs.providers import Provider

_SUFFIX = {"azure": re.compile(r"[A-Za-z0-9_-]{1,40}\Z")}
_ANY_SUFFIX = re.compile(r"[^\x00-\x1f]{1,64}\Z")


@dataclass(frozen=True)
class Wish:
    """What the user wants to train. None: as configured, or as the provider chooses."""

    provider: str | None = None
    model: str | None = None
    method: str = "supervised"
    validation: str | float | None = None
    """A file, a share below 1, or a count. None: the stored split of a workspace; for a file, no validation."""
    params: Params = Params()
    split_seed: int = 0
    budget: float | None = None
    leave_out_errors: bool = False
    """Leave out examples in which the rules find an error, instead of blocking the job."""


async def plan(path: Path | str, wish: Wish, ledger: Ledger) -> TrainingPlan:
    """Check, split, count and price the data of a job. Reads files in a thread; makes no request.

    Raises UsageError or InputError for options or files that cannot be used. All other reasons against the job are
    in `TrainingPlan.blocking`.
    """
    provider = providers.get(wish.provider)
    check_params(wish.params, wish.method, provider)
    return await asyncio.to_thread(_plan_within_project, Path(path), wish, provider, ledger)


async def recheck(plan: TrainingPlan, client: Client) -> TrainingPlan:
    """The plan, with retirement by the provider's own model list; `submit` calls this first."""
    if plan.provider.kind not in ("openai", "azure"):
        return plan
    try:
        listed = {item.id: item.shutdown_date for item in await client.models()}
    except ProviderError:
        return plan  # the access probe reports what is wrong
    info = find(plan.model, pricing.table())
    info = info.on(plan.provider.kind) if info else ModelInfo(plan.model)
    ended, ending = budget.retirement(info, listed.get(plan.model), date.today())
    return replace(
        plan,
        blocking=tuple(dict.fromkeys((*plan.blocking, *filter(None, (ended,))))),
        notices=tuple(dict.fromkeys((*plan.notices, *filter(None, (ending,))))),
    )


def check_params(params: Params, method: str, provider: Provider) -> None:
    """Hold hyperparameters to the ranges of docs/openai.md §6.3. Raises UsageError naming the option."""
    if method not in ("supervised", "dpo"):
        raise UsageError(f"--method is supervised or dpo, not {method}.")
    ranges = (
        ("--epochs", params.epochs, 1, 50),
        ("--batch-size", params.batch_size, 1, 256),
        ("--seed", params.seed, 0, 2**31 - 1),
    )
    for name, value, low, high in ranges:
        if value is not None and not low <= value <= high:
            raise UsageError(f"{name} is from {low} to {high}, not {value}.")
    rate = params.learning_rate_multiplier
    if rate is not None and not 0 < rate < float("inf"):
        raise UsageError("--learning-rate-multiplier is a number above 0.")
    if params.beta is not None and (method != "dpo" or not 0 < params.beta <= 2):
        raise UsageError("--beta is above 0 and 2 at most, and only for --method dpo.")
    _check_local_settings(params, provider)
    pattern = _SUFFIX.get(provider.kind, _ANY_SUFFIX)
    if params.suffix is not None and not pattern.match(params.suffix):
        limit = "40 of letters, digits, '_' and '-'" if provider.kind == "azure" else "64 characters"
        raise UsageError(f"--suffix is 1 to {limit} for {provider.name}.")


def _check_local_settings(params: Params, provider: Provider) -> None:
    given = [name for name in LOCAL_SETTINGS if getattr(params, name) is not None]
    if given and provider.kind != "local":
        option = given[0].replace("_", "-")
        raise UsageError(f"--{option} is a setting of local training; {provider.name} chooses it itself.")
    if params.lora_rank is not None and not 1 <= params.lora_rank <= 256:
        raise UsageError(f"--lora-rank is from 1 to 256, not {params.lora_rank}.")
    if params.lora_alpha is not None and not 0 < params.lora_alpha <= 1024:
        raise UsageError("--lora-alpha is above 0 and 1,024 at most.")
    if params.lora_dropout is not None and not 0 <= params.lora_dropout <= 0.9:
        raise UsageError(f"--lora-dropout is a share from 0 to 0.9, not {params.lora_dropout:g}.")
    if params.early_stopping is not None and not 1 <= params.early_stopping <= 50:
        raise UsageError(f"--early-stopping is from 1 to 50 epochs, not {params.early_stopping}.")


def _needs_validation(params: Params, validation: list[bytes] | None) -> str | None:
    """Why settings that look at validation losses block a plan without a validation side."""
    if validation or not (params.early_stopping or params.best_checkpoint):
        return None
    what = "Early stopping goes" if params.early_stopping else "The best checkpoint is chosen"
    return f"{what} by the validation loss: name a validation file or share."


def _plan_within_project(path: Path, wish: Wish, provider: Provider, ledger: Ledger) -> TrainingPlan:
    """The plan, blocked where it exceeds the project's budget; a project is a workspace, or one file."""
    plan = _plan(path, wish, provider, ledger)
    runs = ledger.runs() if path.is_dir() else [run for run in ledger.runs() if run.source == plan.source]
    spent = budget.cost_of_runs(runs, plan.fingerprint)
    expensive = budget.over_project_budget(plan.usd, spent, settings.load().project_budget, provider)
    return replace(plan, blocking=(*plan.blocking, expensive)) if expensive else plan


class _Target(NamedTuple):
    """What is trained: a model of the provider, and what its data is checked and counted by."""

    model: str
    info: ModelInfo | None
    """The model's entry in the model table; None for an unknown model."""
    counter: tokens.Counter
    context: Context


class _Data(NamedTuple):
    """The examples of a job, without those that a review or an error leaves out."""

    training: training_data.TrainingExamples
    validation: list[bytes] | None
    notices: list[str]
    """Sentences on the examples left out, and on doubtful reviews of the others."""
    leaking: list[int]
    """Lines or ids of training examples that are copies of held-out ones."""
    reviews: dict[str, int]
    """See `review_counts`."""


def _plan(path: Path, wish: Wish, provider: Provider, ledger: Ledger) -> TrainingPlan:
    """The plan without the project's budget: reads and checks the data, and writes the frozen files."""
    target = _target(wish, provider)
    data = _read_data(path, wish, target.context)
    raws = data.training.raws
    own = OwnFindings.of(raws)
    checked = own.joined_to(_check(data, target, wish))
    model, info = target.model, target.info
    priced = cost.estimate(checked.tokens, info, wish.params.epochs, name=model)
    usd = 0.0 if provider.kind == "local" else priced.usd
    limit = wish.budget if wish.budget is not None else settings.load().budget
    blocking, notices = _reasons(path, provider, wish.method, model, info, checked)
    expensive = budget.over_budget(usd, limit, provider, model)
    blocking += filter(None, [_leak_words(data), expensive, _needs_validation(wish.params, data.validation)])
    needed = memory.memory_for(provider, model, wish.method, wish.params, checked.tokens)
    notices += filter(None, [memory.memory_notice(needed, memory.free_memory())])
    frozen = training_data.freeze(raws, ledger.datasets, sum(checked.tokens))
    if provider.kind == "azure" and frozen.size >= MAX_FILE_BYTES:
        blocking.append(f"The training file has {frozen.size / 2**20:,.0f} MB; Azure takes files below 512 MB.")
    return TrainingPlan(
        source="-" if str(path) == "-" else str(path.resolve()),
        provider=provider,
        model=model,
        method=wish.method,
        training=frozen,
        validation=_freeze_validation(data.validation, ledger),
        params=wish.params,
        errors=checked.errors,
        warnings=checked.warnings,
        epochs=priced.epochs,
        tokens_per_epoch=priced.tokens_per_epoch,
        billed_tokens=priced.billed_tokens,
        usd=usd,
        priced_on=priced.priced_on.isoformat() if priced.priced_on else None,
        split_seed=wish.split_seed,
        shutdown=info.shutdown.isoformat() if info and info.shutdown else None,
        budget=limit,
        revision=data.training.revision,
        memory=needed,
        missing_model=model if _must_pull(provider, model) else None,
        leaking=tuple(data.leaking),
        reviews=data.reviews,
        blocking=tuple(blocking),
        notices=(*data.notices, *notices, *own.failures, *_answer_notices(path, raws)),
    )


def _leak_words(data: _Data) -> str | None:
    return leaks.leak_words(data.leaking, data.training.noun) if data.leaking else None


def _check(data: _Data, target: _Target, wish: Wish) -> training_data.TrainingCheck:
    """What the rules find in the data, with its tokens."""
    return training_data.check_training(
        data.training.raws,
        data.training.keys,
        target.context,
        target.counter,
        data.validation,
        wish.params.epochs,
        may_overlap=isinstance(wish.validation, str),
    )


def _target(wish: Wish, provider: Provider) -> _Target:
    """The model of the wish, or else the provider's default. Raises UsageError without either."""
    table = pricing.table()
    model = wish.model or provider.model
    if model is None:
        raise UsageError(f"Provider '{provider.name}' has no default model: name one with --model.")
    info = find(model, table)
    info = info.on(provider.kind) if info else None
    counter = tokens.counter(model, table)
    return _Target(model, info, counter, _context(provider, wish.method, model, info, counter))


def _read_data(path: Path, wish: Wish, context: Context) -> _Data:
    """Read the examples, leave out the rejected and, if wished, those with errors, and split off validation."""
    stored = training_data.read(path)
    accepted = stored.without_rejected()
    usable = _without_errors(accepted, context) if wish.leave_out_errors else accepted
    if accepted.raws and not usable.raws:
        raise InputError(training_data.nothing_left_words(accepted, wish.method))
    left_out = len(accepted.raws) - len(usable.raws)
    train, validation = _sides(usable, wish)
    training = usable.only(train)
    tested = usable.only(usable.side("test")).raws
    leaking = leaks.leaking_keys(training, [*(validation or []), *tested])
    faulty = count_of(left_out, "example with errors is", "examples with errors are")
    notices = [
        *filter(None, [reviews.left_out_words(stored.reviews)]),
        *reviews.trained_words(training.reviews),
        *([f"{faulty} left out."] if left_out else []),
    ]
    counts = reviews.review_counts(stored.reviews, training.reviews)
    return _Data(training, validation, notices, leaking, counts)


def _without_errors(data: training_data.TrainingExamples, context: Context) -> training_data.TrainingExamples:
    """The examples in which neither a rule nor an own rule finds an error."""
    own = OwnFindings.of(data.raws)
    sound = data.only([at for at in range(len(data.raws)) if not own.is_faulty(at)])
    return training_data.without_errors(sound, context)


def _answer_notices(path: Path, raws: list[bytes]) -> list[str]:
    """Sentences on answers that are far too frequent, and on those outside the workspace's answer contract."""
    sentences = [warning_words.imbalance_words(raws)]
    if outside := training_data.answers_outside_contract(raws, training_data.contract(path)):
        sentences.append(f"Answers outside the answer contract, trained all the same: {outside:,}.")
    return [*filter(None, sentences)]


def missing_model(wish: Wish) -> str | None:
    """The base model that has to be fetched to this machine before the training, if any."""
    provider = providers.get(wish.provider)
    model = wish.model or provider.model
    return model if model and _must_pull(provider, model) else None


def _must_pull(provider: Provider, model: str) -> bool:
    return provider.managed and model == providers.LOCAL_MODEL and not shelf.is_installed(model)


def _sides(data: training_data.TrainingExamples, wish: Wish) -> tuple[list[int], list[bytes] | None]:
    """Positions of the examples to train on, and the bytes of those to validate on (None: no validation)."""
    untested = [at for at, side in enumerate(data.sides) if side != "test"]
    validation = wish.validation
    if validation is None:
        stored_positions = data.side("validation")
        if not stored_positions:
            return untested, None
        validation_side = set(stored_positions)
        return [at for at in untested if at not in validation_side], [data.raws[at] for at in stored_positions]
    if isinstance(validation, float):
        train, held_out = training_data.split_positions(
            [data.raws[at] for at in untested], validation, wish.split_seed
        )
        return [untested[at] for at in train], [data.raws[untested[at]] for at in held_out]
    other = training_data.read(Path(validation)).without_rejected()  # rejected ones measure nothing either
    if not other.raws:
        raise InputError(f"{validation} holds no examples to validate on: name another file, or none")
    return untested, other.raws


def _freeze_validation(raws: list[bytes] | None, ledger: Ledger) -> FrozenDataset | None:
    return training_data.freeze(raws, ledger.datasets) if raws else None


def _context(
    provider: Provider, method: str, model: str, info: ModelInfo | None, counter: tokens.Counter
) -> Context:
    """The context for the rules: the profile, method and limits of the provider and model."""
    return Context(
        profile=cast(Profile, provider.profile),
        method=cast(Method, method),
        model=model,
        limit=info.context if info else None,
        count=counter.example,
    )


def _reasons(
    path: Path,
    provider: Provider,
    method: str,
    model: str,
    info: ModelInfo | None,
    checked: training_data.TrainingCheck,
) -> tuple[list[str], list[str]]:
    """(reasons that block the job, notices), from the findings, the model table and the method."""
    blocking, notices = [], []
    if not checked.tokens:
        blocking.append(f"{path} holds no examples to train on.")
    if checked.errors:
        rules = ", ".join(f"{rule} {count}" for rule, count in sorted(checked.errors.items()))
        blocking.append(f"The data has errors ({rules}); see: curator check {path}")
    if provider.kind in ("openai", "azure"):
        ended, ending = budget.retirement(info or ModelInfo(model), None, date.today())
        blocking += [ended] if ended else []
        notices += [ending] if ending else []
        if info and method not in info.methods:
            offered = ", ".join(info.methods) or "nothing"
            blocking.append(f"{model} cannot be trained with the method {method} (it takes {offered}).")
        if info is None:
            notices.append(f"{model} is not in the model table: price, context and dates are unknown.")
    return blocking, [*notices, *warning_words.sentences(checked.warnings)]

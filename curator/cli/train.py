"""`curator train`: check the data, show the plan, ask, upload and create the job; optionally wait for its end."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from curator.cli import provider_options
from curator.cli.output import emit, out, say, would
from curator.core.text import count_of
from curator.errors import CuratorError, ProviderError, UsageError

if TYPE_CHECKING:
    from curator.jobs.http.upload import SubmissionProgress
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.jobs.planning.make_plan import Wish
    from curator.jobs.planning.plan import TrainingPlan

EXAMPLE = "curator train data.jsonl --validation 0.1 --wait"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="a dataset file or a workspace")
    parser.add_argument(
        "--validation", metavar="FILE|FRACTION", help="a file, or a share of the data to split off"
    )
    provider_options.add_provider(parser)
    parser.add_argument("--model", metavar="M", help="base model (default: the provider's)")
    parser.add_argument("--suffix", metavar="S", help="part of the tuned model's name")
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the data, 1 to 50")
    parser.add_argument("--batch-size", type=int, metavar="N", help="examples a step, 1 to 256")
    parser.add_argument("--learning-rate-multiplier", type=float, metavar="X", help="a number above 0")
    parser.add_argument("--beta", type=float, metavar="X", help="for --method dpo: above 0, 2 at most")
    local = parser.add_argument_group("local training")
    local.add_argument("--lora-rank", type=int, metavar="N", help="rank of the adapter, 1 to 256 (default: 16)")
    local.add_argument(
        "--lora-alpha", type=float, metavar="X", help="its scale times the rank (default: 2 × rank)"
    )
    local.add_argument("--lora-targets", choices=("all", "attention", "mlp"), help="layers that are adapted")
    local.add_argument(
        "--lora-dropout", type=float, metavar="X", help="share of its inputs that it does not see in a step"
    )
    local.add_argument("--schedule", choices=("linear", "cosine", "constant"), help="of the learning rate")
    local.add_argument(
        "--packing", action=argparse.BooleanOptionalAction, help="put the short examples of a batch into one row"
    )
    local.add_argument(
        "--early-stopping", type=int, metavar="N", help="stop after N epochs without a lower validation loss"
    )
    local.add_argument(
        "--best-checkpoint",
        action=argparse.BooleanOptionalAction,
        help="take the epoch of the lowest validation loss (default with --early-stopping)",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="for the split and the job")
    parser.add_argument(
        "--seeds",
        type=int,
        metavar="N",
        help="train N times (2 to 9), alike but for the seed, to see how much of a difference is luck",
    )
    parser.add_argument("--method", choices=("supervised", "dpo"), default="supervised")
    parser.add_argument("--budget", type=float, metavar="USD", help="refuse to start a job estimated to cost more")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--wait", action="store_true", help="follow the job to its end")
    parser.add_argument("--events", action="store_true", help="with --wait: print every event as a line")
    parser.add_argument("--again", action="store_true", help="create a second job of the same data and parameters")


def run(args: argparse.Namespace) -> int:
    """Submit a job; with --wait, exit status 1 if it does not succeed."""
    return provider_options.run_async(_train(args))


async def _train(args: argparse.Namespace) -> int:
    from curator.jobs.ledger.ledger import Ledger  # heavy
    from curator.jobs.runs import pace, submission

    wish = _wish(args)
    with Ledger.for_path(args.path) as ledger:
        if not args.dry_run:
            await _ensure_model(wish, args.yes)
        plan = await submission.plan(args.path, wish, ledger)
        seconds = pace.seconds_of_plan(plan, ledger)
        _show(plan, seconds)
        if args.seeds:
            say(f"{args.seeds} trainings alike but for the seed: {args.seeds} times that price.")
        if args.dry_run:
            return _tell_plan(plan, args, seconds)
        if not plan.blocking:
            _confirm(plan, args.yes)
        started = [await _submit(plan, ledger, args)]
        for seed in _further_seeds(args):
            again = replace(wish, params=replace(wish.params, seed=seed))
            started.append(await _submit(await submission.plan(args.path, again, ledger), ledger, args))
        if args.wait:
            started = [await _wait(run, ledger, args) if run.job_id else run for run in started]
        return _report(started, ledger, args, plan)


def _tell_plan(plan: TrainingPlan, args: argparse.Namespace, seconds: float | None) -> int:
    """The end of a dry run: what would be trained, or exit status 1 with what speaks against it."""
    if plan.blocking:
        raise CuratorError(" ".join(plan.blocking), title="Nothing would be trained")
    facts = {"provider": plan.provider.name, "model": plan.model, "method": plan.method, "epochs": plan.epochs}
    examples = {"examples": plan.training.examples, "tokens": plan.training.tokens, "usd_estimate": plan.usd}
    words = f"train {plan.model} at {plan.provider.name}"
    needs = {"seconds_estimate": seconds and round(seconds), "memory_estimate": plan.memory}
    return would(words, args.json, **facts, **examples, **needs, **plan.told())


def _further_seeds(args: argparse.Namespace) -> list[int]:
    """The seeds of the second training and those after it."""
    first = args.seed or 0
    return [first + number for number in range(1, args.seeds or 1)]


async def _submit(plan: TrainingPlan, ledger: Ledger, args: argparse.Namespace) -> Run:
    """Submit one plan. Where the provider refuses, offer to delete what was uploaded for nothing."""
    from curator.jobs.runs import submission  # heavy

    old_orphans = set(ledger.orphans())
    try:
        started = await submission.submit(plan, ledger, _ProgressMeter(), again=args.again)
    except ProviderError:
        for _, file_id, name in set(ledger.orphans()) - old_orphans:
            await _offer_cleaning(plan, ledger, file_id, name, args.yes)
        raise
    say(provider_options.describe(started))
    return started


def _wish(args: argparse.Namespace) -> Wish:
    from curator.jobs.planning.make_plan import Wish  # heavy
    from curator.jobs.planning.plan import Params

    if args.budget is not None and not 0 <= args.budget < math.inf:
        raise UsageError("--budget is an amount in US$, 0 or more.")
    if args.seeds is not None and not 2 <= args.seeds <= 9:
        raise UsageError("--seeds is a number of trainings from 2 to 9.")
    params = Params(
        epochs=args.epochs,
        batch_size=args.batch_size,
        learning_rate_multiplier=args.learning_rate_multiplier,
        beta=args.beta,
        seed=(args.seed or 0) if args.seeds else args.seed,
        suffix=args.suffix,
        lora_rank=args.lora_rank,
        lora_alpha=args.lora_alpha,
        lora_targets=args.lora_targets,
        lora_dropout=args.lora_dropout,
        schedule=args.schedule,
        packing=args.packing,
        early_stopping=args.early_stopping,
        best_checkpoint=args.best_checkpoint,
    )
    return Wish(
        provider=args.provider,
        model=args.model,
        method=args.method,
        validation=_validation(args.validation),
        params=params,
        split_seed=args.seed or 0,
        budget=args.budget / (args.seeds or 1) if args.budget is not None else None,
    )


def _validation(text: str | None) -> str | float | None:
    if text is None or Path(text).exists():
        return text
    try:
        share = float(text)
    except ValueError:
        raise UsageError(f"--validation: there is no file {text}, and it is no share such as 0.1.") from None
    if not 0 < share < math.inf:
        raise UsageError("--validation is a share between 0 and 1, or a number of examples.")
    return share


async def _ensure_model(wish: Wish, yes: bool) -> None:
    """Pull a missing local base model, whose tokenizer counts the tokens; asks unless `yes`. Raises UsageError."""
    from curator.jobs.connections import local_server  # heavy
    from curator.jobs.planning import make_plan

    model = make_plan.missing_model(wish)
    if model is None:
        return
    if not yes and not provider_options.ask_yes_no(
        f"The base model {model} is not on this machine yet; fetch it now? [Y/n] ", default=True
    ):
        raise UsageError(f"Fetch the base model first: curator models pull {model} (or use --yes).")
    say(f"Fetching the base model {model} …")
    await local_server.pull(model)


def _show(plan: TrainingPlan, seconds: float | None) -> None:
    from curator.core.cost import money  # heavy

    price = "free" if plan.usd == 0 else "unknown" if plan.usd is None else f"about ${money(plan.usd)}"
    dated = f" (prices of {plan.priced_on})" if plan.priced_on and plan.usd else ""
    validation = f", {plan.validation.examples} held out" if plan.validation else ""
    epochs = "the provider's number of epochs" if plan.epochs is None else count_of(plan.epochs, "epoch")
    say(f"{plan.model} at {plan.provider.name}, method {plan.method}")
    say(f"{count_of(plan.training.examples)}{validation}; {count_of(plan.training.tokens, 'token')}, {epochs}")
    say(f"price: {price}{dated}")
    if seconds:
        say(f"time: about {max(1, round(seconds / 60))} min, at the pace of the last training here")
    if plan.memory:
        say(f"memory: about {plan.memory / 1e9:.1f} GB")
    if plan.warnings:
        say(plan.warning_words)
    for notice in plan.notices:
        say(f"note: {notice}")


def _confirm(plan: TrainingPlan, yes: bool) -> None:
    if yes or (plan.usd == 0 and not sys.stdin.isatty()):
        return
    if not sys.stdin.isatty():
        raise UsageError("This may cost money: add --yes to start it without being asked.")
    if not provider_options.ask_yes_no("Start? [Y/n] ", default=True):
        raise CuratorError("Not started.")


class _ProgressMeter:
    """Shows the progress of a submission on stderr, with a bar if that is a terminal."""

    def __init__(self) -> None:
        from curator.jobs.http.upload import Pace  # heavy

        self._live, self._pace = sys.stderr.isatty(), Pace()
        self._last_line = ""

    def __call__(self, progress: SubmissionProgress) -> None:
        if self._live and progress.total:
            share = progress.done / progress.total
            end = "\n" if progress.done >= progress.total and self._last_line != progress.text else ""
            words = self._pace.words(progress)[-60:]
            sys.stderr.write(f"\r{words:<60} {'█' * int(share * 10):<10} {share:4.0%}{end}")
            sys.stderr.flush()
            self._last_line = progress.text if end else self._last_line
        elif progress.text != self._last_line and not progress.total:
            self._last_line = progress.text
            say(progress.text)


async def _wait(run: Run, ledger: Ledger, args: argparse.Namespace) -> Run:
    from curator.jobs.runs import monitor  # heavy

    async for event in monitor.follow(run, ledger, waiting=provider_options.say_waiting):
        if args.events:
            provider_options.show_event(event, args.json)
        elif not args.json:
            say(event.message)
    run = ledger.get(run.run)
    provider_options.alert_end(run)
    return run


async def _offer_cleaning(plan: TrainingPlan, ledger: Ledger, file_id: str, name: str, yes: bool) -> None:
    """Say that an uploaded file is not used by any job, and delete it at the provider if the user agrees."""
    from curator.jobs.runs import submission  # heavy

    say(f"The file {file_id} ({name}) was uploaded and no job uses it.")
    if yes or provider_options.ask_yes_no("Delete it there? [Y/n] ", default=True):
        try:
            await submission.remove_orphan(plan.provider, ledger, file_id)
            say(f"Deleted {file_id}.")
        except ProviderError as error:
            say(error.message)


def _report(runs: list[Run], ledger: Ledger, args: argparse.Namespace, plan: TrainingPlan) -> int:
    """Print the trainings; several ones as the first with all of them in `seeds`. The worst exit status."""
    from curator.jobs.ledger.find_runs import run_json  # heavy

    provider_options.say_deployments(ledger)
    if args.json:
        every = [run_json(run, ledger) for run in runs]
        emit(every[0] | ({"seeds": every} if len(runs) > 1 else {}) | plan.told())
    for run in () if args.json else runs:
        if args.wait:
            out(run.fine_tuned_model or run.status)
        else:
            out(run.job_id or run.run)
            say(f"Follow it: curator watch {run.job_id}")
    return max(map(provider_options.exit_status, runs))

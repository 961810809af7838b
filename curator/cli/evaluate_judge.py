"""The judge of `curator evaluate`: its options, its price, and asking it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from curator.cli import provider_options
from curator.cli.output import say
from curator.errors import CuratorError, InputError, UsageError

if TYPE_CHECKING:
    from curator.jobs.findings.judge_report import JudgeReport
    from curator.jobs.findings.judging import Judge
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs.asking_cost import AskingCost
    from curator.jobs.runs.evaluation import Evaluation


def add_judge(parser: argparse.ArgumentParser) -> None:
    """Add the options of the judge, and `--yes`."""
    parser.add_argument(
        "--judge",
        metavar="MODEL",
        help="a model that compares the first row's answers with the last one's; needs --rubric",
    )
    parser.add_argument("--rubric", metavar="FILE", help="what makes an answer better, in your own words")
    parser.add_argument(
        "--judge-provider", metavar="NAME", help="the judge's provider (default: that of the evaluation)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before many or dear questions")


def read_judge(args: argparse.Namespace) -> Judge | None:
    """The judge that `--judge` and `--rubric` name; None without these options.

    Raises UsageError where only one of the two is given, InputError where the rubric cannot be read or is empty.
    """
    if bool(args.judge) != bool(args.rubric):
        raise UsageError("--judge MODEL and --rubric FILE go together: a judge needs your own words to judge by")
    if not args.judge:
        return None
    from curator.jobs.findings.judging import Judge  # heavy

    try:
        rubric = Path(args.rubric).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{args.rubric} cannot be read: {error}") from None
    if not rubric:
        raise InputError(f"{args.rubric} is empty: write what makes an answer better")
    return Judge(args.judge, rubric)


def consent(cost: AskingCost, yes: bool, always_tell: bool = False) -> None:
    """Tell what many or dear questions will cost, and ask before they are asked. Raises UsageError, CuratorError.

    With `always_tell` few and cheap ones are told as well, and a price that is not nothing is asked for.
    """
    wanted_consent = cost.wants_consent or (always_tell and cost.questions > 0 and cost.usd != 0)
    if always_tell or wanted_consent:
        say(cost.words)
    if yes or not wanted_consent:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{cost.words}: add --yes to ask them without being asked first.")
    if not provider_options.ask_yes_no("Ask them? [Y/n] ", default=True):
        raise CuratorError("Nothing was asked.")


async def judge_rows(
    judge: Judge,
    args: argparse.Namespace,
    result: Evaluation,
    ledger: Ledger,
    report: Callable[[str, int, int], None],
) -> JudgeReport:
    """Ask the judge of the first and the last row's answers, and of the pairs that the person marked.

    Raises UsageError for a judge that is judged, ProviderError.
    """
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.findings import judging
    from curator.jobs.findings.judge_task import JudgeTask

    first = result.models[0].model if len(result.models) > 1 else judging.WANTED
    task = JudgeTask.make(judge, (first, result.last.model), judging.pairs_of(result), ledger)
    provider = providers.get(args.judge_provider or args.provider)
    consent(task.cost(ledger, provider), args.yes, always_tell=True)
    async with await connect(provider) as client:
        client.waiting = provider_options.say_waiting
        return await task.run(client, ledger, report)

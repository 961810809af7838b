"""`curator evaluate`: score the answers of models, and of ways of asking one, to the prompts of a dataset."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli import evaluate_completion, evaluate_judge, provider_options
from curator.cli.contract_options import add_contract
from curator.cli.evaluate_report import remarks, show
from curator.cli.evaluate_rows import EvaluationRequest, cost_of_request, make_request, tell_request
from curator.cli.output import emit, say
from curator.core.text import count_of, one_line
from curator.errors import InputError

if TYPE_CHECKING:
    from curator.core.scores.completion import Check
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.providers import Provider
    from curator.jobs.runs.evaluation import Evaluation

EXAMPLE = "curator evaluate data.curator --model ft:smollm2-135m-instruct:local::abc123 --shots 8:nearest"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="held-out examples: a file, or a workspace and its split")
    parser.add_argument(
        "--model",
        metavar="M",
        required=True,
        action="append",
        help="the model to score; may be given more than once",
    )
    parser.add_argument(
        "--baseline", metavar="B", help="the model to compare with (default: the tuned model's base)"
    )
    parser.add_argument(
        "--on", choices=("validation", "test"), default="validation", help="the side of a workspace's split"
    )
    parser.add_argument(
        "--shots",
        metavar="N[:nearest]",
        help="also ask the baseline with N training examples before each question, the same or the nearest ones",
    )
    parser.add_argument("--system", metavar="FILE", help="also ask the baseline under the system prompt in a file")
    parser.add_argument(
        "--metric",
        metavar="M",
        action="append",
        help="exact_match, contract, accuracy, macro_f1, token_f1, bleu, chrf, rouge1, rouge2, rougeL, perplexity "
        "or length; may be given more than once (default: those that fit the answers)",
    )
    parser.add_argument(
        "--fail-under",
        metavar="METRIC=X",
        action="append",
        default=[],
        help="exit with 1 where the last model's value is lower; may be given more than once",
    )
    parser.add_argument(
        "--not-worse-than", metavar="RUN", help="exit with 1 where the last model is clearly worse than a run's"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="list the last model's misses, which are alike, and the training examples that may explain each",
    )
    parser.add_argument("--card", metavar="FILE", help="write a Markdown card of the evaluation")
    evaluate_judge.add_judge(parser)
    evaluate_completion.add_completion(parser)
    add_contract(parser)
    provider_options.add_provider(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print the scores; exit status 1 where a bar is missed."""
    with provider_options.suggest_pull():
        return provider_options.run_async(_evaluate(args))


async def _evaluate(args: argparse.Namespace) -> int:
    from curator.jobs import providers  # heavy
    from curator.jobs.findings.judging import require_other_judge
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs import bars

    judge, passes = evaluate_judge.read_judge(args), evaluate_completion.read_check(args)
    limits = [bars.parse_bar(text) for text in args.fail_under]
    provider = providers.get(args.provider)
    with Ledger.for_path(Path(args.path)) as ledger:
        earlier = bars.model_of_run(ledger, args.not_worse_than) if args.not_worse_than else None
        request = make_request(args, passes, limits, earlier)
        if judge is not None:
            require_other_judge(judge, [way.name for way in request.ways])
        cost = cost_of_request(request, args, ledger, provider)
        if args.dry_run:
            return tell_request(request, cost, args, provider)
        evaluate_judge.consent(cost, args.yes)
        result, details = await _ask(request, args, passes, ledger, provider)
        verdicts = await evaluate_judge.judge_rows(judge, args, result, ledger, _report) if judge else None
        opened = ledger.times_opened()
    missed = bars.missed(result, limits, earlier)
    details |= {"judge": verdicts and verdicts.to_json(), "missed": missed, "test_opened": opened}
    _tell(request, result, details, args)
    for sentence in (*missed, *(verdicts.words if verdicts else ())):
        say(sentence)
    return 1 if missed or (verdicts and verdicts.rubbish) else 0


async def _ask(
    request: EvaluationRequest, args: argparse.Namespace, passes: Check | None, ledger: Ledger, provider: Provider
) -> tuple[Evaluation, dict[str, Any]]:
    """The answers and scores of all rows, and the further objects of `evaluate --json`."""
    from curator.jobs.connections.connect import connect  # heavy
    from curator.jobs.findings.earlier_models import ask_model_before
    from curator.jobs.findings.evaluation_details import details_json
    from curator.jobs.findings.miss_causes import explained_json
    from curator.jobs.runs import evaluation
    from curator.jobs.runs.asking_cost import spent_json
    from curator.jobs.runs.likelihoods import why_not_measurable

    async with await connect(provider) as client:
        client.waiting = provider_options.say_waiting
        result = await evaluation.evaluate(
            request.prompts,
            request.ways,
            client,
            ledger,
            names=request.names,
            form=request.form,
            reuse=[way.model for way in request.ways if way.model not in args.model],
            side=request.side,
            report=_report,
        )
        asked_before = await ask_model_before(request.prompts, args.model[-1], client, ledger, _report)
        completions = await evaluate_completion.complete(
            passes, request.scripts, request.ways, client, ledger, _report
        )
    evaluate_completion.store_shares(result, completions, request.ways, ledger)
    result = replace(evaluate_completion.with_shares(result, completions), rejected=request.rejected)
    details = details_json(result, request.choice, ledger) | evaluate_completion.completion_json(completions)
    details["spent"] = {
        way.name: spent_json(evaluation.questions_of(way, request.prompts, ledger), provider)
        for way in request.ways
    }
    if args.explain:
        details |= explained_json(result, ledger, request.data)
    for sentence in (*filter(None, [asked_before]), *result.silence):
        say(sentence)
    unmeasured = why_not_measurable(client, args.model[-1]) if "perplexity" in request.names else None
    if unmeasured is not None:
        details["hidden"]["perplexity"] = unmeasured
        say(f"perplexity is not measured: {unmeasured}.")
    return result, details


def _tell(
    request: EvaluationRequest, result: Evaluation, details: dict[str, Any], args: argparse.Namespace
) -> None:
    """Write the card and print the scores."""
    opened = details["test_opened"]
    if result.yardstick.side == "test":
        say(f"The test side has been opened {opened:,} time{'s' * (opened != 1)}: each look makes it tell less.")
    if args.card:
        _write_card(Path(args.card), result, details)
    if args.json:
        emit(result.to_json() | details)
        return
    show(result, details)
    for sentence in [] if args.metric else request.choice.hidden_words:
        say(sentence)


def _write_card(path: Path, result: Evaluation, details: dict[str, Any]) -> None:
    from curator import atomic  # heavy
    from curator.jobs.runs.evaluation_card import card

    try:
        with atomic.replacing(path) as file:
            file.write(card(result, details["missed"], remarks(details)).encode("utf-8", "replace"))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    say(f"{path} written")


def _report(model: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{one_line(model, 60)}: {done} of {count_of(total, 'answer')}{end}")
        sys.stderr.flush()

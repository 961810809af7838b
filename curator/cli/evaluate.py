"""`curator evaluate`: score the answers of models, and of ways of asking one, to the prompts of a dataset."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli import evaluate_completion, evaluate_judge, provider_options
from curator.cli.contract_options import add_contract, contract_of, origin_of
from curator.cli.output import emit, out, say, styled
from curator.core.text import one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.core.scores.metrics import Flips
    from curator.jobs.findings.conversations import Script
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.planning.training_data import TrainingExamples
    from curator.jobs.providers import Provider
    from curator.jobs.runs.asking import Prompt, Way
    from curator.jobs.runs.evaluation import Evaluation

EXAMPLE = "curator evaluate data.curator --model ft:smollm2-135m-instruct:local::abc123 --shots 8:nearest"
_SHOWN = 10


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
    from curator.core.scores.choice import choose_metrics  # heavy
    from curator.jobs import providers
    from curator.jobs.connections.connect import connect
    from curator.jobs.findings.earlier_models import ask_model_before
    from curator.jobs.findings.evaluation_details import details_json
    from curator.jobs.findings.judging import require_other_judge
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.planning import training_data
    from curator.jobs.planning.answer_form import AnswerForm, find_form
    from curator.jobs.runs import bars, evaluation
    from curator.jobs.runs.likelihoods import why_not_measurable

    judge = evaluate_judge.read_judge(args)
    passes = evaluate_completion.read_check(args)
    limits = [bars.parse_bar(text) for text in args.fail_under]
    provider = providers.get(args.provider)
    path = Path(args.path)
    contract = contract_of(args)
    asked_for = AnswerForm(contract, origin_of(args)) if contract else None
    data = training_data.read(path)
    form = find_form(path, data.raws, asked_for)
    held_out = _held_out(data, args.on)
    side = held_out.without_rejected()
    rejected = len(held_out.raws) - len(side.raws)
    if rejected:
        say(evaluation.rejected_words(rejected))
    prompts, skipped = evaluation.make_prompts(side, training_data.also_right(path))
    vocabulary = form.contract.vocabulary if form else None
    choice = choose_metrics(
        [prompt.expected for prompt in prompts], len(vocabulary) if vocabulary else None, form is not None
    )
    names = list(args.metric or choice.names)
    names += [name for name, _ in limits if name not in (*names, bars.COMPLETION)]
    if skipped:
        say(f"{skipped} examples have no prompt with a text as answer and are left out.")
    with Ledger.for_path(path) as ledger:
        earlier = bars.model_of_run(ledger, args.not_worse_than) if args.not_worse_than else None
        ways = _ways(args, data, earlier)
        if judge is not None:
            require_other_judge(judge, [way.name for way in ways])
        scripts = evaluate_completion.read_scripts(passes, side)
        _consent(args, ways, prompts, scripts, ledger, provider)
        async with await connect(provider) as client:
            client.waiting = provider_options.say_waiting
            result = await evaluation.evaluate(
                prompts,
                ways,
                client,
                ledger,
                names=names,
                form=form,
                reuse=[way.model for way in ways if way.model not in args.model],
                side="" if data.noun == "line" else args.on,
                report=_report,
            )
            asked_before = await ask_model_before(prompts, args.model[-1], client, ledger, _report)
            completions = await evaluate_completion.complete(passes, scripts, ways, client, ledger, _report)
        opened = ledger.times_opened()
        result = evaluate_completion.with_shares(result, completions)
        details = details_json(result, choice, ledger) | evaluate_completion.completion_json(completions)
        verdicts = await evaluate_judge.judge_rows(judge, args, result, ledger, _report) if judge else None
    result = replace(result, rejected=rejected)
    unmeasured = why_not_measurable(client, args.model[-1]) if "perplexity" in names else None
    if unmeasured is not None:
        details["hidden"]["perplexity"] = unmeasured
        say(f"perplexity is not measured: {unmeasured}.")
    for sentence in (*filter(None, [asked_before]), *result.silence):
        say(sentence)
    missed = bars.missed(result, limits, earlier)
    if result.yardstick.side == "test":
        say(f"The test side has been opened {opened:,} time{'s' * (opened != 1)}: each look makes it tell less.")
    if args.card:
        _write_card(Path(args.card), result, missed)
    if args.json:
        emit(
            result.to_json()
            | details
            | {"judge": verdicts and verdicts.to_json(), "missed": missed, "test_opened": opened}
        )
    else:
        _show(result, details)
        for sentence in [] if args.metric else choice.hidden_words:
            say(sentence)
    for sentence in (*missed, *(verdicts.words if verdicts else ())):
        say(sentence)
    return 1 if missed or (verdicts and verdicts.rubbish) else 0


def _consent(
    args: argparse.Namespace,
    ways: list[Way],
    prompts: list[Prompt],
    scripts: list[Script],
    ledger: Ledger,
    provider: Provider,
) -> None:
    """Ask before many or dear questions are asked. Raises UsageError, CuratorError."""
    from curator.jobs.runs import evaluation  # heavy
    from curator.jobs.runs.asking_cost import NOTHING, cost_of_messages, cost_of_questions

    requests = [turn for script in scripts for turn in script.turns]
    cost = sum((cost_of_messages(requests, provider, way.model) for way in ways), NOTHING)
    for way in ways if prompts else ():
        questions = evaluation.questions_of(way, prompts, ledger)
        if way.model in args.model and ledger.evaluation(evaluation.prompts_key(prompts), way.name):
            questions.answers.clear()  # asked anew
        cost += cost_of_questions(questions, provider)
    evaluate_judge.consent(cost, args.yes)


def _held_out(data: TrainingExamples, side: str) -> TrainingExamples:
    """The examples to ask: those of a side, or all of a file. Raises InputError for a test side that is empty."""
    from curator.jobs.planning import training_data  # heavy

    chosen_side = training_data.side_of(data, side)
    if chosen_side is None and side == "test":
        raise InputError("no example is on the test side: split the workspace with a share for it")
    return data if chosen_side is None else chosen_side


def _ways(args: argparse.Namespace, data: TrainingExamples, earlier: str | None) -> list[Way]:
    """The rows of the evaluation: the baseline, ways of asking it, an earlier run's model, the models named."""
    from curator.jobs.runs import evaluation  # heavy
    from curator.jobs.runs.asking import Way

    last = args.model[-1]
    baseline = args.baseline or evaluation.baseline_of(last)
    ways = [Way(baseline)] if baseline else []
    asked_otherwise = baseline or last
    if args.system:
        ways.append(Way(asked_otherwise, system=_read_system(Path(args.system))))
    if args.shots:
        count, nearest = _parse_shots(args.shots)
        ways.append(Way(asked_otherwise, shots=count, nearest=nearest, pool=_pool(data)))
    if earlier is not None:
        ways.append(Way(earlier))
    return [*ways, *(Way(model) for model in args.model)]


def _pool(data: TrainingExamples) -> list[Prompt]:
    """The examples that --shots may show. Raises InputError where the data has no training side."""
    from curator.jobs.planning import training_data  # heavy
    from curator.jobs.runs import evaluation

    training = training_data.side_of(data, "train")
    pool = evaluation.make_prompts(training.without_rejected())[0] if training is not None else []
    if not pool:
        raise InputError("--shots takes examples of the training side: split the workspace first")
    return pool


def _read_system(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from None


def _parse_shots(text: str) -> tuple[int, bool]:
    """(count, nearest) of `8` or `8:nearest`. Raises UsageError."""
    count, _, word = text.partition(":")
    if not count.isdigit() or not 0 < int(count) <= 64 or word not in ("", "nearest"):
        raise UsageError(f"--shots takes a number from 1 to 64, or 8:nearest, not '{one_line(text, 40)}'")
    return int(count), word == "nearest"


def _write_card(path: Path, result: Evaluation, missed: list[str]) -> None:
    from curator import atomic  # heavy
    from curator.jobs.runs.evaluation_card import card

    try:
        with atomic.replacing(path) as file:
            file.write(card(result, missed).encode("utf-8", "replace"))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    say(f"{path} written")


def _report(model: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{one_line(model, 60)}: {done} of {total} answers{end}")
        sys.stderr.flush()


def _show(result: Evaluation, details: dict[str, Any]) -> None:
    names = list(result.models[0].scores)
    out(f"{result.yardstick.words} (yardstick {result.yardstick.id})")
    if "contract" in names:
        out(f"contract: {one_line(result.contract_words, 200)}")
    for scored in result.models:
        out(styled(one_line(scored.model), "1"))
        for name in names:
            score = scored.scores[name]
            measured = math.isfinite(score.value)
            interval = (
                f"{score.value:8.3f}   95 % from {score.low:.3f} to {score.high:.3f}"
                if measured
                else "not measured"
            )
            out(f"  {name:<12} {interval}")
    for name, signature in details["signatures"].items():
        out(f"{name}: {signature}")
    _show_confusions(details)
    for name in ("flattered", "noise"):
        if details[name]:
            out(details[name]["says"])
    if result.flips is not None:
        _show_flips(result, result.flips)


def _show_confusions(details: dict[str, Any]) -> None:
    """The kinds of misses of the last model, and the answers that it mistakes most."""
    from curator.core.answers.misses import KIND_WORDS  # heavy

    model = list(details["misses"])[-1]
    if kinds := details["misses"][model]:
        counts = ", ".join(f"{count} {KIND_WORDS[kind]}" for kind, count in kinds.items())
        out(f"misses of {one_line(model, 60)}: {counts}")
    repeated = [
        each for each in (details["answers"] or {}).get(model, {}).get("confusions", ()) if each["count"] > 1
    ]
    for each in repeated[:_SHOWN]:
        out(f"  {each['count']} × {one_line(each['given'], 32)} for {one_line(each['expected'], 32)}")


def _show_flips(result: Evaluation, flips: Flips) -> None:
    from curator.core.scores.metrics import difference_words  # heavy

    out(f"{result.primary}: {difference_words(len(flips.fixed), len(flips.broken))}")
    for mark, places in (("+", flips.fixed), ("-", flips.broken)):
        for at in places[:_SHOWN]:
            prompt, answer = result.prompts[at], result.models[-1].answers[at]
            words = f"{one_line(prompt.text, 48)} → {one_line(answer, 32)}"
            expected = "" if mark == "+" else f" (wanted {one_line(prompt.expected, 32)})"
            out(f"  {mark} line {prompt.line}: {words}{expected}")
        if len(places) > _SHOWN:
            out(f"  {mark} and {len(places) - _SHOWN} more; --json lists all")

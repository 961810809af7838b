"""`curator evaluate`: score the answers of a model and of its baseline to the prompts of a dataset."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from curator.cli import provider_options
from curator.cli.output import emit, out, say, styled
from curator.core.text import one_line

if TYPE_CHECKING:
    from curator.jobs.runs.evaluation import Evaluation

EXAMPLE = "curator evaluate held-out.jsonl --model ft:smollm2-135m-instruct:local::abc123"
_SHOWN = 10


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "path", metavar="PATH", help="held-out examples: a file, or a workspace (its validation side)"
    )
    parser.add_argument("--model", metavar="M", required=True, help="the model to score")
    parser.add_argument(
        "--baseline", metavar="B", help="the model to compare with (default: the tuned model's base)"
    )
    metrics = (
        "exact_match, contract, token_f1, bleu, rouge1, rouge2, rougeL, accuracy, macro_f1, perplexity, length"
    )
    parser.add_argument("--metric", metavar="M", action="append", help=f"{metrics}; may be given more than once")
    provider_options.add_provider(parser)


def run(args: argparse.Namespace) -> int:
    """Evaluate and print the scores; the exit status does not depend on them."""
    with provider_options.suggest_pull():
        return provider_options.run_async(_evaluate(args))


async def _evaluate(args: argparse.Namespace) -> int:
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.planning import training_data
    from curator.jobs.runs import evaluation

    provider = providers.get(args.provider)
    path = Path(args.path)
    data = training_data.held_out(training_data.read(path))
    prompts, skipped = evaluation.make_prompts(data)
    if skipped:
        say(f"{skipped} examples have no prompt with a text as answer and are left out.")
    baseline = args.baseline or evaluation.baseline_of(args.model)
    with Ledger.for_path(path) as ledger:
        async with await connect(provider) as client:
            client.waiting = provider_options.say_waiting
            result = await evaluation.evaluate(
                prompts,
                [name for name in (baseline, args.model) if name],
                client,
                ledger,
                names=args.metric or evaluation.DEFAULT_METRICS,
                contract=training_data.contract(path),
                reuse=[baseline] if baseline else [],
                report=_report,
            )
    if args.json:
        emit(result.to_json())
    else:
        _show(result)
    return 0


def _report(model: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{one_line(model, 60)}: {done} of {total} answers{end}")
        sys.stderr.flush()


def _show(result: Evaluation) -> None:
    names = list(result.models[0].scores)
    for scored in result.models:
        out(styled(one_line(scored.model), "1"))
        for name in names:
            score = scored.scores[name]
            out(f"  {name:<12} {score.value:8.3f}   95 % from {score.low:.3f} to {score.high:.3f}")
    if result.flips is None:
        return
    p_value = f"p = {result.flips.p_value:.2g}"
    out(f"{result.primary}: {len(result.flips.fixed)} fixed, {len(result.flips.broken)} broken ({p_value})")
    for mark, places in (("+", result.flips.fixed), ("-", result.flips.broken)):
        for at in places[:_SHOWN]:
            prompt, answer = result.prompts[at], result.models[-1].answers[at]
            words = f"{one_line(prompt.text, 48)} → {one_line(answer, 32)}"
            expected = "" if mark == "+" else f" (wanted {one_line(prompt.expected, 32)})"
            out(f"  {mark} line {prompt.line}: {words}{expected}")

"""What `curator evaluate` asks: prompts, rows, metrics, conversations; and a yes before many or dear questions."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from curator.cli import evaluate_completion
from curator.cli.contract_options import contract_of, origin_of
from curator.cli.output import say, would
from curator.cli.study_writing import cost_json
from curator.core.text import count_of, one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.core.scores.choice import MetricChoice
    from curator.core.scores.completion import Check
    from curator.jobs.findings.conversations import Script
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.planning.answer_form import AnswerForm
    from curator.jobs.planning.training_data import TrainingExamples
    from curator.jobs.providers import Provider
    from curator.jobs.runs.asking import Prompt, Way
    from curator.jobs.runs.asking_cost import AskingCost
    from curator.jobs.runs.bars import Bar


@dataclass(frozen=True)
class EvaluationRequest:
    """What is asked of whom, and what is measured."""

    data: TrainingExamples
    """All examples of the path."""
    prompts: list[Prompt]
    ways: list[Way]
    scripts: list[Script]
    form: AnswerForm | None
    choice: MetricChoice
    names: list[str]
    side: str
    """The side of the split, empty for a file."""
    rejected: int
    """Held-out examples that were rejected in review and are not asked."""


def make_request(
    args: argparse.Namespace, passes: Check | None, limits: list[Bar], earlier: str | None
) -> EvaluationRequest:
    """The request of a command line. `earlier` is a model of another run to compare with. Raises CuratorError."""
    from curator.core.scores.choice import choose_metrics  # heavy
    from curator.jobs.planning import training_data
    from curator.jobs.planning.answer_form import AnswerForm, find_form
    from curator.jobs.runs import bars, evaluation

    path = Path(args.path)
    contract = contract_of(args)
    data = training_data.read(path)
    form = find_form(path, data.raws, AnswerForm(contract, origin_of(args)) if contract else None)
    held_out = _held_out(data, args.on)
    examples = held_out.without_rejected()
    rejected = len(held_out.raws) - len(examples.raws)
    prompts, skipped = evaluation.make_prompts(examples, training_data.also_right(path))
    if rejected:
        say(evaluation.rejected_words(rejected))
    if skipped:
        say(f"left out: {count_of(skipped)} without a prompt and a text as its answer")
    vocabulary = form.contract.vocabulary if form else None
    choice = choose_metrics(
        [prompt.expected for prompt in prompts], len(vocabulary) if vocabulary else None, form is not None
    )
    names = list(args.metric or choice.names)
    names += [name for name, _ in limits if name not in (*names, bars.COMPLETION)]
    side = "" if data.noun == "line" else args.on
    scripts = evaluate_completion.read_scripts(passes, examples)
    return EvaluationRequest(
        data, prompts, _ways(args, data, earlier), scripts, form, choice, names, side, rejected
    )


def cost_of_request(
    request: EvaluationRequest, args: argparse.Namespace, ledger: Ledger, provider: Provider
) -> AskingCost:
    """What the questions will cost that no stored answer answers."""
    from curator.jobs.runs import evaluation  # heavy
    from curator.jobs.runs.asking_cost import NOTHING, cost_of_messages, cost_of_questions

    turns = [turn for script in request.scripts for turn in script.turns]
    cost = sum((cost_of_messages(turns, provider, way.model) for way in request.ways), NOTHING)
    for way in request.ways if request.prompts else ():
        questions = evaluation.questions_of(way, request.prompts, ledger)
        if way.model in args.model and ledger.evaluation(evaluation.prompts_key(request.prompts), way.name):
            questions.answers.clear()  # asked anew
        cost += cost_of_questions(questions, provider)
    return cost


def tell_request(
    request: EvaluationRequest, cost: AskingCost, args: argparse.Namespace, provider: Provider
) -> int:
    """The end of a dry run: who would be asked what, and for how much."""
    names = [way.name for way in request.ways]
    judged = f", before {one_line(args.judge)} judges the answers" if args.judge else ""
    prompts = f"{len(request.prompts):,} prompt{'s' * (len(request.prompts) != 1)}"
    words = (
        f"ask {', '.join(one_line(name, 60) for name in names)} {prompts} at {provider.name}: {cost.words}{judged}"
    )
    facts = {"models": names, "prompts": len(request.prompts), "metrics": request.names}
    return would(words, args.json, **facts, **cost_json(cost))


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

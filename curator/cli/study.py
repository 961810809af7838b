"""`curator study`: what to change next, asked of small models that are trained for it on this machine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from curator.cli import provider_options, study_writing
from curator.cli.output import emit, out, positive, say, styled, would
from curator.core.text import one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from curator.jobs.http.client import Client
    from curator.jobs.studies.asking import StudyState
    from curator.jobs.studies.reasons import Reasons
    from curator.jobs.studies.suggestions import Suggestion
    from curator.jobs.studies.suspects import SuspectStudy

EXAMPLE = "curator study suspects data.curator --folds 3"

Work = Callable[[argparse.Namespace, "Client"], Coroutine[Any, Any, int]]


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments: a kind of study, each with its own."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    suspects = _add_kind(kinds, "suspects", "the examples whose answers the model does not believe")
    suspects.add_argument("--folds", type=positive, default=3, metavar="K", help="trainings (default 3)")
    words = "examples that each of them learns at most (default: all others)"
    suspects.add_argument("--learn", type=positive, metavar="N", help=words)
    suspects.add_argument("--limit", type=positive, default=20, metavar="N", help="at most N (default 20)")
    suspects.add_argument(
        "--propose", action="store_true", help="propose for each the answer of the study's model"
    )
    why = _add_kind(kinds, "why", "the training examples that pushed a model to its answer")
    why.add_argument("--run", metavar="R", help="a finished local training (default: the latest)")
    why.add_argument("--prompt", metavar="ID", type=int, required=True, help="a held-out example: its id or line")
    why.add_argument("--limit", type=positive, default=10, metavar="N", help="at most N examples (default 10)")
    what_if = _add_kind(kinds, "whatif", "whether the model would be better without some examples")
    what_if.add_argument("--without", metavar="QUERY", required=True, help="the examples; see docs/query.md")
    more = _add_kind(kinds, "more", "a learning curve, and what 100 more examples may bring")
    for each in (what_if, more):
        each.add_argument("--seeds", type=int, default=2, metavar="N", help="trainings of each kind (default 2)")
    study_writing.configure(kinds)


def _add_kind(kinds: Any, name: str, words: str) -> argparse.ArgumentParser:
    """A kind's parser with the options that all have."""
    parser: argparse.ArgumentParser = kinds.add_parser(name, help=words, description=words + ".")
    parser.add_argument("path", metavar="PATH", help="a dataset file or a workspace")
    parser.add_argument("--model", metavar="M", help="base model on this machine (default: the local provider's)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="for samples, folds and trainings")
    parser.add_argument("--epochs", type=positive, metavar="N", help="passes over the data (default: as in train)")
    parser.add_argument("--batch-size", type=positive, metavar="N", help="examples a step")
    parser.add_argument("--learning-rate-multiplier", type=float, metavar="X", help="a number above 0")
    provider_options.add_provider(parser)
    # `curator study --json KIND` and `curator study KIND --json` mean the same.
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
    return parser


_KINDS: dict[str, Work] = {}


def _kind(work: Work) -> Work:
    """Register the function of a kind, which is named after it."""
    _KINDS[work.__name__.strip("_")] = work
    return work


def run(args: argparse.Namespace) -> int:
    """Run the study and print its result; the exit status is 0 also where the result is that it cannot tell."""
    if not Path(args.path).exists():
        raise InputError(f"{args.path} does not exist")
    if args.kind in study_writing.KINDS:
        return provider_options.run_async(study_writing.KINDS[args.kind](args))
    return provider_options.run_async(_run(args))


async def _run(args: argparse.Namespace) -> int:
    if args.dry_run:
        return await _try(args)
    async with _connected(args) as client:
        return await _KINDS[args.kind](args, client)


class _Planned(Exception):
    """What a study would do, told in place of doing it."""


def _tell_plan(state: StudyState) -> None:
    raise _Planned(state.words if state.status != "planned" else state.doing)


async def _try(args: argparse.Namespace) -> int:
    """Check everything and say what the study would train and ask."""
    from curator.jobs import providers  # heavy
    from curator.jobs.studies import asking

    provider = providers.get(args.provider or "local")
    args.model = args.model or provider.model or providers.LOCAL_MODEL
    asking.require_local(provider)
    if provider.managed:
        asking.require_model(args.model)
    try:
        await _KINDS[args.kind](args, cast("Client", None))  # the plan is told before a client is asked
    except _Planned as plan:
        return would(str(plan), args.json, kind=args.kind, model=args.model, plan=str(plan), usd_estimate=0)
    raise AssertionError("a study asks the server")


@asynccontextmanager
async def _connected(args: argparse.Namespace) -> AsyncIterator[Client]:
    """A client of the local server, which is started where it is not running; `args.model` is set."""
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.studies import asking

    provider = providers.get(args.provider or "local")
    args.model = args.model or provider.model or providers.LOCAL_MODEL
    asking.require_local(provider)
    if provider.managed:
        asking.require_model(args.model)
    async with await connect(provider) as client:
        client.waiting = provider_options.say_waiting
        yield client


def _hyperparameters(args: argparse.Namespace) -> dict[str, Any]:
    """The settings of every training of the study; those that are not given are chosen as for `train`."""
    rate = args.learning_rate_multiplier
    if rate is not None and not 0 < rate < float("inf"):
        raise UsageError("--learning-rate-multiplier is a number above 0.")
    values = {"n_epochs": args.epochs, "batch_size": args.batch_size, "learning_rate_multiplier": rate}
    return {name: value for name, value in values.items() if value is not None}


@_kind
async def _suspects(args: argparse.Namespace, client: Client) -> int:
    from curator.jobs.studies import examples, suspects  # heavy

    data = examples.usable(_without_test(examples.read_examples(args.path)))
    if args.propose:
        study_writing.require_workspace(args.path)
    study = await suspects.find_suspects(
        data,
        client,
        args.model,
        _tell_plan if args.dry_run else _report,
        folds=args.folds,
        learn=args.learn,
        seed=args.seed,
        hyperparameters=_hyperparameters(args),
    )
    if study.data.noun == "example":
        study.store(Path(args.path))
    suggestions = _propose_repairs(study, args) if args.propose else []
    if args.json:
        emit(study.to_json(args.limit) | study_writing.suggestions_json(suggestions, asked=args.propose))
        return 0
    _show_suspects(study, args.limit)
    study_writing.say_suggestions(suggestions, args.path)
    return 0


def _propose_repairs(study: SuspectStudy, args: argparse.Namespace) -> list[Suggestion]:
    from curator.jobs.studies.suggestions import propose_repairs  # heavy
    from curator.workspace.opening import open_workspace

    with open_workspace(args.path, read_only=True) as workspace:
        workspace.current_results.alone = not workspace.current_results.finished
        return propose_repairs(workspace, [study.data.keys[each.at] for each in study.shown[: args.limit]])


def _show_suspects(study: SuspectStudy, limit: int) -> None:
    from curator.core.scores.surprise import curve_words  # with the study

    _say_all(study.data.notices)
    say(study.measured.sentence)
    for each in study.shown[:limit]:
        place = f"{study.data.noun} {study.data.keys[each.at]}"
        words = f"{one_line(study.data.prompts[each.at], 50)} → {one_line(each.given, 30)}"
        instead = f"it would say {one_line(each.instead, 30)} ({each.sure:.0%} sure)"
        learnt = f"; learnt {curve_words(each.curve)}" if each.curve else ""
        out(f"{each.surprise:+6.1f}  {place:<14} {styled(words, '1')}  {instead}{learnt}")


@_kind
async def _why(args: argparse.Namespace, client: Client) -> int:
    from curator.jobs.ledger.ledger import Ledger  # heavy
    from curator.jobs.planning import training_data
    from curator.jobs.runs.asking import Way
    from curator.jobs.runs.evaluation import make_prompts, questions_of
    from curator.jobs.studies import reasons

    data = training_data.read(args.path)
    prompts, _ = make_prompts(data.only([at for at, key in enumerate(data.keys) if key == args.prompt]))
    if not prompts:
        raise InputError(f"{data.noun} {args.prompt} is no example with a prompt and an answer")
    with Ledger.for_path(args.path) as ledger:
        tuned = reasons.choose_run(ledger, args.run)
        trained, keys = reasons.trained_examples(ledger, tuned, data)
        if args.dry_run:
            raise _Planned(f"ask {tuned.fine_tuned_model} one question and follow its answer back")
        questions = questions_of(Way(str(tuned.fine_tuned_model)), prompts, ledger)
        await questions.ask(client, lambda name, done, total: None)
        questions_asked = [reasons.AnswerInQuestion(prompts[0], questions.stored()["answers"][0])]
        [study_json] = await reasons.find_reasons(questions_asked, trained, keys, tuned, client, _report)
    if args.json:
        notices = list(filter(None, [*trained.notices, study_json.notice]))
        emit(study_json.to_json(args.limit) | {"run": tuned.run, "notices": notices})
        return 0
    _say_all([*trained.notices, study_json.notice])
    say(f"{tuned.fine_tuned_model} answered {one_line(study_json.question.answer, 60)}")
    _show_reasons(study_json, args.limit, data.noun)
    return 0


def _show_reasons(study: Reasons, limit: int, noun: str) -> None:
    from curator.core.scores.surprise import curve_words  # with the study

    for teacher in study.teachers:
        if teacher.reason == "teaches":
            out(styled(f"  teaches it: example {teacher.example}: {one_line(teacher.prompt, 60)}", "1"))
    for each in study.pushers[:limit]:
        place = f"line {each.line} of the run" if each.key is None else f"{noun} {each.key}"
        words = f"; shared words: {', '.join(each.words)}" if each.words else ""
        words += f"; learnt {curve_words(each.curve)}" if each.curve else ""
        text = f"{one_line(each.prompt, 50)} → {one_line(each.answer, 30)}"
        out(f"{each.share:6.1%}  {place:<14} {styled(text, '1' if each.teaches else '0')}{one_line(words, 90)}")


@_kind
async def _whatif(args: argparse.Namespace, client: Client) -> int:
    from curator.jobs.studies import arms, examples  # heavy

    study = await arms.what_if(
        arms.divide(_without_test(examples.read_examples(args.path)), args.seed),
        examples.chosen_keys(args.path, args.without),
        client,
        args.model,
        _tell_plan if args.dry_run else _report,
        seeds=args.seeds,
        seed=args.seed,
        hyperparameters=_hyperparameters(args),
    )
    if args.json:
        emit(study.to_json())
        return 0
    _say_all(study.sides.notices)
    out(study.says)
    return 0


@_kind
async def _more(args: argparse.Namespace, client: Client) -> int:
    from curator.jobs.studies import arms, examples  # heavy

    study = await arms.learning_curve(
        arms.divide(_without_test(examples.read_examples(args.path)), args.seed),
        client,
        args.model,
        _tell_plan if args.dry_run else _report,
        seeds=args.seeds,
        seed=args.seed,
        hyperparameters=_hyperparameters(args),
    )
    if args.json:
        emit(study.to_json())
        return 0
    _say_all(study.sides.notices)
    for words, value in study.lines:
        out(f"{words}  {'█' * round(40 * value)}")
    out(study.says)
    return 0


def _without_test(data: Any) -> Any:
    """The examples without those of the test side, which is opened once, at the end."""
    return data.only([at for at, side in enumerate(data.sides) if side != "test"])


def _say_all(sentences: list[str]) -> None:
    for sentence in filter(None, sentences):
        say(sentence)


def _report(state: StudyState) -> None:
    """Tell on a terminal how far the study is."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{one_line(state.words, 70)}")
        if state.status == "succeeded":
            sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()

"""`curator side-effects`: what a training did to everything beside its task, asked of base and tuned model."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from curator.cli import provider_options
from curator.cli.output import emit, out, say, styled, would
from curator.core.text import count_of, one_line
from curator.errors import InputError

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger, Run
    from curator.jobs.side_effects.checking import SideEffects
    from curator.jobs.side_effects.of_a_run import RunCheck

EXAMPLE = "curator side-effects data.curator --must-work must-work.jsonl"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="a workspace, or the file that was trained")
    parser.add_argument("--model", metavar="M", help="the tuned model (default: that of the latest training)")
    parser.add_argument(
        "--must-work",
        metavar="FILE",
        help="your own questions with what a right answer holds, in any dataset format",
    )
    parser.add_argument(
        "--rehearsal",
        metavar="FILE",
        help="also write examples of the base's own answers, to be added to the data",
    )
    provider_options.add_provider(parser)


def run(args: argparse.Namespace) -> int:
    """Ask and tell; exit status 1 where something that must work did before and does no longer."""
    with provider_options.suggest_pull():
        return provider_options.run_async(_check(args))


async def _check(args: argparse.Namespace) -> int:
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.planning import training_data
    from curator.jobs.side_effects import of_a_run

    path = Path(args.path)
    if not path.exists():
        raise InputError(f"{path} does not exist")
    own = Path(args.must_work) if args.must_work else None
    with Ledger.for_path(path) as ledger:
        tuned = _find_run(ledger, args.model)
        model = args.model or str(tuned.fine_tuned_model)
        check = of_a_run.make_check(tuned, model, ledger, training_data.contract(path), own)
        if args.dry_run:
            return _try(args, check)
        async with await connect(providers.get(args.provider or tuned.provider)) as client:
            client.waiting = provider_options.say_waiting
            effects = await check.ask(client, ledger, _report)
            examples = await of_a_run.rehearsal(check.base, client, ledger, _report) if args.rehearsal else []
    return _tell(args, effects, examples)


def _try(args: argparse.Namespace, check: RunCheck) -> int:
    """Say how many questions both models would be asked."""
    count = 2 * len(check.questions)
    written = f", and write {one_line(args.rehearsal)}" if args.rehearsal else ""
    words = f"ask {check.base} and {check.tuned} {count_of(len(check.questions), 'question')} each{written}"
    return would(words, args.json, base=check.base, tuned=check.tuned, questions=count)


def _tell(args: argparse.Namespace, effects: SideEffects, examples: list[bytes]) -> int:
    if args.rehearsal:
        _write(Path(args.rehearsal), examples)
    if args.json:
        emit(effects.to_json() | {"rehearsal": len(examples)})
    else:
        _show(effects)
    return 1 if any(effect.forgotten for effect in effects.own) else 0


def _find_run(ledger: Ledger, model: str | None) -> Run:
    """The training that made a model; the latest one without a name. Raises InputError."""
    names = {item.name: item.model for item in ledger.deployments()}
    tuned_name = names.get(model or "", model)
    for each in ledger.runs():
        if each.fine_tuned_model and tuned_name in (None, each.fine_tuned_model):
            return each
    which = f"that made {one_line(str(model), 80)}" if model else "with a model"
    raise InputError(f"there is no training {which}; `curator history` lists those of a workspace")


def _write(path: Path, examples: list[bytes]) -> None:
    from curator import atomic  # heavy

    if not examples:
        raise InputError("the base model finished no answer, so there is nothing to rehearse")
    try:
        atomic.write_bytes(path, b"".join(example + b"\n" for example in examples))
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from None
    say(f"{path} written: {count_of(len(examples))}; `curator import {path} -w WORKSPACE` adds them")


def _report(model: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        sys.stderr.write(f"\r{one_line(model, 60)}: {done} of {count_of(total, 'answer')}{end}")
        sys.stderr.flush()


def _show(effects: SideEffects) -> None:
    for sentence in effects.sentences():
        out(styled(one_line(sentence), "1"))
    for effect in effects.effects:
        mark = "!" if effect.leaks else "−" if effect.forgotten else "+" if effect.learnt else " "
        words = (
            f"{one_line(effect.question.text, 44)}: {one_line(effect.before, 36)} → {one_line(effect.after, 36)}"
        )
        out(styled(f" {mark} {words}", {"!": "33", "−": "31", "+": "32"}.get(mark, "0")))

"""How well do studies find what is wrong, what do they cost? `python benchmarks/study.py PART [options]`

    suspects     exchanges 10 % of the answers of a dataset by a seed: the AUROC of the surprise and the precision
                 in its first tenth; the CPU seconds of its trainings and of what is asked of them
    influences   trains, then asks which examples pushed the model to its misses: CPU seconds against those of the
                 training; with --retrain it trains twice again, without the five strongest examples of one half of
                 the misses and of the other: is an answer given up more often without its own?

`--data` is the sample or chats of few labels (`study_data.py`). Everything that is finished is kept in `--folder`,
so that a second start goes on, whatever ended the first.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

import study_data
from figures import state
from study_influences import measure_influences

from curator import paths
from curator.core.scores.surprise import choose_planted
from curator.jobs import providers
from curator.jobs.connections.connect import connect
from curator.jobs.planning.reviews import Review
from curator.jobs.planning.training_data import TrainingExamples
from curator.jobs.studies import asking
from curator.jobs.studies.asking import StudyState
from curator.jobs.studies.examples import StudyExamples, usable, with_answer_of
from curator.jobs.studies.suspects import SuspectStudy, find_suspects

SAMPLES = Path(__file__).parent.parent / "sample_data"
NOISE = 0.1


def read_lines(name: str, count: int) -> list[bytes]:
    """The first examples of the sample, or made ones."""
    if name == "sample":
        return (SAMPLES / "emojibot-clean.jsonl").read_bytes().splitlines()[:count]
    return [json.dumps(chat).encode() for chat in study_data.make(name, count)]


def read_held_out(name: str) -> list[bytes]:
    """Prompts that are not among those examples, with their answers."""
    if name == "sample":
        return (SAMPLES / "emojibot-test.jsonl").read_bytes().splitlines()
    return read_lines(name, 1_040)[1_000:]


def studied(raws: list[bytes]) -> StudyExamples:
    """Lines as a study takes them."""
    return usable(
        TrainingExamples(raws, list(range(len(raws))), [None] * len(raws), [Review()] * len(raws), "line")
    )


def quality(study: SuspectStudy, wrong: set[int]) -> dict[str, float]:
    """AUROC of the surprise, and the precision in its first tenth."""
    places = [each.at for each in study.judged]
    ranks = [rank for rank, place in enumerate(reversed(places), 1) if place in wrong]
    others = len(places) - len(wrong)
    auroc = (sum(ranks) - len(ranks) * (len(ranks) + 1) / 2) / (len(ranks) * others)
    first = places[: len(places) // 10]
    return {"auroc": round(auroc, 3), "precision": round(sum(at in wrong for at in first) / len(first), 3)}


async def measure_suspects(args: argparse.Namespace) -> dict[str, Any]:
    """One study of noisy data."""
    raws = read_lines(args.data, args.examples)
    clean = studied(raws)
    wrong = choose_planted(clean.answers, NOISE, random.Random(args.seed).randrange(2**31))
    for place, other in wrong.items():
        raws[place] = with_answer_of(clean.raws[place], clean.raws[other])
    kept: list[dict[str, Any]] = []
    ask_study = asking.ask_study

    async def ask_and_keep(*values: Any, **named: Any) -> dict[str, Any]:
        kept.append(await ask_study(*values))
        return kept[-1]

    asking.ask_study = ask_and_keep
    async with await connect(providers.get("local")) as client:
        study = await find_suspects(
            studied(raws),
            client,
            args.model,
            tell,
            folds=args.folds,
            learn=args.learn,
            hyperparameters=hyperparameters(args),
        )
    seconds = [trial["cpu_seconds"] for trial in kept[0]["trials"]]
    right = sum(each.instead.strip() == clean.answers[each.at].strip() for each in study.judged)
    return {
        **quality(study, set(wrong)),
        "answers right": round(right / len(raws), 3),
        "says": study.measured.sentence,
        "CPU s of trainings": round(sum(training for training, _ in seconds), 1),
        "CPU s of asking": round(sum(asked for _, asked in seconds), 1),
        "resumed": any(trial["resumed"] for trial in kept[0]["trials"]),
    }


def hyperparameters(args: argparse.Namespace) -> dict[str, Any]:
    """Those that were given."""
    values = {"n_epochs": args.epochs, "batch_size": args.batch_size}
    return {name: value for name, value in values.items() if value}


def tell(how_far: StudyState) -> None:
    """How far a study is."""
    sys.stderr.write(f"\r\x1b[K{how_far.words}")
    sys.stderr.flush()


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """What was asked, and what came of it."""
    head = {name: getattr(args, name) for name in ("part", "data", "examples", "epochs", "batch_size", "seed")}
    if args.part == "suspects":
        return head | {"folds": args.folds, "learn": args.learn} | asyncio.run(measure_suspects(args))
    told = measure_influences(
        studied(read_lines(args.data, args.examples)),
        studied(read_held_out(args.data)),
        args.folder / f"influences-{args.data}-{args.examples}-{args.epochs}-{args.batch_size}-{args.seed}",
        args.model,
        hyperparameters(args),
        args.seed,
        args.retrain,
    )
    return head | told


def state_goals(args: argparse.Namespace, result: dict[str, Any]) -> None:
    """State what has a goal: of the sample three times chance, of few labels 0.7 unless it says that it cannot
    tell, and what influences cost."""
    data = f"{args.data}, {args.examples} examples"
    if args.part == "influences":
        told = "influences of a run, once, in trainings"
        state(told, result["gradients / training"], "CPU s / CPU s", at_most=1.5)
        state("a question, all misses together", result["seconds a question, all together"], "wall s", at_most=0.2)
        return
    precision, name = result["precision"], f"suspects of {data}: wrong ones in the first tenth"
    if args.data == "sample":
        state(name, precision / NOISE, "times chance", at_least=3)
    elif result["says"].startswith("Measured"):
        state(name, precision, "of it", at_least=0.7)
    else:
        state(f"{name}, but it says that it cannot tell", precision, "of it")


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("suspects", "influences"))
    parser.add_argument("--data", choices=("sample", *study_data.KINDS), default="sample")
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--learn", type=int, help="examples that each fold's model learns at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--retrain", action="store_true")
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "curator-study")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    os.environ["CURATOR_MODELS"] = str(paths.models_dir())
    os.environ["CURATOR_HOME"] = str(args.folder / "home")
    asking.require_model(args.model)
    result = measure(args)
    if not args.json:
        state_goals(args, result)
    print(json.dumps(result) if args.json else "\n".join(f"{name:<20} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()

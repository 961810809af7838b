"""How well suspects find answers that were exchanged: `python benchmarks/study.py [--data NAME] [--json]`.

Takes N examples of the sample, or chats of few labels made for it (`study_data.py`), exchanges 10 % of the answers
by a seed, and studies them on the local server. Prints the AUROC of the surprise, the precision in its first 10 %,
the seconds, and what the study says of itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import time
from pathlib import Path

import study_data

from curator.core.scores.surprise import choose_planted
from curator.jobs import providers
from curator.jobs.connections.connect import connect
from curator.jobs.planning.reviews import Review
from curator.jobs.planning.training_data import TrainingExamples
from curator.jobs.studies import asking
from curator.jobs.studies.examples import usable, with_answer_of
from curator.jobs.studies.suspects import SuspectStudy, find_suspects

SAMPLE = Path(__file__).parent.parent / "sample_data" / "emojibot-clean.jsonl"
NOISE = 0.1


def read_lines(name: str, count: int) -> list[bytes]:
    """The first examples of the sample, or made ones."""
    if name == "sample":
        return SAMPLE.read_bytes().splitlines()[:count]
    return [json.dumps(chat).encode() for chat in study_data.make(name, count)]


def quality(study: SuspectStudy, wrong: set[int]) -> dict[str, float]:
    """AUROC of the surprise, and the precision in its first tenth."""
    places = [each.at for each in study.judged]
    ranks = [rank for rank, place in enumerate(reversed(places), 1) if place in wrong]
    others = len(places) - len(wrong)
    auroc = (sum(ranks) - len(ranks) * (len(ranks) + 1) / 2) / (len(ranks) * others)
    first = places[: len(places) // 10]
    return {"auroc": round(auroc, 3), "precision": round(sum(at in wrong for at in first) / len(first), 3)}


async def run(args: argparse.Namespace) -> dict[str, object]:
    """One study of noisy data."""
    raws = read_lines(args.data, args.examples)
    data = TrainingExamples(raws, list(range(len(raws))), [None] * len(raws), [Review()] * len(raws), "line")
    clean = usable(data)
    wrong = choose_planted(clean.answers, NOISE, random.Random(args.seed).randrange(2**31))
    for place, other in wrong.items():
        raws[place] = with_answer_of(clean.raws[place], clean.raws[other])
    began = time.monotonic()
    async with await connect(providers.get("local")) as client:
        settings = {"n_epochs": args.epochs} if args.epochs else {}
        study = await find_suspects(
            usable(data), client, args.model, lambda state: None, folds=args.folds, hyperparameters=settings
        )
    seconds = round(time.monotonic() - began, 1)
    return {"data": args.data, "examples": len(raws), **quality(study, set(wrong)), "seconds": seconds,
            "says": study.measured.sentence}  # fmt: skip


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=("sample", *study_data.KINDS), default="sample")
    parser.add_argument("--examples", type=int, default=300)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="smollm2-135m-instruct")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    asking.require_model(args.model)
    result = asyncio.run(run(args))
    print(json.dumps(result) if args.json else "\n".join(f"{name:<10} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()

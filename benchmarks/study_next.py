"""Does the queue of `curator study next` need fewer examples than chance? Exact match by number of examples.

    python benchmarks/study_next.py [--data topic] [--learner training|shots] [--seeds 3] [--start 24] [--step 30]

Of the data some examples are held out, a few are learnt first, and the rest stands for raw prompts whose answers a
person would give. The first model answers these prompts and the queue orders them. Then one model learns the first
and `--share` (0.8) of `step` examples more by the queue, another one the first and `step` more by chance: if the
queue needs no more than 0.8 times the examples, the first model is as good. `shots` shows the small model the
eight nearest examples before each question in place of a training. What was trained is kept in `--folder`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import random
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import study_data

from curator import paths
from curator.core.scores.metrics import exact_match
from curator.core.scores.queue import rank, vectors_of
from curator.errors import ProviderError
from curator.jobs import providers
from curator.jobs.connections.connect import connect
from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning import training_data
from curator.jobs.runs.asking import Prompt, Way
from curator.jobs.runs.evaluation import make_prompts
from curator.jobs.runs.questions import Questions
from curator.jobs.studies import asking

SAMPLE = Path(__file__).parent.parent / "sample_data" / "emojibot-clean.jsonl"
Shares = dict[str, float]


class Answer(NamedTuple):
    """What a model answered, and how sure it was."""

    text: str
    certainty: float


def _tell(name: str, done: int, total: int) -> None:
    sys.stderr.write(f"\r{done} of {total} ")


class Learner:
    """The small model after some examples: shown before each question, or trained on."""

    def __init__(
        self,
        client: Client,
        ledger: Ledger,
        prompts: Sequence[Prompt],
        raws: Sequence[bytes],
        args: argparse.Namespace,
    ):
        self.client, self.ledger, self.prompts, self.raws = client, ledger, prompts, raws
        self.kind, self.settings = args.learner, {"n_epochs": args.epochs}

    async def answers(self, learnt: Sequence[int], asked: Sequence[int], seed: int) -> list[Answer]:
        """The answers to the prompts at some places, after learning the examples at others."""
        if self.kind == "training":
            scored = [[at, at] for at in asked]
            trial = {"train": list(learnt), "seed": seed, "score": scored, "answer": list(asked)}
            body = {"kind": "trials", "model": providers.LOCAL_MODEL, "trials": [trial], "max_tokens": 16}
            body["hyperparameters"] = self.settings
            result = await asking.ask_study(self.client, self.raws, body, lambda state: None)
            given = result["trials"][0]["answers"]
            return [Answer(str(each["text"]), math.exp(min(0.0, each["logprob"]))) for each in given]
        pool = [self.prompts[at] for at in learnt]
        way = Way(providers.LOCAL_MODEL, shots=8, nearest=True, pool=pool)
        questions = Questions(way, [self.prompts[at] for at in asked], self.ledger, longest=16)
        while questions.unanswered:  # on a busy machine the server may be late; what it answered is kept
            with contextlib.suppress(ProviderError):
                await questions.ask(self.client, _tell)
        stored = questions.stored()
        sums = [math.exp(min(0.0, math.fsum(logprobs or []))) for logprobs in stored["logprobs"]]
        return [Answer(text, sure) for text, sure in zip(stored["answers"], sums, strict=True)]

    def share_right(self, places: Sequence[int], answers: Sequence[Answer]) -> float:
        """Exact match."""
        pairs = zip(places, answers, strict=True)
        return sum(exact_match(self.prompts[at].expected, answer.text) for at, answer in pairs) / len(places)


async def _one_seed(learner: Learner, seed: int, args: argparse.Namespace) -> Shares:
    """Exact match on what is held out: of the first model, and of those that learnt more by the queue and by
    chance."""
    places = list(range(len(learner.prompts)))
    random.Random(seed).shuffle(places)
    held_out, others = places[: args.held_out], places[args.held_out :]
    start, pool = others[: args.start], others[args.start : args.start + args.pool]
    first = await learner.answers(start, held_out + pool, seed)
    texts = [learner.prompts[at].text for at in places]
    by_place = dict(zip(places, texts, strict=True))
    ranked = rank(
        [1 - answer.certainty for answer in first[len(held_out) :]],
        vectors_of([by_place[at] for at in pool]),
        vectors_of([by_place[at] for at in start]),
        vectors_of([]),
        len(pool),
    )
    shares = {"first": learner.share_right(held_out, first[: len(held_out)])}
    by_queue = [pool[each.at] for each in ranked][: round(args.share * args.step)]
    for name, more in {"queue": by_queue, "chance": pool[: args.step]}.items():
        answers = await learner.answers(start + more, held_out, seed)
        shares[f"{name} {len(more)}"] = learner.share_right(held_out, answers)
    return shares


async def _run(args: argparse.Namespace) -> None:
    path = (
        SAMPLE if args.data == "sample" else study_data.write(args.data, 600, args.folder / f"{args.data}.jsonl")
    )
    data = training_data.read(path)
    prompts, _ = make_prompts(data)
    raws = [data.raws[prompt.line - 1] for prompt in prompts]
    told: list[Shares] = []
    with Ledger(args.folder / "next-runs.db") as ledger:
        async with await connect(providers.get("local")) as client:
            learner = Learner(client, ledger, prompts, raws, args)
            for seed in range(args.seeds):
                told.append(await _one_seed(learner, seed, args))
                print(json.dumps({"seed": seed} | told[-1]), flush=True)
    for name in told[0]:
        print(f"{name:<12} {sum(shares[name] for shares in told) / len(told):.1%}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learner", choices=("shots", "training"), default="training")
    parser.add_argument("--data", choices=("sample", *study_data.KINDS), default="topic")
    numbers = {"seeds": 3, "start": 24, "step": 30, "epochs": 3, "held_out": 60, "pool": 90}
    for name, default in numbers.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    parser.add_argument("--share", type=float, default=0.8)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "curator-study")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.environ["CURATOR_MODELS"] = str(paths.models_dir())
    os.environ["CURATOR_HOME"] = str(given.folder / "home")
    asyncio.run(_run(given))

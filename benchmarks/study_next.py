"""Does the queue of `curator study next` need fewer examples than chance? Exact match by number of examples.

    python benchmarks/study_next.py [--learner shots|training] [--seeds 3] [--start 40] [--step 40] [--steps 1]

Of the clean sample some examples are held out, a few are learnt first, and the rest stands for raw prompts whose
answers a person would give. The first model answers these prompts, the queue orders them, chance shuffles them,
models learn the first and the next `step` of both. `shots` shows the small model the eight nearest examples before
each question, which takes minutes; `training` trains one each time, which takes hours on two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

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
Curves = dict[str, list[float]]


class Answer(NamedTuple):
    """What a model answered, and how sure it was."""

    text: str
    certainty: float


def _tell(name: str, done: int, total: int) -> None:
    sys.stderr.write(f"\r{done} of {total} ")


class Learner:
    """The small model after some examples: shown before each question, or trained on."""

    def __init__(
        self, client: Client, ledger: Ledger, prompts: Sequence[Prompt], raws: Sequence[bytes], kind: str
    ):
        self.client, self.ledger, self.prompts, self.raws, self.kind = client, ledger, prompts, raws, kind

    async def answers(self, learnt: Sequence[int], asked: Sequence[int], seed: int) -> list[Answer]:
        """The answers to the prompts at some places, after learning the examples at others."""
        if self.kind == "training":
            trial = {"train": list(learnt), "seed": seed, "score": [], "answer": list(asked)}
            body = {"kind": "trials", "model": providers.LOCAL_MODEL, "trials": [trial], "max_tokens": 16}
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


async def _one_seed(learner: Learner, seed: int, args: argparse.Namespace) -> Curves:
    """Exact match on what is held out after each step, by the order in which prompts were answered."""
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
    curves: Curves = {}
    for name, order in {"queue": [pool[each.at] for each in ranked], "chance": pool}.items():
        curves[name] = [learner.share_right(held_out, first[: len(held_out)])]
        for number in range(1, args.steps + 1):
            answers = await learner.answers(start + order[: number * args.step], held_out, seed)
            curves[name].append(learner.share_right(held_out, answers))
    return curves


async def _run(args: argparse.Namespace) -> None:
    data = training_data.read(SAMPLE)
    prompts, _ = make_prompts(data)
    raws = [data.raws[prompt.line - 1] for prompt in prompts]
    began, curves = time.monotonic(), dict[str, list[list[float]]]()
    with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "runs.db") as ledger:
        async with await connect(providers.get("local")) as client:
            learner = Learner(client, ledger, prompts, raws, args.learner)
            for seed in range(args.seeds):
                for name, curve in (await _one_seed(learner, seed, args)).items():
                    curves.setdefault(name, []).append(curve)
                print(json.dumps({"seed": seed} | {name: lists[-1] for name, lists in curves.items()}), flush=True)
    for name, lists in curves.items():
        means = [sum(column) / len(column) for column in zip(*lists, strict=True)]
        numbers = [args.start + args.step * at for at in range(len(means))]
        words = "  ".join(f"{number}: {mean:.1%}" for number, mean in zip(numbers, means, strict=True))
        print(f"{name:<8} {words}")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--learner", choices=("shots", "training"), default="shots")
    for name, default in {"seeds": 3, "start": 40, "step": 40, "steps": 1, "held_out": 60, "pool": 120}.items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    asyncio.run(_run(parser.parse_args()))

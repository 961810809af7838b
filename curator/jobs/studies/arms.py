"""Trainings on parts of the data that answer the same held-out prompts: what if, and how many more.

Each is scored by the share of answers that are right and by the log probability of the wanted answers. The second
tells smaller differences: it moves before an answer flips.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from curator.core.scores import arms
from curator.core.scores.metrics import Interval, exact_match
from curator.core.text import count_of, these
from curator.errors import InputError, UsageError
from curator.jobs.http.client import Client
from curator.jobs.planning.training_data import TrainingExamples, side_of, split_positions
from curator.jobs.studies import asking
from curator.jobs.studies.examples import LEAST, MOST, StudyExamples, require_enough, usable

SHARES = (0.25, 0.5, 0.75, 1.0)
MORE = 100
"""How many more examples the curve is asked about."""
_PROMPTS = 300
"""Most held-out prompts that are answered."""
_LEAST_PROMPTS = 10
_HELD_OUT = 0.2
"""The share that is held out of data without a split."""


@dataclass(frozen=True)
class Sides:
    """What is trained on, and the prompts that are answered."""

    training: StudyExamples
    held_out: StudyExamples

    @property
    def notices(self) -> list[str]:
        """Sentences on both."""
        training, held_out = self.training, self.held_out
        both = [*training.notices_on("examples to train on"), *held_out.notices_on("held-out prompts")]
        return list(dict.fromkeys(both))


def divide(data: TrainingExamples, seed: int) -> Sides:
    """The stored split; of data without one a fifth is held out, copies and contradictions on one side. Raises
    InputError."""
    training, held_out = side_of(data, "train"), side_of(data, "validation")
    if training is not None and held_out is not None:
        sides = Sides(usable(training), usable(held_out))
    else:
        whole = usable(data)
        require_enough(whole, LEAST, "this study")
        first, second = split_positions(whole.raws, _HELD_OUT, seed)
        sides = Sides(replace(whole.only(first), all=len(first)), replace(whole.only(second), all=len(second)))
    require_enough(sides.training, LEAST, "this study")
    if len(sides.held_out) < _LEAST_PROMPTS:
        raise InputError(
            f"{count_of(len(sides.held_out), 'held-out prompt is', 'held-out prompts are')} "
            "too few to compare trainings: divide the data anew "
            f"(S, or curator split) so that {_LEAST_PROMPTS} at least are held out, better hundreds"
        )
    return replace(sides, held_out=sides.held_out.sample(_PROMPTS, seed))


@dataclass(frozen=True)
class Arm:
    """One kind of training: for each seed whether each prompt was answered right, and the log probability of each
    wanted answer."""

    examples: int
    right: list[list[float]]
    logprobs: list[list[float]]


async def _train_arms(
    sides: Sides,
    parts: Sequence[tuple[int, Sequence[int]]],
    client: Client,
    model: str,
    report: asking.Report,
    hyperparameters: dict[str, Any],
) -> list[tuple[list[float], list[float]]]:
    """Train on each part, given as (seed, places), and answer the held-out prompts: right ones and log
    probabilities."""
    first = len(sides.training)
    prompts = list(range(first, first + len(sides.held_out)))
    trials = [
        {"train": list(places), "seed": seed, "score": [[at, at] for at in prompts], "answer": prompts}
        for seed, places in parts
    ]
    longest = max(map(len, sides.held_out.answers))
    body = {
        "kind": "trials",
        "model": model,
        "hyperparameters": hyperparameters,
        "trials": trials,
        "max_tokens": max(16, min(256, longest)),  # an answer has at most a token a character
    }
    raws = [*sides.training.raws, *sides.held_out.raws]
    result = await asking.ask_study(client, raws, body, report, sides.notices)
    right_texts = sides.held_out.answers
    return [
        (
            [exact_match(right, each["text"]) for right, each in zip(right_texts, trial["answers"], strict=True)],
            [float(score[0]) for score in trial["scores"]],
        )
        for trial in result["trials"]
    ]


@dataclass(frozen=True)
class WhatIf:
    """Two arms, with and without some examples, and the differences (without less with)."""

    sides: Sides
    chosen: int
    with_them: Arm
    without: Arm

    @property
    def right(self) -> Interval:
        """The difference of the shares of right answers."""
        return arms.difference(self.with_them.right, self.without.right)

    @property
    def likelihood(self) -> Interval:
        """The difference of the mean log probabilities of the wanted answers, in nats."""
        return arms.difference(self.with_them.logprobs, self.without.logprobs)

    @property
    def says(self) -> str:
        """The answer in words."""
        shares = [arms.level(arm.right).value for arm in (self.without, self.with_them)]
        right = self.right
        facts = (
            f"Without {these(self.chosen)} {shares[0]:.0%} of {len(self.sides.held_out):,} held-out "
            f"prompts are right, with them {shares[1]:.0%}: {_points(right)}; the wanted answers are "
            f"{_times(self.likelihood)} as likely."
        )
        return f"{self._verdict()} {facts}"

    def _verdict(self) -> str:
        sure = [each for each in (self.right, self.likelihood) if arms.is_told(each)]
        if not sure or min(each.value for each in sure) < 0 < max(each.value for each in sure):
            return "It cannot be told whether the model is better without them or with them."
        if arms.is_told(self.right):
            return "The model is better without them." if sure[0].value > 0 else "The model needs them."
        return (
            "Answers do not flip, but the model is surer of the right ones without them."
            if sure[0].value > 0
            else "Answers do not flip, but the model is surer of the right ones with them."
        )

    def to_json(self) -> dict[str, Any]:
        """The object of `curator study whatif --json` (docs/cli.md)."""
        right, likelihood = self.right, self.likelihood
        return {
            "whatif": {
                "with": arms.level(self.with_them.right).value,
                "without": arms.level(self.without.right).value,
                "difference": right.value,
                "ci": [right.low, right.high],
                "logprob_difference": likelihood.value,
                "logprob_ci": [likelihood.low, likelihood.high],
                "examples": self.chosen,
                "seeds": len(self.without.right),
                "prompts": len(self.sides.held_out),
                "says": self.says,
            },
            "notices": self.sides.notices,
        }


async def what_if(
    sides: Sides,
    keys: Iterable[int],
    client: Client,
    model: str,
    report: asking.Report,
    *,
    seeds: int,
    seed: int,
    hyperparameters: dict[str, Any],
) -> WhatIf:
    """Would the model be better without the training examples of these keys? Raises InputError where none is
    trained on, or too few are left."""
    _require_seeds(seeds)
    left_out = set(keys) & set(sides.training.keys)
    if not left_out:
        raise InputError("none of these examples is trained on, so leaving them out changes nothing")
    sides = replace(sides, training=_sample_both(sides.training, left_out, seed))
    places = range(len(sides.training))
    rest = [at for at in places if sides.training.keys[at] not in left_out]
    require_enough(sides.training.only(rest), LEAST, "training without them")
    parts = [(seed + number, part) for part in (places, rest) for number in range(seeds)]
    scores = await _train_arms(sides, parts, client, model, report, hyperparameters)
    with_them, without = (_arm(len(part), scores[at : at + seeds]) for part, at in ((places, 0), (rest, seeds)))
    return WhatIf(sides, len(places) - len(rest), with_them, without)


def _sample_both(data: StudyExamples, keys: set[int], seed: int) -> StudyExamples:
    """Of too many examples a sample in which those that are left out have their share."""
    if len(data) <= MOST:
        return data
    share, chance = MOST / len(data), random.Random(seed)
    places: list[int] = []
    for part in (True, False):
        group = [at for at, key in enumerate(data.keys) if (key in keys) is part]
        places += chance.sample(group, max(1, round(share * len(group)))) if group else []
    return data.only(sorted(places))


@dataclass(frozen=True)
class LearningCurve:
    """The arms by their number of examples, the largest last."""

    sides: Sides
    arms: list[Arm]

    @property
    def gain(self) -> Interval:
        """What 100 more examples may add to the share of right answers."""
        return arms.gain_of_more([(arm.examples, arm.right) for arm in self.arms], MORE)

    @property
    def likelihood_gain(self) -> Interval:
        """What 100 more examples may add to the mean log probability of the wanted answers."""
        return arms.gain_of_more([(arm.examples, arm.logprobs) for arm in self.arms], MORE)

    @property
    def says(self) -> str:
        """What more examples may bring, in words."""
        gain, likelihood = self.gain, self.likelihood_gain
        far = " That is far beyond what was measured." if 2 * self.arms[-1].examples < MORE else ""
        if arms.is_told(gain) and gain.value > 0:
            return (
                f"{MORE} more examples like these may bring {_points(gain)}, if the curve goes on like this.{far}"
            )
        if arms.is_told(likelihood) and likelihood.value > 0:
            return (
                f"It cannot be told how many more answers {MORE} more examples would make right "
                f"({_points(gain)}), but they still make the wanted ones {_times(likelihood)} as likely.{far}"
            )
        return f"It cannot be told whether {MORE} more examples would help: {_points(gain)} of right answers.{far}"

    @property
    def lines(self) -> list[tuple[str, float]]:
        """Each point in words, and its share of right answers."""
        lines = []
        for arm in self.arms:
            right = arms.level(arm.right)
            band = f"{max(0, right.low):.0%} to {min(1, right.high):.0%}"
            lines.append((f"{count_of(arm.examples):>15}  {right.value:4.0%} right ({band})", right.value))
        return lines

    def to_json(self) -> dict[str, Any]:
        """The object of `curator study more --json` (docs/cli.md)."""
        gain = self.gain
        return {
            "points": [_point_json(arm) for arm in self.arms],
            "more": {"examples": MORE, "value": gain.value, "ci": [gain.low, gain.high]},
            "says": self.says,
            "prompts": len(self.sides.held_out),
            "seeds": len(self.arms[-1].right),
            "notices": self.sides.notices,
        }


def _point_json(arm: Arm) -> dict[str, Any]:
    right, likelihood = arms.level(arm.right), arms.level(arm.logprobs)
    return {
        "examples": arm.examples,
        "value": right.value,
        "ci": [right.low, right.high],
        "logprob": likelihood.value,
        "logprob_ci": [likelihood.low, likelihood.high],
    }


async def learning_curve(
    sides: Sides,
    client: Client,
    model: str,
    report: asking.Report,
    *,
    seeds: int,
    seed: int,
    hyperparameters: dict[str, Any],
) -> LearningCurve:
    """Train on 25, 50, 75 and 100 % of the training side; for each seed another order, smaller parts in larger
    ones."""
    _require_seeds(seeds)
    sides = replace(sides, training=sides.training.sample(MOST, seed))
    total = len(sides.training)
    orders = [random.Random(seed + number).sample(range(total), total) for number in range(seeds)]
    sizes = [max(8, round(share * total)) for share in SHARES]
    parts = [(seed + number, sorted(orders[number][:size])) for size in sizes for number in range(seeds)]
    scores = await _train_arms(sides, parts, client, model, report, hyperparameters)
    points = [_arm(size, scores[at * seeds : (at + 1) * seeds]) for at, size in enumerate(sizes)]
    return LearningCurve(sides, points)


def _require_seeds(seeds: int) -> None:
    if not 2 <= seeds <= 5:
        raise UsageError("--seeds is a number of trainings of each kind from 2 to 5.")


def _arm(examples: int, scores: Sequence[tuple[list[float], list[float]]]) -> Arm:
    return Arm(examples, [right for right, _ in scores], [logprobs for _, logprobs in scores])


def _points(interval: Interval) -> str:
    """E.g. `+3 points (−2 to +8)`."""
    value, low, high = (f"{100 * number:+.0f}".replace("-", "−") for number in _ends(interval))
    return f"{value} points ({low} to {high})"


def _times(interval: Interval) -> str:
    """A difference of log probabilities as a factor with its interval, e.g. `1.2 times (1.1 to 1.4)`."""
    value, low, high = (f"{math.exp(max(-20.0, min(20.0, number))):.2g}" for number in _ends(interval))
    return f"{value} times ({low} to {high})"


def _ends(interval: Interval) -> tuple[float, float, float]:
    return interval.value, interval.low, interval.high

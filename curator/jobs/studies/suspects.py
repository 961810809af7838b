"""Suspects: the examples whose answers the model does not believe, having learnt from all others.

The examples are divided into folds; for each fold a model is trained on the others and judges the answers of the
fold. A seeded 5 % of the answers are exchanged in a copy, so that the same trainings measure how well wrong
answers are found on this very dataset.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.core.scores.surprise import PlantedFound, choose_planted, measure_planted, surprise
from curator.errors import UsageError
from curator.jobs.http.client import Client
from curator.jobs.studies import asking
from curator.jobs.studies.examples import LEAST, MOST, StudyExamples, require_enough, with_answer_of
from curator.workspace.storage import surprises
from curator.workspace.storage.surprises import StudiedExample, StudiedExamples, digest_of

PLANTED = 0.05
OTHERS = 8
"""Other prompts after which each answer is judged."""
FOLDS = 3


@dataclass(frozen=True)
class Suspect:
    """One example as the study sees it: `instead` is what the model would have answered, `sure` the probability of
    that answer, `cut` whether it is longer than shown; `curve`: its loss in nats in each epoch, the mean of the
    trainings that learnt it."""

    at: int
    surprise: float
    given: str
    instead: str
    sure: float
    cut: bool = False
    curve: tuple[float, ...] = ()


@dataclass(frozen=True)
class SuspectStudy:
    """What the study says of all its examples, the most surprising first, and how well it finds planted ones."""

    data: StudyExamples
    judged: list[Suspect]
    measured: PlantedFound
    folds: int

    @property
    def shown(self) -> list[Suspect]:
        """Those that people should look at: none where the study cannot tell; never an answer that the model gives
        itself."""
        if not self.measured.tells:
            return []
        return [each for each in self.judged if each.instead.strip() != each.given.strip()]

    def to_json(self, limit: int | None = None) -> dict[str, Any]:
        """The object of `curator study suspects --json` (docs/cli.md)."""
        measured = self.measured
        return {
            "suspects": [self._suspect_json(each) for each in self.shown[:limit]],
            "measured": {
                "planted": measured.planted,
                "found_in_first": measured.found,
                "first": measured.first,
                "found_in_first_tenth": measured.in_tenth,
                "tells": measured.tells,
                "says": measured.sentence,
            },
            "examples": len(self.data),
            "folds": self.folds,
            "notices": self.data.notices,
        }

    def store(self, folder: Path) -> None:
        """Have a workspace folder keep the surprise of each example; where the study cannot tell, of none. Raises
        CuratorError."""
        judged = self.judged if self.measured.tells else []
        rows = {
            self.data.keys[each.at]: StudiedExample(
                digest_of(self.data.raws[each.at]),
                each.surprise,
                each.instead,
                each.sure,
                each.curve,
                not each.cut,
            )
            for each in judged
        }
        surprises.write(folder, StudiedExamples(self.measured.sentence, rows))

    def _suspect_json(self, suspect: Suspect) -> dict[str, Any]:
        key = self.data.keys[suspect.at]
        return {
            "id": key,
            "line": key if self.data.noun == "line" else None,
            "surprise": round(suspect.surprise, 3),
            "prompt": self.data.prompts[suspect.at],
            "given": suspect.given,
            "instead": suspect.instead,
            "sure": round(suspect.sure, 3),
            "curve": [round(loss, 3) for loss in suspect.curve],
        }


@dataclass(frozen=True)
class _Plan:
    """The lines that are sent: the examples, then the planted ones; which line is a planted example's copy."""

    data: StudyExamples
    lines: list[bytes]
    copies: dict[int, int]
    folds: list[list[int]]
    others: list[list[int]]
    """For each fold the places whose prompts are the other ones."""
    learnt: list[list[int]]
    """For each fold the places of the examples that its model learns: none of the fold's own."""

    def judged_lines(self, fold: int) -> Iterator[tuple[int, int]]:
        """(place, line) of each answer that a fold's model judges: the examples', and those of copies."""
        for place in self.folds[fold]:
            yield place, place
            if place in self.copies:
                yield place, self.copies[place]

    def trials(self, seed: int) -> list[dict[str, Any]]:
        """The trials: each trains on all other folds, with the planted answers in them."""
        trials = []
        for number, fold in enumerate(self.folds):
            pairs = [
                [asking_line, line]
                for place, line in self.judged_lines(number)
                for asking_line in (place, *self._others_of(number, place))
            ]
            train = [self.copies.get(place, place) for place in self.learnt[number]]
            trials.append({"train": train, "seed": seed, "score": pairs, "answer": fold})
        return trials

    def _others_of(self, fold: int, place: int) -> list[int]:
        return [other for other in self.others[fold] if other != place]

    def read(self, results: list[dict[str, Any]]) -> tuple[dict[int, float], dict[int, Suspect]]:
        """The surprise of each line, and each example as it is judged."""
        by_line: dict[int, float] = {}
        curves = self._curves(results)
        judged: dict[int, Suspect] = {}
        for number, result in enumerate(results):
            scores = iter(result["scores"])
            for place, line in self.judged_lines(number):
                own = float(next(scores)[0])
                by_line[line] = surprise(own, [float(next(scores)[0]) for _ in self._others_of(number, place)])
            for place, answer in zip(self.folds[number], result["answers"], strict=True):
                judged[place] = Suspect(
                    place,
                    by_line[place],
                    self.data.answers[place],
                    str(answer["text"]),
                    math.exp(min(0.0, float(answer["logprob"]))),
                    bool(answer["cut"]),
                    curves.get(place, ()),
                )
        return by_line, judged

    def _curves(self, results: list[dict[str, Any]]) -> dict[int, tuple[float, ...]]:
        """The learning curve of each example, the mean of the trainings that learnt it as it is."""
        found: dict[int, list[list[float]]] = {}
        for number, result in enumerate(results):
            told = result.get("curves") or {"lines": [], "losses": []}
            trained = self.learnt[number]
            for at, *curve in zip(told["lines"], *told["losses"], strict=True):
                if trained[at] not in self.copies and None not in curve:
                    found.setdefault(trained[at], []).append(curve)
        return {
            place: tuple(sum(losses) / len(losses) for losses in zip(*curves, strict=True))
            for place, curves in found.items()
        }


def _make_plan(data: StudyExamples, folds: int, seed: int, learn: int | None) -> _Plan:
    planted = choose_planted(data.answers, PLANTED, seed)
    copies = {place: len(data) + number for number, place in enumerate(sorted(planted))}
    lines = [*data.raws, *(with_answer_of(data.raws[place], data.raws[planted[place]]) for place in copies)]
    order = list(range(len(data)))
    chance = random.Random(seed + 1)
    chance.shuffle(order)
    parts = [sorted(order[number::folds]) for number in range(folds)]
    others = [sorted(chance.sample(part, min(OTHERS, len(part)))) for part in parts]
    learnt = []
    for part in parts:
        rest = sorted(set(order) - set(part))
        learnt.append(rest if learn is None or len(rest) <= learn else sorted(chance.sample(rest, learn)))
    return _Plan(data, lines, copies, parts, others, learnt)


async def find_suspects(
    data: StudyExamples,
    client: Client,
    model: str,
    report: asking.Report,
    *,
    folds: int = FOLDS,
    seed: int = 0,
    learn: int | None = None,
    hyperparameters: dict[str, Any] | None = None,
) -> SuspectStudy:
    """Train the folds' models, let them judge and measure them; with `learn`, each learns so many of the other
    examples at most. Raises InputError for data that cannot be judged, CuratorError, ProviderError."""
    if not 2 <= folds <= 20:
        raise UsageError("--folds is a number from 2 to 20.")
    require_enough(data, LEAST, "a study of suspects")
    data = data.sample(MOST, seed)
    if learn is not None and learn < LEAST:
        raise UsageError(f"--learn is a number of examples from {LEAST}.")
    plan = _make_plan(data, folds, seed, learn)
    body = {
        "kind": "trials",
        "model": model,
        "hyperparameters": hyperparameters or {},
        "trials": plan.trials(seed),
        "max_tokens": 48,
    }
    result = await asking.ask_study(client, plan.lines, body, report, data.notices)
    by_line, judged = plan.read(result["trials"])
    as_planted = [by_line[plan.copies.get(place, place)] for place in range(len(data))]
    measured = measure_planted(as_planted, list(plan.copies), data.answers)
    ranked = sorted(judged.values(), key=lambda each: (-each.surprise, each.at))
    return SuspectStudy(data, ranked, measured, folds)

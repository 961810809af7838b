"""Why did it say that? The training examples of a run that pushed its model to an answer.

First the plain list of those that teach the very answer, which needs no model; then, by the gradients at the run's
kept checkpoints, each example's share of the push.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from curator.core.answers.teachers import Taught, Teacher, find_teachers
from curator.errors import CuratorError, InputError
from curator.jobs.http.client import Client
from curator.jobs.http.faults import Refused
from curator.jobs.ledger.ledger import Ledger, Run
from curator.jobs.planning.training_data import TrainingExamples
from curator.jobs.providers import with_origin
from curator.jobs.rounds.round_data import frozen_file, read_lines
from curator.jobs.runs.asking import Prompt
from curator.jobs.studies import asking
from curator.jobs.studies.examples import StudyExamples, usable

MOST_TRAINED = 5_000
"""Most training examples whose gradients are compared; of more a sample, with all that teach an answer in
question."""
_WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True)
class AnswerInQuestion:
    """A held-out prompt and what the model answered."""

    prompt: Prompt
    answer: str


@dataclass(frozen=True)
class Pusher:
    """A training example: its key in the data as it is now (None: it was changed since), its `line` in the run's
    data, its share of the push, and the words that both prompts have."""

    key: int | None
    line: int
    share: float
    words: list[str]
    prompt: str
    answer: str
    teaches: bool
    """Whether it teaches the answer that was given."""
    curve: tuple[float, ...] = ()
    """The loss of its answer in each epoch of the run, in nats, before the update that learnt it."""


@dataclass(frozen=True)
class Reasons:
    """Why one answer was given: examples that teach it, and all by their share of the push."""

    question: AnswerInQuestion
    teachers: list[Teacher]
    pushers: list[Pusher]
    notice: str = ""
    """A sentence where not all training examples were compared."""

    def to_json(self, limit: int | None = None) -> dict[str, Any]:
        """The object of `curator study why --json` (docs/cli.md)."""
        prompt = self.question.prompt
        return {
            "prompt": {"id": prompt.line, "text": prompt.text},
            "answer": self.question.answer,
            "wanted": prompt.expected,
            "teachers": [
                {"id": each.example, "prompt": each.prompt, "likeness": each.likeness}
                for each in self.teachers
                if each.reason == "teaches"
            ],
            "why": [
                {
                    "id": each.key,
                    "line": each.line,
                    "share": round(each.share, 4),
                    "words": each.words,
                    "prompt": each.prompt,
                    "answer": each.answer,
                    "teaches": each.teaches,
                    "curve": [round(loss, 3) for loss in each.curve],
                }
                for each in self.pushers[:limit]
            ],
        }


def choose_run(ledger: Ledger, name: str | None) -> Run:
    """The finished local training of a run's id, job's id or model; the latest without a name. Raises InputError,
    which says what to do."""
    finished = [run for run in ledger.runs() if run.fine_tuned_model and run.job_id]
    named = [run for run in finished if name in (None, run.run, run.job_id, run.fine_tuned_model)]
    if not finished:
        raise InputError(
            "there is no finished training of this data yet: curator train PATH --provider local --wait"
        )
    if not named:
        raise InputError(f"there is no finished training {name}; curator history lists those of a workspace")
    local = [run for run in named if _is_local(run)]
    if not local:
        raise InputError(
            f"{named[0].provider} keeps no checkpoints here, whose gradients tell why: train the same data once "
            "on this machine as a rehearsal (curator train PATH --provider local), then ask again"
        )
    return local[0]


def _is_local(run: Run) -> bool:
    provider = with_origin(run.origin)
    return provider is not None and provider.kind == "local"


def trained_examples(ledger: Ledger, run: Run, data: TrainingExamples) -> tuple[StudyExamples, list[int | None]]:
    """What a run was trained on, by line, and the key that each line has in the data as it is now. Raises
    InputError where the run's data is gone."""
    lines = read_lines(frozen_file(ledger, run))
    raws = [lines.line(at) for at in range(len(lines))]
    keys = dict(zip(data.raws, data.keys, strict=True))
    trained = usable(
        TrainingExamples(raws, list(range(1, len(raws) + 1)), [None] * len(raws), _no_reviews(raws), "line")
    )
    return trained, [keys.get(raw) for raw in trained.raws]


def _no_reviews(raws: Sequence[bytes]) -> list[Any]:
    from curator.jobs.planning.reviews import Review  # one name

    return [Review()] * len(raws)


async def find_reasons(
    questions: Sequence[AnswerInQuestion],
    trained: StudyExamples,
    keys: Sequence[int | None],
    run: Run,
    client: Client,
    report: asking.Report,
) -> list[Reasons]:
    """The reasons for each answer. Raises InputError where the server no longer has the job, CuratorError,
    ProviderError."""
    places = _places(questions, trained)
    part, part_keys = trained.only(places), [keys[at] for at in places]
    notice = _notice(len(part), len(trained))
    body = {
        "kind": "influences",
        "job": run.job_id,
        "questions": [_question(each) for each in questions],
    }
    try:
        result = await asking.ask_study(client, part.raws, body, report, [notice] if notice else [])
    except Refused as refusal:
        if refusal.code not in ("fine_tune_not_found", "checkpoint_gone"):
            raise
        raise InputError(
            f"the local server no longer has the checkpoints of {run.run}: train again to ask why"
        ) from None
    curves = await _learning_curves(client, str(run.job_id))
    rows = [Taught(at, prompt, answer) for at, (prompt, answer) in enumerate(_texts(part))]
    if len(result["questions"]) != len(questions):
        raise CuratorError("The study answered other questions than those that were sent.")
    return [
        Reasons(each, _teachers(each, rows, part_keys), _pushers(each, row, part, part_keys, curves), notice)
        for each, row in zip(questions, result["questions"], strict=True)
    ]


async def _learning_curves(client: Client, job: str) -> dict[int, tuple[float, ...]]:
    """How a job learnt each line of its data, from 1; nothing of a job that was trained before these were kept."""
    doing = "ask for the learning curves"
    path = f"/fine_tuning/jobs/{job}/learning_curves"
    try:
        told: Any = await client.read(doing, lambda: client.sdk.get(path, cast_to=object))
        columns = list(zip(told["lines"], *told["losses"], strict=True))
    except (Refused, KeyError, TypeError, ValueError):
        return {}
    return {int(line) + 1: tuple(map(float, curve)) for line, *curve in columns if None not in curve}


def _notice(compared: int, trained: int) -> str:
    if compared == trained:
        return ""
    return f"{trained:,} training examples take too long: {compared:,} of them are compared."


def _texts(data: StudyExamples) -> Sequence[tuple[str, str]]:
    return list(zip(data.prompts, data.answers, strict=True))


def _places(questions: Sequence[AnswerInQuestion], trained: StudyExamples) -> list[int]:
    """The places of the examples that are compared."""
    if len(trained) <= MOST_TRAINED:
        return list(range(len(trained)))
    answers = {each.answer.strip() for each in questions}
    teaching = [at for at, answer in enumerate(trained.answers) if answer.strip() in answers][:MOST_TRAINED]
    step = len(trained) / max(1, MOST_TRAINED - len(teaching))
    return sorted({*teaching, *(int(number * step) for number in range(MOST_TRAINED - len(teaching)))})


def _question(question: AnswerInQuestion) -> dict[str, Any]:
    messages = [*question.prompt.messages, {"role": "assistant", "content": question.answer}]
    value: dict[str, Any] = orjson.loads(orjson.dumps({"messages": messages}, default=str))
    return value


def _teachers(question: AnswerInQuestion, rows: list[Taught], keys: Sequence[int | None]) -> list[Teacher]:
    prompt = question.prompt
    teachers = find_teachers(prompt.text, question.answer, prompt.references, rows)
    return [
        Teacher(key, each.prompt, each.answer, each.reason, each.likeness)
        for each in teachers
        if (key := keys[each.example]) is not None
    ]


def _pushers(
    question: AnswerInQuestion,
    row: dict[str, Any],
    part: StudyExamples,
    keys: Sequence[int | None],
    curves: dict[int, tuple[float, ...]],
) -> list[Pusher]:
    push, words = float(row["push"]) or 1.0, _words(question.prompt.text)
    return [
        Pusher(
            keys[at],
            part.keys[at],
            float(value) / push,
            sorted(words & _words(part.prompts[at])),
            part.prompts[at],
            part.answers[at],
            part.answers[at].strip() == question.answer.strip(),
            curves.get(part.keys[at], ()),
        )
        for at, value in row["influences"]
    ]


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))

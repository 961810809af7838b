"""The operations of `/v1/studies`, which OpenAI's API does not have: what small models tell of the data."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from curator.errors import InputError
from curator.server.engines.choice import choose_engine
from curator.server.engines.job import SETTINGS, VALIDATED
from curator.server.errors import ApiError, bad_request, no_such_job, quote
from curator.server.http.bodies import read_json
from curator.server.http.fields import Fields, wrong_type
from curator.server.http.responses import json
from curator.server.queue.studies import StudyRequest
from curator.server.routes.job_request import read_hyperparameters
from curator.server.services import Services, blocking, services

_KINDS = ("trials", "influences")
_TRIALS, _LINES, _PAIRS, _QUESTIONS = 40, 100_000, 200_000, 1_000

_SETTINGS = tuple(name for name in SETTINGS if name not in VALIDATED)
"""Hyperparameters of a study's trainings: they have no validation file."""


async def create(request: Request) -> Response:
    """Create a study, or go on with the one that was asked the same."""
    own = services(request)
    body = await read_json(request, own.settings.limits)
    study_id = await blocking(lambda: own.studies.create(_read_request(own, body)))
    own.studies.wake(study_id)
    return json(await blocking(own.studies.view, study_id))


def _read_request(own: Services, body: Fields) -> StudyRequest:
    kind = body.choice("kind", _KINDS, required=True) or ""
    file = own.files.get(body.must_text("file", longest=255))
    if kind == "trials":
        body.only("kind", "file", "model", "hyperparameters", "trials", "max_tokens")
        model = body.must_text("model", longest=255)
        content = _trials(body)
    else:
        body.only("kind", "file", "job", "questions")
        model, content = _influences(own, body)
    base = own.catalog.base_model(model)
    if base is None:
        raise bad_request(f"The model {quote(model)} is not on this machine.", "model", "model_not_found")
    try:
        choose_engine(base.path, "embedded")
    except InputError as error:
        raise bad_request(error.message, "model", "model_not_supported") from None
    return StudyRequest(kind, base.name, base.path, own.files.path(file.id), content)


def _trials(body: Fields) -> dict[str, Any]:
    trials = []
    for at, value in enumerate(body.array("trials", required=True, shortest=1, longest=_TRIALS) or []):
        each = Fields(value, f"trials[{at}]")
        each.only("train", "seed", "score", "answer")
        trials.append(
            {
                "train": _lines(each, "train", shortest=1),
                "seed": each.integer("seed", 0, 2**31 - 1, required=True),
                "score": _pairs(each),
                "answer": _lines(each, "answer"),
            }
        )
    return {
        "trials": trials,
        "hyperparameters": read_hyperparameters(body.inner("hyperparameters"), "supervised", _SETTINGS),
        "max_tokens": body.integer("max_tokens", 1, 1024) or 64,
    }


def _lines(fields: Fields, name: str, shortest: int = 0) -> list[int]:
    """A list of line numbers, from 0."""
    numbers = fields.array(name, required=bool(shortest), shortest=shortest, longest=_LINES) or []
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise wrong_type(fields.path(name), "line numbers from 0", number)
    return numbers


def _pairs(fields: Fields) -> list[list[int]]:
    """A list of pairs of line numbers."""
    pairs = fields.array("score", longest=_PAIRS) or []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2 or not all(type(n) is int and n >= 0 for n in pair):
            raise wrong_type(fields.path("score"), "pairs of line numbers from 0", pair)
    return pairs


def _influences(own: Services, body: Fields) -> tuple[str, dict[str, Any]]:
    """The base model of a job, and its checkpoints with what is asked of them. Raises ApiError."""
    job = own.jobs.get(body.must_text("job", longest=255))
    rows, _ = own.jobs.checkpoints(job.id, None, 100)
    folders = [
        str(own.queue.folder(job.id) / f"ckpt-{step}") for step in sorted(row["step_number"] for row in rows)
    ]
    if job.status != "succeeded" or not folders:
        raise no_such_job(job.id) if not folders else ApiError(400, f"The job {job.id} is not finished.")
    if job.method != "supervised":
        raise bad_request("Only supervised jobs have influences.", "job", "method_not_supported")
    questions = body.array("questions", required=True, shortest=0, longest=_QUESTIONS) or []
    for at, question in enumerate(questions):
        Fields(question, f"questions[{at}]").array("messages", required=True, shortest=2)
    return job.model, {"job": job.id, "checkpoints": folders, "questions": questions}


async def retrieve(request: Request) -> Response:
    """One study."""
    return json(await blocking(services(request).studies.view, request.path_params["study_id"]))


async def result(request: Request) -> Response:
    """The result of a study that has succeeded."""
    content = await blocking(services(request).studies.result, request.path_params["study_id"])
    return Response(content, media_type="application/json")


async def cancel(request: Request) -> Response:
    """Stop a study; a new request for the same study resumes it."""
    own, study_id = services(request), request.path_params["study_id"]
    await blocking(own.studies.cancel, study_id)
    return json(await blocking(own.studies.view, study_id))


ROUTES = [
    Route("/studies", create, methods=["POST"]),
    Route("/studies/{study_id}", retrieve, methods=["GET"]),
    Route("/studies/{study_id}/result", result, methods=["GET"]),
    Route("/studies/{study_id}/cancel", cancel, methods=["POST"]),
]

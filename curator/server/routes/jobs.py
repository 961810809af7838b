"""The operations of `/v1/fine_tuning/jobs`."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from curator.server import ids
from curator.server.engines.learning_curves import read_curves
from curator.server.errors import ApiError, bad_request, quote
from curator.server.http import list_parameters as pages
from curator.server.http.bodies import read_json
from curator.server.http.responses import json, page
from curator.server.routes import job_request
from curator.server.services import Services, blocking, query, services
from curator.server.store.job import LIVE, JobRow

_JOBS = "/fine_tuning/jobs"


async def create(request: Request) -> Response:
    """Create a job. If one has the same `curator_intent` in its metadata, that one is returned instead."""
    own = services(request)
    body = await read_json(request, own.settings.limits)
    job = await blocking(_create, own, job_request.read_job_request(body))
    own.queue.wake_for_new_job()
    return json(job.view())


def _create(own: Services, job: JobRow) -> JobRow:
    earlier = own.jobs.find_by_intent(job.intent)
    if earlier is not None:
        return earlier
    base = own.catalog.base_model(job.model)
    if base is None:
        message = f"Model {quote(job.model)} is not available for fine-tuning or does not exist."
        raise bad_request(message, "model", "model_not_available")
    named = job.name.replace(f"ft:{job.model}:", f"ft:{base.name}:", 1)
    job = replace(job, model=base.name, name=named)
    own.files.require_space(0)
    folder = own.queue.folder(job.id)
    folder.mkdir(mode=0o700)
    try:
        for name, param in ((job.training_file, "training"), (job.validation_file, "validation")):
            if name is not None:
                _link(own, name, param, job.id)
        stored = own.jobs.create(job)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if stored.id != job.id:
        shutil.rmtree(folder, ignore_errors=True)
    return stored


def _link(own: Services, file_id: str, role: str, job_id: str) -> None:
    """Link the file's bytes into the job's folder, so that deleting the file does not affect the job."""
    file = own.files.find(file_id)
    if file is None:
        raise bad_request(f"invalid {role}_file: {quote(file_id)}", f"{role}_file", "invalid_file")
    if file.purpose != "fine-tune":
        message = f"File '{file.id}' has the purpose '{file.purpose}', but a {role} file needs 'fine-tune'."
        raise bad_request(message, f"{role}_file", "invalid_file_purpose")
    try:
        os.link(own.files.path(file_id), own.queue.folder(job_id) / f"{role}.jsonl")
    except FileNotFoundError:
        raise bad_request(f"invalid {role}_file: {quote(file_id)}", f"{role}_file", "invalid_file") from None


async def listing(request: Request) -> Response:
    """A page of jobs, newest first."""
    after, limit = query(request, "after"), pages.limit(request, 20)
    jobs, more = await blocking(services(request).jobs.page, after, limit, pages.metadata(request))
    return page([job.view() for job in jobs], more)


async def retrieve(request: Request) -> Response:
    """One job."""
    return json((await blocking(services(request).jobs.get, request.path_params["job_id"])).view())


async def events(request: Request) -> Response:
    """A page of a job's events, newest first."""
    job_id, after, limit = request.path_params["job_id"], query(request, "after"), pages.limit(request, 20)
    return page(*await blocking(services(request).jobs.events, job_id, after, limit))


async def checkpoints(request: Request) -> Response:
    """A page of a job's checkpoints, newest first."""
    job_id, after, limit = request.path_params["job_id"], query(request, "after"), pages.limit(request, 10)
    return page(*await blocking(services(request).jobs.checkpoints, job_id, after, limit))


async def learning_curves(request: Request) -> Response:
    """The loss of each training example in each epoch, which OpenAI's API does not tell."""
    own, job_id = services(request), request.path_params["job_id"]
    await blocking(own.jobs.get, job_id)
    curves = await blocking(read_curves, own.queue.folder(job_id))
    if curves is None:
        raise ApiError(404, f"The job {job_id} has no learning curves.", code="no_learning_curves")
    return json({"object": "learning_curves", "job": job_id, **curves})


async def cancel(request: Request) -> Response:
    """Cancel a job that has not ended."""
    return await _move(request, LIVE, "cancelled", "Fine-tuning job cancelled")


async def pause(request: Request) -> Response:
    """Pause a job: a running one after its current step, which an event then names; one whose files are validated
    begins with them again."""
    job = await blocking(services(request).jobs.get, request.path_params["job_id"])
    words = "Fine-tuning job is being paused" if job.status == "running" else "Fine-tuning job paused"
    return await _move(request, frozenset({"validating_files", "queued", "running"}), "paused", words)


async def resume(request: Request) -> Response:
    """Queue a paused job again, or validate it where it was paused before that was done."""
    job = await blocking(services(request).jobs.get, request.path_params["job_id"])
    status = "validating_files" if job.engine is None and job.status == "paused" else "queued"
    answer = await _move(request, frozenset({"paused"}), status, "Fine-tuning job resumed")
    services(request).queue.wake_for_new_job()
    return answer


async def _move(request: Request, sources: frozenset[str], status: str, message: str) -> Response:
    own = services(request)
    job_id = request.path_params["job_id"]
    await blocking(own.jobs.get, job_id)
    event = (f"{status}:{ids.tail(8)}", message)
    if not await blocking(own.jobs.move, job_id, sources, status, event):
        job = await blocking(own.jobs.get, job_id)
        if job.status != status:
            raise _refusal(job, status)
    own.queue.wake_for_change(job_id)
    return json((await blocking(own.jobs.get, job_id)).view())


def _refusal(job: JobRow, status: str) -> ApiError:
    verb = {"cancelled": "cancelled", "paused": "paused"}.get(status, "resumed")
    if job.ended:
        return bad_request(f"Job has already completed: {job.id}", code="invalid_job_state")
    return bad_request(f"Job {job.id} is {job.status} and cannot be {verb}.", code="invalid_job_state")


ROUTES = [
    Route(_JOBS, create, methods=["POST"]),
    Route(_JOBS, listing, methods=["GET"]),
    Route(_JOBS + "/{job_id}", retrieve, methods=["GET"]),
    Route(_JOBS + "/{job_id}/events", events, methods=["GET"]),
    Route(_JOBS + "/{job_id}/checkpoints", checkpoints, methods=["GET"]),
    Route(_JOBS + "/{job_id}/learning_curves", learning_curves, methods=["GET"]),
    Route(_JOBS + "/{job_id}/cancel", cancel, methods=["POST"]),
    Route(_JOBS + "/{job_id}/pause", pause, methods=["POST"]),
    Route(_JOBS + "/{job_id}/resume", resume, methods=["POST"]),
]

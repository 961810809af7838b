"""Following jobs: each poll stores what is new, in order and once.

All state is in the ledger, so following goes on with the next poll after a crash or a laptop's sleep. Answers that
come late or twice change nothing, and a finished job is never reopened.
"""

from __future__ import annotations

import asyncio
import csv
import io
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from curator.errors import ProviderError
from curator.jobs import providers
from curator.jobs.connections.connect import connect
from curator.jobs.http import faults
from curator.jobs.http import provider_records as records
from curator.jobs.http.client import Client
from curator.jobs.ledger.ledger import Ledger, Run
from curator.jobs.runs import submission

PATIENCE = 3600.0
"""Seconds without an answer after which `follow` gives up; the job itself goes on."""
LONGEST = 900.0
"""Longest pause, in seconds, whatever Retry-After says."""
MAX_TRIES = 8
"""Tries to fetch an event list, checkpoints or a result file of a finished job before it is given up."""
T = TypeVar("T")
_AFTER = {"cancel": "cancelled", "pause": "paused"}
"""The status that an action leads to."""
_MAX_ROWS = 200_000
_COLUMNS = {"train_accuracy": "train_mean_token_accuracy"}


@dataclass(frozen=True)
class Poll:
    """The result of one poll: the run as it now is, and the new events, oldest first."""

    run: Run
    events: list[records.Event]


Waiting = Callable[[ProviderError, float], None]
"""Called before a pause after a fault, with the fault and the pause in seconds."""


async def poll_once(run: Run, ledger: Ledger, client: Client) -> Poll:
    """Ask the provider once for all that is new about a run and store it. Raises ProviderError.

    The job of a run whose submission is unclear is searched first.
    """
    run = ledger.get(run.run)
    if run.job_id is None:
        run = await submission.reconcile(run, ledger, client)
    if run.job_id is None or run.settled:
        return Poll(run, [])
    try:
        job = await client.job(run.job_id)
    except faults.Refused as refusal:
        if refusal.status == 404 and client.provider.managed:
            return Poll(await submission.look(run, ledger, client), [])
        raise
    if job.id != run.job_id:
        raise faults.bad_answer(client.provider.name, f"show job {run.job_id}", "another job came back")
    stored_ids = set() if job.finished else ledger.event_ids(run.run)
    listed = await _beside_the_status(client.events(run.job_id, stored_ids.__contains__), run, job, ledger)
    new = ledger.add_events(run.run, listed or [])
    if job.finished or any("heckpoint" in event.message for event in new):
        points = await _beside_the_status(client.checkpoints(run.job_id), run, job, ledger)
        ledger.set_checkpoints(run.run, points or [])
    run = _store(run, job, ledger)
    if job.finished:
        run = await _sweep(run, job, ledger, client)
    return Poll(run, new)


async def act(run: Run, action: str, ledger: Ledger, client: Client) -> records.ProviderJob:
    """`cancel`, `pause` or `resume` the job of a run; store and return the job as it then is.

    The action is sent once. Where its answer is lost the job is read instead: a second cancel could hit a job that
    was resumed in between.
    Raises ProviderError.
    """
    if run.job_id is None:
        raise ProviderError(f"{run.run} has no job yet: its submission is {run.status}.")
    try:
        job = await client.act(run.job_id, action)
    except faults.Unclear:
        job = await client.job(run.job_id)
    except faults.Refused as refusal:  # it may be done already: a gateway may have sent the request twice
        if refusal.status not in (400, 409):
            raise
        job = await client.job(run.job_id)
        if job.status != _AFTER.get(action):
            raise
    if job.id != run.job_id:
        raise faults.bad_answer(client.provider.name, f"{action} job {run.job_id}", "another job came back")
    _store(ledger.get(run.run), job, ledger)
    return job


def _store(run: Run, job: records.ProviderJob, ledger: Ledger) -> Run:
    """Store a job's present state in its run."""
    late = run.closed and not job.finished  # this answer is older than the end of the job
    return ledger.update(
        run.run,
        status=job.status,
        error=job.error,
        finished_at=float(job.finished_at) if job.finished_at else None,
        fine_tuned_model=job.fine_tuned_model or run.fine_tuned_model,
        trained_tokens=job.trained_tokens if job.trained_tokens is not None else run.trained_tokens,
        training_file=job.training_file or run.training_file,
        validation_file=job.validation_file or run.validation_file,
        result_files=list(job.result_files) or run.result_files,
        epochs=job.epochs or run.epochs,
        job=run.job if late else job.raw,
    )


async def _sweep(run: Run, job: records.ProviderJob, ledger: Ledger, client: Client) -> Run:
    """Fetch the result files of a finished job and mark its run as complete (`swept`)."""
    for file_id in run.result_files:
        body = await _beside_the_status(client.content(file_id), run, job, ledger)
        if body:
            ledger.add_results(run.run, result_rows(body))
    return ledger.update(run.run, swept=1)


async def _beside_the_status(
    request: Awaitable[T], run: Run, job: records.ProviderJob, ledger: Ledger
) -> T | None:
    """Await events, checkpoints or a result file; None where the provider has none.

    None also where the job has ended and the request has failed `MAX_TRIES` times: a result file that never comes
    must not keep the run from being complete.
    """
    try:
        return await request
    except faults.Refused as refusal:
        if refusal.mendable:
            raise
        return None
    except faults.Unclear:
        if not job.finished:
            raise
        before = ledger.step(run.run, "sweep")
        tries = (before[1].get("tries", 0) if before else 0) + 1
        ledger.mark(run.run, "sweep", "unclear", {"tries": tries})
        if tries < MAX_TRIES:
            raise
        return None


def result_rows(body: bytes) -> list[dict[str, Any]]:
    """Rows of a result file by its header (docs/openai.md §6.6); cells that are no numbers are left out."""
    rows: list[dict[str, Any]] = []
    try:
        for row in csv.DictReader(io.StringIO(body.decode("utf-8-sig", "replace"))):
            values = {_COLUMNS.get(name, name): _cell(text) for name, text in row.items() if name}
            rows.append({name: value for name, value in values.items() if value is not None})
            if len(rows) >= _MAX_ROWS:
                break
    except csv.Error:
        pass  # the rows before the broken one are good
    return rows


def _cell(text: Any) -> float | None:
    try:
        return records.number(float(text))
    except (TypeError, ValueError):
        return None


async def follow(
    run: Run,
    ledger: Ledger,
    *,
    client: Client | None = None,
    waiting: Waiting | None = None,
    patience: float = PATIENCE,
) -> AsyncGenerator[records.Event, None]:
    """Every event of a run, the stored ones first, until the job is finished and all of it is stored.

    After a temporary fault it calls `waiting`, pauses and polls again. Raises ProviderError for a permanent
    refusal, and for a fault after `patience` seconds of pauses without an answer. Pauses are counted, not the
    clock, which also runs while a laptop sleeps. The job goes on in any case.
    """
    line = _FollowerClient(run, client, waiting)
    waited, failures, place = 0.0, 0, 0
    try:
        while True:
            # From the ledger, to include what an interrupted poll or another process has stored.
            newest = ledger.last_event(run.run)
            for event in ledger.events(run.run, place, newest):
                yield event
            place = newest
            run = ledger.get(run.run)
            if run.settled:
                return
            try:
                run = (await poll_once(run, ledger, await line.client())).run
            except ProviderError as fault:
                pause = pause_after(fault, failures)
                if pause is None or waited > patience:
                    raise
                failures, waited = failures + 1, waited + pause
                if waiting:
                    waiting(fault, pause)
                await line.drop(fault)
            else:
                if run.job_id is None:
                    return  # refused, abandoned or still unclear: there is no job to follow
                failures, waited = 0, 0.0
                pause = 0 if run.settled else interval(run, line.kind)
            await asyncio.sleep(pause)
    finally:
        await line.close()


class _FollowerClient:
    """The client of `follow`: connected when needed, and anew where the local server has restarted elsewhere."""

    def __init__(self, run: Run, shared: Client | None, waiting: Waiting | None) -> None:
        self._name = run.provider
        self._waiting = waiting or (lambda fault, seconds: None)
        self._shared = shared
        self._own: Client | None = None

    @property
    def kind(self) -> str:
        used = self._shared or self._own
        return used.provider.kind if used else "local"

    async def client(self) -> Client:
        if self._shared:
            return self._shared
        if self._own is None:
            self._own = await connect(providers.get(self._name))
            self._own.waiting = self._waiting
        return self._own

    async def drop(self, fault: ProviderError) -> None:
        """Close the client of a managed server that could not be reached, so that the next poll connects anew."""
        if self._own and self._own.provider.managed and not isinstance(fault, faults.Refused):
            await self.close()

    async def close(self) -> None:
        if self._own:
            await self._own.close()
        self._own = None


def pause_after(fault: ProviderError, failures: int) -> float | None:
    """Seconds until the next poll after this fault and `failures` before it; None: repeating cannot help."""
    if faults.is_hopeless(fault):
        return None
    growing = min(2.0 ** min(failures, 6), 60.0) * (0.75 + random.random() / 2)
    return min(max(growing, faults.requested_wait(fault)), LONGEST)


def interval(run: Run, kind: str) -> float:
    """Seconds until the next poll is due (docs/openai.md §6.8: 5 while validating, 10 to 30 after)."""
    if kind == "local":
        return 0.5
    if run.status in ("validating_files", "intent", "unclear"):
        return 5.0
    return 30.0 if run.status in ("queued", "pending", "paused") else 10.0


def progress(run: Run, ledger: Ledger) -> tuple[int, int] | None:
    """(last step, steps in all) by the newest event that has them; None where none has."""
    for event in reversed(ledger.events(run.run)):
        step, total = records.integer(event.data.get("step")), records.integer(event.data.get("total_steps"))
        if step is not None and total:
            return min(step, total), total
    return None


def cost_so_far(run: Run, ledger: Ledger) -> tuple[int | None, float | None]:
    """Tokens trained and US$ so far: by the provider at the end, before that by the share of steps done."""
    if run.closed and run.status != "cancelled":
        return run.trained_tokens, run.usd_estimate if run.status == "succeeded" else None
    done, planned = progress(run, ledger), ledger.step(run.run, "estimate")
    if done is None:
        return run.trained_tokens, None
    share, tokens = done[0] / done[1], records.integer(planned[1].get("billed_tokens")) if planned else None
    usd = None if run.usd_estimate is None else run.usd_estimate * share
    return run.trained_tokens or (None if tokens is None else round(tokens * share)), usd


def time_left(run: Run, ledger: Ledger) -> float | None:
    """Seconds until training ends, by the speed of its last steps on the provider's clock; None: unknown."""
    points = []
    for event in ledger.events(run.run):
        step, total = records.integer(event.data.get("step")), records.integer(event.data.get("total_steps"))
        if step is not None and total:
            points.append((step, event.created_at, total))
    if len(points) < 2 or run.closed:
        return None
    (first, began, _), (last, now, total) = points[max(0, len(points) - 50)], points[-1]
    if last <= first or now <= began:
        return None
    return max(0.0, (total - last) * (now - began) / (last - first))

"""Watching jobs: polls that store what is new, in order and once, and survive restarts of anything.

Everything known is in the ledger, so a watcher that was killed, or a laptop that slept, goes on with one poll.
News that come late or twice change nothing, and a finished job is never reopened.
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
"""Seconds without any answer after which following gives up; the job itself goes on."""
LONGEST = 900.0
"""Longest pause in seconds that a Retry-After is granted."""
ENOUGH = 8
"""How often something that a finished job leaves behind is asked for in vain."""
T = TypeVar("T")
_AFTER = {"cancel": "cancelled", "pause": "paused"}
"""The status that an action leads to."""
_MAX_ROWS = 200_000
_COLUMNS = {"train_accuracy": "train_mean_token_accuracy"}


@dataclass(frozen=True)
class Poll:
    """What one look brought: the run as it now stands, and the events that were new, oldest first."""

    run: Run
    events: list[records.Event]


Waiting = Callable[[ProviderError, float], None]
"""Called before a pause that a fault causes, with its length in seconds."""


async def poll_once(run: Run, ledger: Ledger, client: Client) -> Poll:
    """Ask once for everything new about a run and store it. Raises ProviderError where no answer comes.

    A run whose submission stayed unclear is looked for first.
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
    """`cancel`, `pause` or `resume` the job of a run; stores and returns it as it then is.

    Asked once. Where the answer is lost the job is looked at instead: a second cancel could meet a resumed job.
    Raises ProviderError.
    """
    if run.job_id is None:
        raise ProviderError(f"{run.run} has no job yet: its submission is {run.status}.")
    try:
        job = await client.act(run.job_id, action)
    except faults.Unclear:
        job = await client.job(run.job_id)
    except faults.Refused as refusal:  # it may be so already: asked twice, here or by a gateway on the way
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
    late = run.closed and not job.finished  # an answer of before the end
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
    """Fetch what a finished job leaves behind."""
    for file_id in run.result_files:
        body = await _beside_the_status(client.content(file_id), run, job, ledger)
        if body:
            ledger.add_results(run.run, result_rows(body))
    return ledger.update(run.run, swept=1)


async def _beside_the_status(
    request: Awaitable[T], run: Run, job: records.ProviderJob, ledger: Ledger
) -> T | None:
    """What is told beside a job's status; None where the provider does not have it.

    Where it cannot be read though the job has ended, it is asked for `ENOUGH` times and then done without: a
    result file that never comes must not keep an end from being told.
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
        if tries < ENOUGH:
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
        pass  # what came before the broken row is good
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
    """Every event of a run, those already stored first, until its job is finished and all is stored.

    Faults that may pass are waited out (`waiting` is told); a refusal that will not pass is raised, and so is
    the last fault once `patience` seconds were waited in vain: pauses count, not the clock, which also runs while
    a laptop sleeps. The job goes on in any case.
    """
    line = _FollowerClient(run, client, waiting)
    waited, failures, place = 0.0, 0, 0
    try:
        while True:
            # Told from the ledger, so that nothing is missed which a cut-off poll or another process stored.
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
                    return  # refused, abandoned or still unclear: nothing to follow
                failures, waited = 0, 0.0
                pause = 0 if run.settled else interval(run, line.kind)
            await asyncio.sleep(pause)
    finally:
        await line.close()


class _FollowerClient:
    """The client of a follower: made when needed; the local server may come back at another address."""

    def __init__(self, run: Run, shared: Client | None, waiting: Waiting | None) -> None:
        self._name = run.provider
        self._waiting = waiting or (lambda fault, seconds: None)
        self._given = shared
        self._own: Client | None = None

    @property
    def kind(self) -> str:
        used = self._given or self._own
        return used.provider.kind if used else "local"

    async def client(self) -> Client:
        if self._given:
            return self._given
        if self._own is None:
            self._own = await connect(providers.get(self._name))
            self._own.waiting = self._waiting
        return self._own

    async def drop(self, fault: ProviderError) -> None:
        """Look for a managed server anew after it could not be reached."""
        if self._own and self._own.provider.managed and not isinstance(fault, faults.Refused):
            await self.close()

    async def close(self) -> None:
        if self._own:
            await self._own.close()
        self._own = None


def pause_after(fault: ProviderError, failures: int) -> float | None:
    """Seconds until the next poll after `failures` faults and this one; None: asking again cannot help."""
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
    """The last step and how many there will be, by the newest event that tells; None where none does."""
    for event in reversed(ledger.events(run.run)):
        step, total = records.integer(event.data.get("step")), records.integer(event.data.get("total_steps"))
        if step is not None and total:
            return min(step, total), total
    return None


def cost_so_far(run: Run, ledger: Ledger) -> tuple[int | None, float | None]:
    """Tokens trained and US$ so far: told by the provider at the end, before by the share of steps done."""
    if run.closed and run.status != "cancelled":
        return run.trained_tokens, run.usd_estimate if run.status == "succeeded" else None
    done, planned = progress(run, ledger), ledger.step(run.run, "estimate")
    if done is None:
        return run.trained_tokens, None
    share, tokens = done[0] / done[1], records.integer(planned[1].get("billed_tokens")) if planned else None
    usd = None if run.usd_estimate is None else run.usd_estimate * share
    return run.trained_tokens or (None if tokens is None else round(tokens * share)), usd


def time_left(run: Run, ledger: Ledger) -> float | None:
    """Seconds until training ends, by the pace of its last steps on the provider's clock; None if unknown."""
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

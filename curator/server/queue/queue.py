"""The job queue: two tasks of the event loop, of which one validates new jobs and one trains them in order."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from curator.log import log_failure
from curator.server import ids
from curator.server.queue.training import Training
from curator.server.queue.validator import Validator
from curator.server.settings import ServerSettings
from curator.server.store.catalog import Catalog
from curator.server.store.files import FileStore
from curator.server.store.jobs import JobStore

_RETRY_SECONDS = 2.0


class Queue:
    """Works through the jobs of the database, which alone says what is to be done, so that a crash loses
    nothing."""

    def __init__(self, jobs: JobStore, files: FileStore, catalog: Catalog, settings: ServerSettings) -> None:
        self._jobs = jobs
        self._settings = settings
        self._validator = Validator(jobs, files, catalog, settings)
        self._training = Training(jobs, files, catalog, settings)
        self._created, self._queued = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start both tasks; needs a running event loop."""
        turns = (self._validate, self._train)
        self._tasks = [asyncio.create_task(_forever(turn)) for turn in turns]

    async def stop(self) -> None:
        """Stop both tasks and ask the training process to save its state and stop."""
        handle = self._training.handle()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if handle is not None:
            await self._training.stop(handle)

    def folder(self, job_id: str) -> Path:
        """A job's folder."""
        return self._settings.jobs / job_id

    def wake_for_new_job(self) -> None:
        """Look for a job to validate: one was created."""
        self._created.set()

    def wake_for_change(self, job_id: str) -> None:
        """Look at the jobs again: this one was cancelled, paused or resumed. A running one stops after its
        step."""
        self._validator.cancel(job_id)
        self._queued.set()

    async def _validate(self) -> None:
        self._created.clear()
        job = await asyncio.to_thread(self._jobs.oldest, "validating_files")
        if job is None:
            await self._created.wait()
            return
        await self._validator.run(job)
        self._queued.set()

    async def _train(self) -> None:
        self._queued.clear()
        for orphan in await asyncio.to_thread(self._jobs.list_with_worker):
            await self._training.run(orphan, left_over=True)
        job = await asyncio.to_thread(self._jobs.oldest, "queued")
        if job is None:
            await self._queued.wait()
        else:
            await self._training.run(job)

    def sweep(self) -> None:
        """At start, remove job folders without a row: their creation was interrupted before the client was
        answered."""
        job_ids = {row["id"] for row in self._jobs.db.rows("SELECT id FROM jobs")}
        for path in self._settings.jobs.iterdir():
            if path.name not in job_ids and path.name.startswith(ids.JOB):
                shutil.rmtree(path, ignore_errors=True)


async def _forever(turn: Callable[[], Awaitable[None]]) -> None:
    """Call `turn` again and again; a failure, such as a full disk, is logged and tried again."""
    while True:
        try:
            await turn()
        except Exception:
            log_failure()
            await asyncio.sleep(_RETRY_SECONDS)

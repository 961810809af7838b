"""The durable queue: two tasks of the event loop, one validates new jobs, one trains them in order."""

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
    """What the tables say is what there is to do: nothing is remembered here that a crash could lose."""

    def __init__(self, jobs: JobStore, files: FileStore, catalog: Catalog, settings: ServerSettings) -> None:
        self._jobs = jobs
        self._settings = settings
        self._validator = Validator(jobs, files, catalog, settings)
        self._training = Training(jobs, files, catalog, settings)
        self._created, self._queued = asyncio.Event(), asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work; needs a running event loop."""
        turns = (self._validate, self._train)
        self._tasks = [asyncio.create_task(_forever(turn)) for turn in turns]

    async def stop(self) -> None:
        """Stop working; the training process is asked to save and stop."""
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
        """Tell the queue that a job was created."""
        self._created.set()

    def wake_for_change(self, job_id: str) -> None:
        """Tell the queue that a job was cancelled, paused or resumed; a running one hears it within a step."""
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
        """At start: drop the folders of jobs that were never told to anybody."""
        job_ids = {row["id"] for row in self._jobs.db.rows("SELECT id FROM jobs")}
        for path in self._settings.jobs.iterdir():
            if path.name not in job_ids and path.name.startswith(ids.JOB):
                shutil.rmtree(path, ignore_errors=True)


async def _forever(turn: Callable[[], Awaitable[None]]) -> None:
    """Take turns; a failed one (a full disk, say) is logged and tried again."""
    while True:
        try:
            await turn()
        except Exception:
            log_failure()
            await asyncio.sleep(_RETRY_SECONDS)

"""Start a job's training process, follow its facts, stop it, and act on how it ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import time
from pathlib import Path
from typing import Any

from curator.atomic import write_bytes
from curator.core.text import one_line
from curator.log import log_failure
from curator.server import ids
from curator.server.queue import progress_facts as facts
from curator.server.queue.worker_process import WorkerProcess
from curator.server.settings import ServerSettings
from curator.server.store import finished_job as results
from curator.server.store.catalog import Catalog
from curator.server.store.files import RESULTS, FileStore
from curator.server.store.job import LIVE, JobRow
from curator.server.store.jobs import JobStore

_POLL_SECONDS = 0.3
_RETRY_SECONDS = 2.0
"""Seconds to wait after a failed write before the next attempt; the disk may be full."""
_END_SECONDS = 20.0
"""Seconds that a process may take to end after it reported its end or its job was cancelled; then it is killed."""
_STOP_SECONDS = 0.5
"""Seconds that `stop` waits for the process."""
_CONTROLS = {"paused": "pause", "cancelled": "cancel"}
_RUNNING = frozenset({"running"})
_STATE = ("training.jsonl", "validation.jsonl", "state.safetensors", "state.json", "control")
"""Files of a job's folder that only a resume needs."""


class Training:
    """Trains one job at a time."""

    def __init__(self, jobs: JobStore, files: FileStore, catalog: Catalog, settings: ServerSettings) -> None:
        self._jobs = jobs
        self._files = files
        self._catalog = catalog
        self._settings = settings
        self._current: tuple[str, WorkerProcess] | None = None

    async def run(self, job: JobRow, *, left_over: bool = False) -> None:
        """Train a queued job; with `left_over`, follow one whose process an earlier server started. An
        unexpected error fails this job only."""
        worker = WorkerProcess(self._folder(job.id), job.pid)
        try:
            if left_over or await asyncio.to_thread(self._start, job, worker):
                self._current = (job.id, worker)
                await self._follow(job.id, worker)
        except Exception as error:
            log_failure()
            worker.signal(signal.SIGKILL)
            message = f"The server could not go on with this job: {one_line(str(error), 200)}"
            with contextlib.suppress(sqlite3.Error):
                await asyncio.to_thread(self._jobs.fail, job.id, "server_error", message)
                await asyncio.to_thread(self._jobs.update, job.id, pid=None, outcome=None)
        finally:
            self._current = None

    def handle(self) -> tuple[str, WorkerProcess] | None:
        """The id of the job that is training and its process; None if there is none."""
        return self._current

    async def stop(self, handle: tuple[str, WorkerProcess]) -> None:
        """Ask a process to save its state and stop, and wait for it briefly; the next server goes on with the
        job."""
        job_id, worker = handle
        await asyncio.to_thread(self._jobs.update, job_id, stopping=1)
        worker.signal(signal.SIGTERM)
        ends = time.monotonic() + _STOP_SECONDS
        while worker.is_alive() and time.monotonic() < ends:
            await asyncio.sleep(0.05)

    def _folder(self, job_id: str) -> Path:
        return self._settings.jobs / job_id

    def _start(self, job: JobRow, worker: WorkerProcess) -> bool:
        """Start the process. False if the job cannot be trained or is no longer queued."""
        base = self._catalog.base_models().get(job.model)
        if base is None:
            message = f"The model {job.model} is no longer on this machine."
            self._jobs.fail(job.id, "model_not_available", message, "model")
            return False
        if not self._jobs.move(job.id, frozenset({"queued"}), "running", None):
            return False
        self._write_job(job, base.path)
        self._jobs.update(job.id, pid=worker.start(self._settings.worker))
        return True

    def _write_job(self, job: JobRow, base: Path) -> None:
        folder = self._folder(job.id)
        (folder / "control").unlink(missing_ok=True)
        with (folder / "progress.jsonl").open("ab") as progress:
            progress.write(b"\n")  # ends the half line that a killed process may have left
        spec = {
            "job_id": job.id,
            "model": job.model,
            "model_path": str(base),
            "engine": job.engine,
            "method": job.method,
            "training_file": str(folder / "training.jsonl"),
            "validation_file": None if job.validation_file is None else str(folder / "validation.jsonl"),
            "hyperparameters": job.hyperparameters,
            "seed": job.seed,
            "threads": self._settings.threads or os.cpu_count() or 1,
        }
        write_bytes(folder / "job.json", json.dumps(spec, indent=1).encode())

    async def _follow(self, job_id: str, worker: WorkerProcess) -> None:
        """Store the worker's facts until it has ended, then act on how it ended."""
        ends, control = float("inf"), None
        while True:
            alive = worker.is_alive()
            try:
                job, read = await asyncio.to_thread(self._store_new_facts, job_id)
                if not alive and not read:
                    await asyncio.to_thread(self._conclude, job_id, worker)
                    return
                control = await asyncio.to_thread(self._write_control, job, control) if alive else control
            except (OSError, sqlite3.Error):
                await asyncio.sleep(_RETRY_SECONDS)  # the worker goes on, and its facts stay in its file
                continue
            if job.ended or job.outcome is not None:
                ends = min(ends, time.monotonic() + _END_SECONDS)
            if time.monotonic() > ends:
                worker.signal(signal.SIGKILL)
            if alive:
                await asyncio.sleep(_POLL_SECONDS)

    def _store_new_facts(self, job_id: str) -> tuple[JobRow, int]:
        """Store the new facts; returns the job as it is now and the number of bytes read."""
        job = self._jobs.get(job_id)
        batch = facts.read_facts(self._folder(job_id) / "progress.jsonl", job.offset)
        if batch.offset == job.offset:
            return job, 0
        with self._jobs.db.transaction() as db:
            dropped = facts.store_facts(db, job, batch, self._settings.limits.checkpoints)
        for path in dropped:
            results.remove_inside(self._folder(job_id), path)
        return self._jobs.get(job_id), batch.offset - job.offset

    def _write_control(self, job: JobRow, last_control: str | None) -> str | None:
        """Write the control file if the job is paused or cancelled; returns the last word written there."""
        control = _CONTROLS.get(job.status)
        if control is not None and control != last_control:
            write_bytes(self._folder(job.id) / "control", control.encode())
            return control
        if job.status == "queued" and last_control is None:  # resumed before the control file was written
            self._jobs.move(job.id, frozenset({"queued"}), "running", None)
        return last_control

    def _conclude(self, job_id: str, worker: WorkerProcess) -> None:
        """Act on the fact with which the worker ended, or on its absence. Safe to repeat after a crash."""
        job = self._jobs.get(job_id)
        outcome = job.outcome or {}
        kind = outcome.get("kind")
        if job.ended:
            pass
        elif kind == "succeeded":
            self._succeed(job, outcome)
        elif kind == "failed":
            self._jobs.fail(job_id, str(outcome.get("code")), str(outcome.get("message")))
        elif kind == "cancelled":
            self._jobs.move(job_id, LIVE, "cancelled", ("cancelled", "Fine-tuning job cancelled"))
        elif kind == "paused":
            self._jobs.move(job_id, _RUNNING, "paused", None)
        elif job.status == "running":
            self._requeue_or_fail(job, worker)
        self._jobs.update(job_id, pid=None, outcome=None, stopping=0)
        if self._jobs.get(job_id).ended:
            for name in _STATE:
                (self._folder(job_id) / name).unlink(missing_ok=True)
            shutil.rmtree(self._folder(job_id) / "hf", ignore_errors=True)

    def _requeue_or_fail(self, job: JobRow, worker: WorkerProcess) -> None:
        """The process ended without reporting why: queue the job again, or fail it after too many crashes."""
        if job.stopping or job.pid is None:
            self._jobs.move(job.id, _RUNNING, "queued", None)
            return
        crashes = job.crashes + 1
        if crashes >= self._settings.limits.crashes:
            message = f"The training process ended unexpectedly {crashes} times{worker.describe_end()}"
            self._jobs.fail(job.id, "server_error", message)
            return
        message = "The training process ended unexpectedly; the job goes on from what it had saved"
        self._jobs.move(job.id, _RUNNING, "queued", (f"crash:{crashes}", message), crashes=crashes)

    def _succeed(self, job: JobRow, outcome: dict[str, Any]) -> None:
        """Publish the result file and the model, in one transaction with the job's end."""
        scratch = self._settings.scratch / ids.tail(24)
        scratch.write_bytes(results.metrics_csv(self._jobs.metrics(job.id)))
        file = self._files.place(scratch, "step_metrics.csv", RESULTS)
        results.publish_model(self._jobs.db, job, outcome, file)

"""The durable queue: validates new jobs, trains one at a time, and picks up what a former server left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from curator.atomic import write_bytes
from curator.core.text import one_line
from curator.log import log_failure
from curator.server import facts, ids, results
from curator.server.catalog import Catalog
from curator.server.files import RESULTS, FileStore
from curator.server.jobs import TERMINAL, Job, JobStore
from curator.server.process import Worker, environment
from curator.server.settings import Settings

_POLL_SECONDS = 0.3
_END_SECONDS = 20.0
"""How long a process that said its last word, or whose job was cancelled, may take to leave."""
_CONTROLS = {"paused": "pause", "cancelled": "cancel"}
_ACTIVE = frozenset({"validating_files", "queued", "running", "paused"})


class Queue:
    """Two tasks of the event loop; all disk work happens in threads."""

    def __init__(self, jobs: JobStore, files: FileStore, catalog: Catalog, settings: Settings) -> None:
        self._jobs = jobs
        self._files = files
        self._catalog = catalog
        self._settings = settings
        self._arrived = asyncio.Event()
        self._queued = asyncio.Event()
        self._worker: Worker | None = None
        self._training: str | None = None
        self._validator: tuple[str, asyncio.subprocess.Process] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to work; needs a running event loop."""
        self._tasks = [asyncio.create_task(self._validate_all()), asyncio.create_task(self._train_all())]

    async def stop(self) -> None:
        """Ask the training process to save and stop, and wait a moment; the next start does the rest."""
        worker, job_id = self._worker, self._training
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._kill_validator()
        if worker is None or job_id is None:
            return
        await asyncio.to_thread(self._jobs.update, job_id, stopping=1)
        worker.signal(signal.SIGTERM)
        for _ in range(5):
            if not worker.alive():
                return
            await asyncio.sleep(0.1)

    def folder(self, job_id: str) -> Path:
        """A job's folder."""
        return self._settings.jobs / job_id

    def arrived(self) -> None:
        """Tell the queue that a job was created or resumed."""
        self._arrived.set()
        self._queued.set()

    def moved(self, job_id: str) -> None:
        """Tell the queue that a job was cancelled, paused or resumed; a running one hears it within a step."""
        if self._validator is not None and self._validator[0] == job_id:
            self._kill_validator()
        self.arrived()

    def _kill_validator(self) -> None:
        if self._validator is not None:
            with contextlib.suppress(ProcessLookupError):
                self._validator[1].kill()

    # Validation

    async def _validate_all(self) -> None:
        while True:
            self._arrived.clear()
            job = await asyncio.to_thread(self._jobs.oldest, "validating_files")
            if job is None:
                await self._arrived.wait()
            else:
                await self._guarded(job.id, self._validate(job))

    async def _validate(self, job: Job) -> None:
        base = (await asyncio.to_thread(self._catalog.bases)).get(job.model)
        roles = ["training"] if job.validation_file is None else ["validation", "training"]
        verdict: dict[str, Any] = {}
        for role in roles:
            verdict = await self._verdict(job, role, None if base is None else base.path)
            if "code" in verdict:
                await asyncio.to_thread(self._refuse, job, role, verdict)
                return
        event = ("validated", "Files validated, moving job to queued state")
        validating, chosen = frozenset({"validating_files"}), verdict.get("engine")
        await asyncio.to_thread(self._jobs.move, job.id, validating, "queued", event, engine=chosen)
        self._queued.set()

    async def _verdict(self, job: Job, role: str, base: Path | None) -> dict[str, Any]:
        path = self.folder(job.id) / f"{role}.jsonl"
        words = [sys.executable, "-m", "curator.server.validation", str(path), job.method, role]
        words += [str(base)] if role == "training" and base is not None else []
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env=environment()
        )
        self._validator = (job.id, process)
        try:
            out, _ = await process.communicate()
        finally:
            self._validator = None
        try:
            verdict = json.loads(out)
        except ValueError:
            return {"code": "invalid_training_file", "message": f"The {role} file could not be validated."}
        return verdict if isinstance(verdict, dict) else {}

    def _refuse(self, job: Job, role: str, verdict: dict[str, Any]) -> None:
        code, message = str(verdict["code"]), str(verdict["message"])
        param: str | None = f"{role}_file"
        if code == "model_not_supported":
            param = "model"
        elif code != "invalid_n_examples":
            file_id = job.training_file if role == "training" else job.validation_file
            self._files.mark_broken(str(file_id), message)
            message = f"The job failed due to an invalid {role} file. {message}"
        self._jobs.fail(job.id, code, message, param)

    # Training

    async def _train_all(self) -> None:
        for left in await asyncio.to_thread(self._jobs.with_worker):
            await self._guarded(left.id, self._follow(left, Worker(self.folder(left.id), left.pid)))
        while True:
            self._queued.clear()
            job = await asyncio.to_thread(self._jobs.oldest, "queued")
            if job is None:
                await self._queued.wait()
            else:
                await self._guarded(job.id, self._train(job))

    async def _train(self, job: Job) -> None:
        worker = Worker(self.folder(job.id))
        if await asyncio.to_thread(self._begin, job, worker):
            await self._follow(job, worker)

    async def _guarded(self, job_id: str, work: Coroutine[Any, Any, None]) -> None:
        """Whatever goes wrong with one job must not end the queue: that job fails, the next one has its turn."""
        try:
            await work
        except Exception as error:
            log_failure()
            if self._worker is not None:
                self._worker.signal(signal.SIGKILL)
            self._worker = self._training = None
            await asyncio.sleep(1)  # a full disk does not get better at once
            message = f"The server could not go on with this job: {one_line(str(error), 200)}"
            with contextlib.suppress(sqlite3.Error):
                await asyncio.to_thread(self._jobs.fail, job_id, "server_error", message)
                await asyncio.to_thread(self._jobs.update, job_id, pid=None, outcome=None)

    def _begin(self, job: Job, worker: Worker) -> bool:
        """Start the training process; whether there is something to follow."""
        base = self._catalog.bases().get(job.model)
        if base is None:
            self._jobs.fail(job.id, "model_not_available", f"The model {job.model} is no longer on this machine.")
            return False
        if not self._jobs.move(job.id, frozenset({"queued"}), "running", None):
            return False
        try:
            self._write_job(job, base.path)
            pid = worker.start(self._settings.worker)
        except OSError as error:
            self._jobs.fail(job.id, "server_error", f"The training process could not start: {error}")
            return False
        self._jobs.update(job.id, pid=pid)
        return True

    def _threads(self) -> int:
        return self._settings.threads or os.cpu_count() or 1

    def _write_job(self, job: Job, base: Path) -> None:
        folder = self.folder(job.id)
        (folder / "control").unlink(missing_ok=True)
        with (folder / "progress.jsonl").open("ab") as progress:
            progress.write(b"\n")  # ends a line that a killed process may have torn
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
            "threads": self._threads(),
        }
        write_bytes(folder / "job.json", json.dumps(spec, indent=1).encode())

    async def _follow(self, job: Job, worker: Worker) -> None:
        """Turn what the worker writes into events until it is gone, then act on how it ended."""
        self._worker, self._training = worker, job.id
        deadline, told = None, None
        while True:
            alive = worker.alive()
            current, read = await asyncio.to_thread(self._take, job.id)
            if not alive and not read:
                break
            if alive:
                told = await asyncio.to_thread(self._tell, current, told)
                if current.status in TERMINAL or current.outcome is not None:
                    deadline = deadline or time.monotonic() + _END_SECONDS
                    if time.monotonic() > deadline:
                        worker.signal(signal.SIGKILL)
                await asyncio.sleep(_POLL_SECONDS)
        await asyncio.to_thread(self._conclude, job.id, worker)
        self._worker = self._training = None

    def _take(self, job_id: str) -> tuple[Job, int]:
        """Store the facts that are new; the job as it now is, and how many bytes were read."""
        job = self._jobs.get(job_id)
        batch = facts.read(self.folder(job_id) / "progress.jsonl", job.offset)
        if batch.offset == job.offset:
            return job, 0
        with self._jobs.db.transaction() as db:
            dropped = facts.record(db, job, batch, self._settings.limits.checkpoints)
        for path in dropped:
            results.remove_inside(self.folder(job_id), path)
        return self._jobs.get(job_id), batch.offset - job.offset

    def _tell(self, job: Job, told: str | None) -> str | None:
        """Write the control file that the job's state asks for; what has been told so far."""
        control = _CONTROLS.get(job.status)
        if control is not None and control != told:
            write_bytes(self.folder(job.id) / "control", control.encode())
            return control
        if job.status == "queued" and told is None:  # paused and resumed before the worker heard of it
            self._jobs.move(job.id, frozenset({"queued"}), "running", None)
        return told

    def _conclude(self, job_id: str, worker: Worker) -> None:
        job = self._jobs.get(job_id)
        kind = None if job.outcome is None else job.outcome["kind"]
        if job.status not in TERMINAL:
            if kind == "succeeded" and job.outcome is not None:
                self._succeed(job, job.outcome)
            elif kind == "failed" and job.outcome is not None:
                self._jobs.fail(job_id, str(job.outcome.get("code")), str(job.outcome.get("message")))
            elif kind == "cancelled":
                self._jobs.move(job_id, _ACTIVE, "cancelled", ("cancelled", "Fine-tuning job cancelled"))
            elif kind == "paused":
                self._jobs.move(job_id, frozenset({"running"}), "paused", None)
            elif job.status == "running":
                self._again(job, worker)
        self._jobs.update(job_id, pid=None, outcome=None, stopping=0)
        if self._jobs.get(job_id).status in TERMINAL:
            self._tidy(job_id)

    def _again(self, job: Job, worker: Worker) -> None:
        """The process is gone without a word: go on from what it saved, or give up after too many crashes."""
        running = frozenset({"running"})
        if job.stopping or job.pid is None:
            self._jobs.move(job.id, running, "queued", None)
            return
        crashes = job.crashes + 1
        words = worker.last_words()
        if crashes >= self._settings.limits.crashes:
            message = f"The training process ended unexpectedly {crashes} times{words}"
            self._jobs.fail(job.id, "server_error", message)
            return
        message = "The training process ended unexpectedly; the job goes on from what it had saved"
        event = (f"crash:{crashes}", message)
        self._jobs.move(job.id, running, "queued", event, crashes=crashes)

    def _succeed(self, job: Job, outcome: dict[str, Any]) -> None:
        """Make the result file and the model known in one transaction with the job's end."""
        scratch = self._settings.scratch / ids.tail(24)
        scratch.write_bytes(results.csv(self._jobs.metrics(job.id)))
        file = self._files.place(scratch, "step_metrics.csv", RESULTS)
        results.publish(self._jobs.db, job, outcome, file)

    def _tidy(self, job_id: str) -> None:
        """Drop what only a resume would need."""
        folder = self.folder(job_id)
        for name in ("training.jsonl", "validation.jsonl", "state.safetensors", "state.json", "control"):
            (folder / name).unlink(missing_ok=True)
        shutil.rmtree(folder / "hf", ignore_errors=True)

    def sweep(self) -> None:
        """At start: drop the folders of jobs that were never told to anybody."""
        known = {row["id"] for row in self._jobs.db.rows("SELECT id FROM jobs")}
        for path in self._settings.jobs.iterdir():
            if path.name not in known:
                shutil.rmtree(path, ignore_errors=True)

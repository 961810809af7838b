"""Validate a new job's files in a process of its own, then queue the job or fail it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from curator.server.engines.job import why_setting_unsupported
from curator.server.queue.worker_process import child_environment
from curator.server.settings import ServerSettings
from curator.server.store.catalog import Catalog
from curator.server.store.files import FileStore
from curator.server.store.job import JobRow
from curator.server.store.jobs import JobStore

_FILE_FAULTS = frozenset({"invalid_file_format", "invalid_training_file"})


class Validator:
    """Validates one job at a time."""

    def __init__(self, jobs: JobStore, files: FileStore, catalog: Catalog, settings: ServerSettings) -> None:
        self._jobs = jobs
        self._files = files
        self._catalog = catalog
        self._settings = settings
        self._job_id = ""
        self._process: asyncio.subprocess.Process | None = None
        self._stopped = False
        """Whether the validation was stopped, because the job was cancelled or paused."""

    async def run(self, job: JobRow) -> None:
        """Validate the job's files and choose its engine; the job becomes queued or failed."""
        base = (await asyncio.to_thread(self._catalog.base_models)).get(job.model)
        roles = ["training"] if job.validation_file is None else ["validation", "training"]
        verdict: dict[str, Any] = {}
        self._stopped = False
        for role in roles:
            verdict = await self._verdict(job, role, None if base is None else base.path)
            if self._stopped:
                return
            if "code" in verdict:
                await asyncio.to_thread(self._refuse, job, role, verdict)
                return
            await asyncio.to_thread(self._warn_of_empty_answers, job, role, verdict.get("empty") or [])
        if problem := why_setting_unsupported(str(verdict.get("engine")), job.hyperparameters):
            refusal = {"code": "unsupported_parameter", "message": problem}
            await asyncio.to_thread(self._refuse, job, "training", refusal)
            return
        event = ("validated", "Files validated, moving job to queued state")
        validating, engine = frozenset({"validating_files"}), verdict.get("engine")
        await asyncio.to_thread(self._jobs.move, job.id, validating, "queued", event, engine=engine)

    def cancel(self, job_id: str) -> None:
        """Stop validating this job, if it is the one being validated."""
        if self._process is not None and self._job_id == job_id:
            self._stopped = True
            _kill(self._process)

    async def _verdict(self, job: JobRow, role: str, base: Path | None) -> dict[str, Any]:
        path = self._settings.jobs / job.id / f"{role}.jsonl"
        words = [sys.executable, "-m", "curator.server.children.validation", str(path), job.method, role]
        words += [str(base)] if base is not None else []
        process = await asyncio.create_subprocess_exec(
            *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, env=child_environment()
        )
        self._job_id, self._process = job.id, process
        try:
            out, _ = await process.communicate()
        finally:
            _kill(process)
            self._process = None
        try:
            verdict: dict[str, Any] = json.loads(out)
        except ValueError:
            return {"code": "server_error", "message": f"The validation of the {role} file ended unexpectedly."}
        return verdict

    def _warn_of_empty_answers(self, job: JobRow, role: str, lines: list[int]) -> None:
        if lines:
            named = ", ".join(map(str, lines[:5])) + (" …" if len(lines) > 5 else "")
            count = "1 example" if len(lines) == 1 else f"{len(lines)} examples"
            message = f"An empty answer is trained in {count} of the {role} file: line {named}"
            self._jobs.warn(job.id, f"empty:{role}", message)

    def _refuse(self, job: JobRow, role: str, verdict: dict[str, Any]) -> None:
        """Fail the job and mark the file as broken; a job that was cancelled meanwhile stays cancelled."""
        code, message = str(verdict["code"]), str(verdict["message"])
        event = f"The job failed due to an invalid {role} file. {message}" if code in _FILE_FAULTS else message
        params = {"model_not_supported": "model", "server_error": None, "unsupported_parameter": "hyperparameters"}
        if self._jobs.fail(job.id, code, event, params.get(code, f"{role}_file")) and code in _FILE_FAULTS:
            file_id = job.training_file if role == "training" else job.validation_file
            self._files.mark_broken(str(file_id), message)


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()

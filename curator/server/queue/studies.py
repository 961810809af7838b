"""Studies, one at a time: make their folders, start their processes, tell how far they are.

A study is named by a hash of what is asked, so that asking again finds it, or goes on with it. Its folder alone
tells its state (`engines/studies/spec.py`); what waits for its turn is in memory only.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from curator.atomic import write_bytes
from curator.core.text import count_of
from curator.log import log_failure
from curator.server import ids
from curator.server.errors import ApiError, overloaded
from curator.server.queue.worker_process import WorkerProcess
from curator.server.settings import ServerSettings

_POLL_SECONDS = 0.2
_STOP_SECONDS = 0.5
_KEPT = 60
"""Most studies, and trials, that are kept; the oldest are forgotten."""
_WAITING = 20
"""Most studies that may wait for their turn."""


@dataclass(frozen=True, slots=True)
class StudyRequest:
    """What a client asks: the kind, the base model and its folder, the file of the examples, and the rest."""

    kind: str
    model: str
    model_path: Path
    file: Path
    asked: dict[str, Any]


class Studies:
    """The studies of one server."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._waiting: list[str] = []
        self._current: tuple[str, WorkerProcess] | None = None
        self._arrived = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to take turns; needs a running event loop."""
        self._task = asyncio.create_task(self._forever())

    async def stop(self) -> None:
        """Stop taking turns and ask the running process to stop; what it has is on the disk."""
        current = self._current
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if current is not None:
            current[1].signal(signal.SIGTERM)
            ends = time.monotonic() + _STOP_SECONDS
            while current[1].is_alive() and time.monotonic() < ends:
                await asyncio.sleep(0.05)

    @property
    def busy(self) -> bool:
        """Whether a study runs or waits."""
        return bool(self._waiting) or self._current is not None

    def create(self, request: StudyRequest) -> str:
        """The id of the study that answers a request; its folder is made if it is new. Blocks on the disk."""
        digest = hashlib.sha256(json.dumps([request.kind, request.model, request.asked], sort_keys=True).encode())
        with request.file.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
        study_id = ids.STUDY + digest.hexdigest()[:24]
        folder = self._settings.studies / study_id
        if not (folder / "study.json").is_file():
            self._forget_oldest()
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with contextlib.suppress(FileExistsError):
                os.link(request.file, folder / "examples.jsonl")
            spec = {
                "kind": request.kind,
                "model": request.model,
                "model_path": str(request.model_path),
                "shared": str(self._shared()),
                "threads": self._settings.threads or os.cpu_count() or 1,
                "asked": request.asked,
                "created_at": int(time.time()),
            }
            write_bytes(folder / "study.json", json.dumps(spec).encode())
        return study_id

    def wake(self, study_id: str) -> None:
        """Put a study in the queue, unless it is done, runs, or waits already."""
        folder = self._settings.studies / study_id
        if study_id in self._waiting or self._is_current(study_id) or (folder / "result.json").is_file():
            return
        if len(self._waiting) >= _WAITING:
            raise overloaded(f"{count_of(len(self._waiting), 'study is', 'studies are')} waiting.")
        for name in ("failed.json", "control", "progress.json"):
            (folder / name).unlink(missing_ok=True)
        self._waiting.append(study_id)
        self._arrived.set()

    def cancel(self, study_id: str) -> None:
        """Stop a study that waits or runs; what it has stays for the next time."""
        folder = self._folder(study_id)
        if (folder / "result.json").is_file():
            return
        write_bytes(folder / "control", b"cancel")
        if study_id in self._waiting:
            self._waiting.remove(study_id)

    def view(self, study_id: str) -> dict[str, Any]:
        """The study as an object. Raises ApiError 404."""
        folder = self._folder(study_id)
        spec, failed = _read(folder / "study.json"), _read(folder / "failed.json")
        progress = _read(folder / "progress.json")
        status = self._status(study_id, folder, bool(failed))
        return {
            "id": study_id,
            "object": "study",
            "kind": spec.get("kind"),
            "model": spec.get("model"),
            "created_at": spec.get("created_at"),
            "status": status,
            "progress": {name: progress.get(name) for name in ("done", "total", "doing")} if progress else None,
            "seconds_left": progress.get("seconds_left") if status == "running" else None,
            "error": failed or None,
        }

    def result(self, study_id: str) -> bytes:
        """The result as JSON. Raises ApiError 404 if there is none."""
        try:
            return (self._folder(study_id) / "result.json").read_bytes()
        except FileNotFoundError:
            raise ApiError(404, f"The study {study_id} has no result yet.", code="study_not_finished") from None

    def _status(self, study_id: str, folder: Path, failed: bool) -> str:
        if (folder / "result.json").is_file():
            return "succeeded"
        if study_id in self._waiting:
            return "queued"
        if self._is_current(study_id) or WorkerProcess(folder).is_alive():
            return "running"
        if failed:
            return "failed"
        return "cancelled" if (folder / "control").is_file() else "interrupted"

    def _is_current(self, study_id: str) -> bool:
        return self._current is not None and self._current[0] == study_id

    def _folder(self, study_id: str) -> Path:
        folder = self._settings.studies / study_id
        if not ids.is_id(study_id, ids.STUDY) or not folder.is_dir():
            raise ApiError(404, f"There is no study {study_id[:60]}.", code="study_not_found")
        return folder

    def _shared(self) -> Path:
        return self._settings.studies / "shared"

    def _forget_oldest(self) -> None:
        """Remove the oldest folders, but none that a process works in."""
        for root, pattern in ((self._settings.studies, f"{ids.STUDY}*"), (self._shared(), "*-*")):
            folders = sorted(root.glob(pattern), key=lambda path: path.stat().st_mtime)
            for folder in folders[: -_KEPT + 1]:
                if self._current is None or self._current[0] != folder.name:
                    shutil.rmtree(folder, ignore_errors=True)

    async def _forever(self) -> None:
        while True:
            self._arrived.clear()
            if not self._waiting:
                await self._arrived.wait()
                continue
            study_id = self._waiting.pop(0)
            worker = WorkerProcess(self._settings.studies / study_id)
            self._current = (study_id, worker)
            try:
                await self._run(worker)
            except Exception as error:
                path = log_failure()
                failed = {"code": "server_error", "message": f"The study could not run ({error}); see {path}."}
                with contextlib.suppress(OSError):
                    write_bytes(worker.folder / "failed.json", json.dumps(failed).encode())
            finally:
                self._current = None

    async def _run(self, worker: WorkerProcess) -> None:
        """Start a study's process, or follow the one that an earlier server started, until it ends."""
        if not worker.is_alive():
            await asyncio.to_thread(worker.start, self._settings.study)
        while worker.is_alive():
            await asyncio.sleep(_POLL_SECONDS)
        names = ("result.json", "failed.json", "control")
        if not any((worker.folder / name).is_file() for name in names) and not self._stopping(worker):
            message = f"The study's process ended unexpectedly{worker.describe_end()}"
            failed = {"code": "server_error", "message": message}
            write_bytes(worker.folder / "failed.json", json.dumps(failed).encode())

    @staticmethod
    def _stopping(worker: WorkerProcess) -> bool:
        """Whether the process left without a word because it was asked to."""
        return worker.describe_end().startswith(" (exit status 0")


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}

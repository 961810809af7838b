"""A stateful, scripted provider over real HTTP, in OpenAI's and in Azure's dialect. For tests only.

A job goes one step of its `script` further each time it is looked at, so that a test is never timed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.jobs.wire import Fault, How, Reply, Request, Wire

KEY = "sk-test-0123456789abcdef"
SCRIPT = ("validating_files", "queued", "running", "running", "running", "succeeded")
AZURE_SCRIPT = ("pending", "running", "running", "running", "succeeded")


def error(status: int, message: str, code: str | None = None, **headers: str) -> Reply:
    body = {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


REFUSED = {
    "error": {
        "message": "OpenAI is winding down the fine-tuning platform and your organization is no longer able to "
        "create new fine-tuning training jobs.",
        "type": "invalid_request_error",
        "param": None,
        "code": "training_not_available",
    }
}


@dataclass
class FakeJob:
    id: str
    body: dict[str, Any]
    script: tuple[str, ...]
    at: int = 0
    forced: str | None = None
    events: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None

    @property
    def status(self) -> str:
        return self.forced or self.script[min(self.at, len(self.script) - 1)]


class FakeProvider:
    """`dialect` is `openai` or `azure`. `wire.faults` spoils answers; the rest is state a test may look at."""

    def __init__(self, dialect: str = "openai") -> None:
        self.dialect = dialect
        self.wire = Wire(self.handle)
        self.files: dict[str, dict[str, Any]] = {}
        self.contents: dict[str, bytes] = {}
        self.jobs: dict[str, FakeJob] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        self.deployments: dict[str, int] = {}
        self.script: tuple[str, ...] = AZURE_SCRIPT if dialect == "azure" else SCRIPT
        self.clock = 1_790_000_000
        self.metadata_filter = True
        self.invisible: set[str] = set()
        """Ids that listings do not show (yet)."""
        self.repeat_events = False
        self.reverse_events = False
        self.base64_results = dialect == "openai"
        self.answers: dict[str, str] = {}
        """By prompt, or by model and prompt: `MODEL: PROMPT`."""
        self.reply: Callable[[str, str], str | None] = lambda model, asked: None
        """An answer made of the model and the last message, which comes before those of `answers`."""
        self.models = [{"id": "gpt-4.1-mini-2025-04-14", "object": "model", "created": 1, "owned_by": "system"}]
        self.key = KEY
        self.advance = True

    # -- for tests ----------------------------------------------------------------------------------------

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.wire.port}"

    @property
    def base_url(self) -> str:
        return self.origin + ("/v1" if self.dialect == "openai" else "")

    def fault(self, method: str, path: str, how: How, times: int = 1, **more: Any) -> Fault:
        found = Fault(method, path, how, times, **more)
        self.wire.faults.append(found)
        return found

    def jobs_of(self, intent: str) -> list[FakeJob]:
        return [job for job in self.jobs.values() if job.body.get("metadata", {}).get("curator_intent") == intent]

    # -- routing --------------------------------------------------------------------------------------------

    async def handle(self, request: Request) -> Reply:
        if request.path.startswith("/subscriptions/"):
            return self._control(request)
        given = request.headers.get("api-key") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if given != self.key:
            return error(401, f"Incorrect API key provided: {given}", "invalid_api_key")
        path = re.sub(r"^(/openai/v1|/openai|/v1)", "", request.path)
        for method, pattern, handler in self._routes():
            match = re.fullmatch(pattern, path)
            if match and method == request.method:
                reply = handler(request, *match.groups())
                assert isinstance(reply, Reply)
                return reply
        return error(404, f"Invalid URL ({request.method} {request.path})")

    def _routes(self) -> list[tuple[str, str, Any]]:
        return [
            ("POST", "/files", self._upload),
            ("GET", "/files", self._list_files),
            ("GET", "/files/([^/]+)", self._file),
            ("DELETE", "/files/([^/]+)", self._delete_file),
            ("GET", "/files/([^/]+)/content", self._content),
            ("POST", "/uploads", self._begin),
            ("POST", "/uploads/([^/]+)/parts", self._part),
            ("POST", "/uploads/([^/]+)/complete", self._complete),
            ("POST", "/uploads/([^/]+)/cancel", self._abandon),
            ("POST", "/fine_tuning/jobs", self._create),
            ("GET", "/fine_tuning/jobs", self._list_jobs),
            ("GET", "/fine_tuning/jobs/([^/]+)", self._job),
            ("POST", "/fine_tuning/jobs/([^/]+)/(cancel|pause|resume)", self._act),
            ("GET", "/fine_tuning/jobs/([^/]+)/events", self._events),
            ("GET", "/fine_tuning/jobs/([^/]+)/checkpoints", self._checkpoints),
            ("GET", "/models", lambda _: Reply(body={"object": "list", "data": self.models})),
            ("DELETE", "/models/([^/]+)", lambda _, m: Reply(body={"id": m, "object": "model", "deleted": True})),
            ("POST", "(?:/deployments/[^/]+)?/chat/completions", self._chat),
        ]

    def _tick(self) -> int:
        self.clock += 1
        return self.clock

    # -- files ------------------------------------------------------------------------------------------------

    def _upload(self, request: Request) -> Reply:
        boundary = re.search(r'boundary="?([^";]+)', request.headers["content-type"])
        assert boundary
        for part in request.body.split(b"--" + boundary[1].encode()):
            head, _, data = part.partition(b"\r\n\r\n")
            if name := re.search(rb'filename="([^"]*)"', head):
                return self._store(name[1].decode(), data.removesuffix(b"\r\n"))
        return error(400, "no file")

    def _store(self, name: str, data: bytes) -> Reply:
        if not data.lstrip().startswith(b"{"):
            return error(400, "Expected file to have JSONL format, where every line is a JSON dictionary.")
        file_id = f"file-{len(self.files) + 1:04d}"
        self.contents[file_id] = data
        self.files[file_id] = {
            "id": file_id,
            "object": "file",
            "bytes": len(data),
            "created_at": self._tick(),
            "filename": name,
            "purpose": "fine-tune",
            "status": "pending" if self.dialect == "azure" else "processed",
        }
        return Reply(201 if self.dialect == "azure" else 200, dict(self.files[file_id]))

    def _list_files(self, request: Request) -> Reply:
        shown = [file for file in reversed(self.files.values()) if file["id"] not in self.invisible]
        return self._page(request, shown, 10_000)

    def _file(self, request: Request, file_id: str) -> Reply:
        file = self.files.get(file_id)
        if file is None:
            return error(404, f"No such File object: {file_id}")
        shown = dict(file)
        file["status"] = {"pending": "running", "running": "processed"}.get(file["status"], file["status"])
        return Reply(body=shown)

    def _delete_file(self, request: Request, file_id: str) -> Reply:
        if self.files.pop(file_id, None) is None:
            return error(404, f"No such File object: {file_id}")
        return Reply(body={"id": file_id, "object": "file", "deleted": True})

    def _content(self, request: Request, file_id: str) -> Reply:
        if file_id.startswith("file-result"):
            header = b"step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n"
            rows = header + b"1,3.5,0.5,,\n2,1.5,0.7,2.0,0.6\n"
            return Reply(
                raw=base64.b64encode(rows) if self.base64_results else rows, media="application/octet-stream"
            )
        if file_id not in self.contents:
            return error(404, f"No such File object: {file_id}")
        return Reply(raw=self.contents[file_id], media="application/octet-stream")

    # -- uploads ----------------------------------------------------------------------------------------------

    def _begin(self, request: Request) -> Reply:
        upload_id = f"upload_{len(self.uploads) + 1}"
        self.uploads[upload_id] = {**request.json(), "parts": {}}
        return Reply(body=self._upload_object(upload_id, "pending"))

    def _upload_object(self, upload_id: str, status: str, file: Any = None) -> dict[str, Any]:
        made = self.uploads[upload_id]
        return {
            "id": upload_id,
            "object": "upload",
            "bytes": made["bytes"],
            "created_at": self.clock,
            "expires_at": self.clock + 3600,
            "filename": made["filename"],
            "purpose": made["purpose"],
            "status": status,
            "file": file,
        }

    def _part(self, request: Request, upload_id: str) -> Reply:
        data = request.body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0]
        part_id = f"part_{len(self.uploads[upload_id]['parts']) + 1}"
        self.uploads[upload_id]["parts"][part_id] = data
        body = {"id": part_id, "object": "upload.part", "created_at": self.clock, "upload_id": upload_id}
        return Reply(body=body)

    def _complete(self, request: Request, upload_id: str) -> Reply:
        made = self.uploads[upload_id]
        data = b"".join(made["parts"][part] for part in request.json()["part_ids"])
        if len(data) != made["bytes"]:
            return error(400, "the parts do not make up the declared bytes")
        return Reply(body=self._upload_object(upload_id, "completed", self._store(made["filename"], data).body))

    def _abandon(self, request: Request, upload_id: str) -> Reply:
        return Reply(body=self._upload_object(upload_id, "cancelled"))

    # -- jobs -------------------------------------------------------------------------------------------------

    def _create(self, request: Request) -> Reply:
        body = request.json()
        file = self.files.get(body.get("training_file", ""))
        if file is None:
            return error(400, f"No such File object: {body.get('training_file')}")
        if self.dialect == "azure" and file["status"] != "processed":
            return error(400, "The file is not ready.", "unexpectedEntityState")
        job = FakeJob(f"ftjob-{len(self.jobs) + 1:04d}", body, self.script)
        self.jobs[job.id] = job
        self._say(job, f"Created fine-tuning job: {job.id}")
        return Reply(body=self._shown(job))

    def _shown(self, job: FakeJob) -> dict[str, Any]:
        done = job.status == "succeeded"
        method = job.body.get("method", {"type": "supervised"})
        hyper = method.get(method["type"], {}).get("hyperparameters", {})
        return {
            "id": job.id,
            "object": "fine_tuning.job",
            "created_at": self.clock,
            "finished_at": self.clock if job.status in ("succeeded", "failed", "cancelled") else None,
            "model": job.body["model"],
            "fine_tuned_model": self._name(job) if done else None,
            "organization_id": "org-1",
            "status": job.status,
            "hyperparameters": {"n_epochs": hyper.get("n_epochs", -1 if self.dialect == "azure" else 3)},
            "training_file": job.body["training_file"],
            "validation_file": job.body.get("validation_file"),
            "result_files": [f"file-result-{job.id}"] if done else [],
            "trained_tokens": 379446 if done else None,
            "error": job.error if job.error is not None else {},
            "seed": 42,
            "metadata": job.body.get("metadata"),
        }

    def _name(self, job: FakeJob) -> str:
        if self.dialect == "azure":
            return f"{job.body['model']}.ft-{job.id[-4:]}"
        return f"ft:{job.body['model']}:org:{job.body.get('suffix', '')}:{job.id[-4:]}"

    def _list_jobs(self, request: Request) -> Reply:
        shown = [self._shown(job) for job in reversed(self.jobs.values()) if job.id not in self.invisible]
        for name, value in request.query.items():
            if self.metadata_filter and (match := re.fullmatch(r"metadata\[(.+)\]", name)):
                shown = [job for job in shown if (job["metadata"] or {}).get(match[1]) == value]
        return self._page(request, shown, 20)

    def _job(self, request: Request, job_id: str) -> Reply:
        job = self.jobs.get(job_id)
        if job is None:
            return error(404, f"Could not find fine tune: {job_id}", "fine_tune_not_found")
        if self.advance and job.forced is None:
            self._step(job)
        return Reply(body=self._shown(job))

    def _step(self, job: FakeJob) -> None:
        before = job.status
        job.at = min(job.at + 1, len(job.script) - 1)
        if job.status == "running":
            step = sum(event["type"] == "metrics" for event in job.events) + 1
            data = {
                "step": step,
                "total_steps": 3,
                "train_loss": 3.0 / step,
                "train_mean_token_accuracy": 0.3 * step,
            }
            if step == 3:
                data |= {"valid_loss": 1.2, "full_valid_loss": 1.3, "valid_mean_token_accuracy": 0.8}
            self._say(job, f"Step {step}/3: training loss={3.0 / step:.2f}", data)
        elif job.status != before:
            if job.status == "failed":
                job.error = {
                    "code": "invalid_training_file",
                    "message": "The job failed.",
                    "param": "training_file",
                }
            self._say(
                job, "The job has successfully completed" if job.status == "succeeded" else f"Job {job.status}"
            )

    def _say(self, job: FakeJob, message: str, data: dict[str, Any] | None = None) -> None:
        job.events.append(
            {
                "object": "fine_tuning.job.event",
                "id": f"ftevent-{job.id}-{len(job.events)}",
                "created_at": self._tick(),
                "level": "info",
                "message": message,
                "type": "metrics" if data else "message",
                "data": data,
            }
        )

    def _act(self, request: Request, job_id: str, action: str) -> Reply:
        job = self.jobs.get(job_id)
        if job is None:
            return error(404, f"Could not find fine tune: {job_id}", "fine_tune_not_found")
        if job.status in ("succeeded", "failed", "cancelled"):
            return error(400, f"Job has already {job.status}.")
        job.forced = {"cancel": "cancelled", "pause": "paused", "resume": None}[action]
        self._say(job, f"Job {action}")
        return Reply(body=self._shown(job))

    def _events(self, request: Request, job_id: str) -> Reply:
        shown = list(reversed(self.jobs[job_id].events))
        if self.reverse_events:
            shown.reverse()
        if self.repeat_events:
            shown = [event for event in shown for _ in range(2)]
        return self._page(request, shown, 20)

    def _checkpoints(self, request: Request, job_id: str) -> Reply:
        job = self.jobs[job_id]
        steps = [2, 3] if job.status == "succeeded" else []
        shown = [
            {
                "id": f"ftckpt_{job_id}_{step}",
                "object": "fine_tuning.job.checkpoint",
                "created_at": self.clock,
                "fine_tuning_job_id": job_id,
                "fine_tuned_model_checkpoint": self._name(job) + ("" if step == 3 else f":ckpt-step-{step}"),
                "step_number": step,
                "metrics": {"step": step, "full_valid_loss": 1.0 + step / 10, "train_loss": 1.0},
            }
            for step in steps
        ]
        return self._page(request, shown, 10)

    def _page(self, request: Request, items: list[dict[str, Any]], default: int) -> Reply:
        limit = int(request.query.get("limit", default))
        after = request.query.get("after")
        if after is not None:
            place = max((i for i, item in enumerate(items) if item["id"] == after), default=-1)
            items = items[place + 1 :]
        return Reply(body={"object": "list", "data": items[:limit], "has_more": len(items) > limit})

    # -- chat, deployments ----------------------------------------------------------------------------------------

    def _chat(self, request: Request) -> Reply:
        body = request.json()
        asked = str(body["messages"][-1]["content"])
        model = body["model"]
        answer = self.reply(model, asked)
        if answer is None:
            answer = self.answers.get(f"{model}: {asked}") or self.answers.get(asked, f"{model} says {asked}")
        usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
        base = {"id": "chatcmpl-1", "created": self.clock, "model": body["model"]}
        if not body.get("stream"):
            message = {"role": "assistant", "content": answer, "refusal": None}
            choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
            return Reply(body={**base, "object": "chat.completion", "choices": [choice], "usage": usage})
        import json

        lines = []
        for piece in [*re.findall(r"\S+\s*", answer), None]:
            delta = {"content": piece} if piece else {}
            choice = {"index": 0, "delta": delta, "finish_reason": None if piece else "stop"}
            chunk = {**base, "object": "chat.completion.chunk", "choices": [choice]}
            lines.append(f"data: {json.dumps(chunk)}\n\n")
        last = {**base, "object": "chat.completion.chunk", "choices": [], "usage": usage}
        lines += [f"data: {json.dumps(last)}\n\n", "data: [DONE]\n\n"]
        return Reply(raw="".join(lines).encode(), media="text/event-stream")

    def _control(self, request: Request) -> Reply:
        if request.headers.get("authorization") != "Bearer management-token":
            return error(401, "no management token")
        if request.method == "DELETE":
            return Reply(204 if self.deployments.pop(request.path, None) is None else 200, {})
        if request.method == "PUT":
            self.deployments[request.path] = 0
        if request.path not in self.deployments:
            return error(404, "no such deployment", "DeploymentNotFound")
        self.deployments[request.path] += 1
        state = "Succeeded" if self.deployments[request.path] > 2 else "Creating"
        return Reply(body={"name": request.path.rsplit("/", 1)[1], "properties": {"provisioningState": state}})


@asynccontextmanager
async def running(dialect: str = "openai") -> AsyncIterator[FakeProvider]:
    """A fake provider that listens while the block runs."""
    fake = FakeProvider(dialect)
    await fake.wire.start()
    try:
        yield fake
    finally:
        await fake.wire.stop()

#!/usr/bin/env python3
"""Check Curator's requests with an independent mock of the published specification.

    python scripts/contract_mock.py

Starts the npm package @stoplight/prism-cli (fetched by npx; needs Node and a package registry) on the trimmed
OpenAPI document of the fine-tuning API and sends it every kind of request that Curator makes, through Curator's
own client. Fails if the mock answers 4xx, because a request breaks the specification, or if its answer cannot be
read.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

from curator.errors import ProviderError
from curator.jobs.http.client import Client, RequestLimits, open_client
from curator.jobs.http.upload import no_report, upload
from curator.jobs.ledger.ledger import Run
from curator.jobs.planning.plan import job_body
from curator.jobs.providers import Provider
from curator.jobs.runs.chat import chat
from curator.settings import ProviderSettings

ROOT = Path(__file__).parents[1]
SPEC = ROOT / "tests/server/data/openapi-finetuning.json"
PRISM = "@stoplight/prism-cli@5.16.0"
PARAMS: tuple[dict[str, object], ...] = (
    {},
    {"epochs": 3, "batch_size": 4, "learning_rate_multiplier": 0.5, "seed": 7, "suffix": "emoji"},
    {"epochs": 1, "beta": 0.1},
)


def job(method: str, params: dict[str, object]) -> dict[str, object]:
    """The body of a create request, as `curator train` makes it."""
    run = Run(
        run="run-1",
        provider="mock",
        origin="mock",
        model="gpt-4.1-mini-2025-04-14",
        status="creating",
        fingerprint="",
        created_at=0.0,
        training_file="file-abc",
        validation_file="file-def",
        params=params,
        method=method,
    )
    return job_body(run)


def make_requests(client: Client, data: Path) -> dict[str, Awaitable[object]]:
    """Every kind of request by its name, not yet sent; `data` is the file to upload."""
    uploads = client.sdk.uploads
    question = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    requests: dict[str, Awaitable[object]] = {
        "list models": client.models(),
        "delete model": client.delete_model("ft:gpt-4.1-mini:org::1"),
        "list files": client.files(),
        "show file": client.file("file-abc"),
        "delete file": client.delete_file("file-abc"),
        "upload file": client.call("upload", client.sdk.files.create(
            file=("d.jsonl", data.read_bytes(), "application/jsonl"), purpose="fine-tune")),
        "begin upload": client.call("begin", uploads.create(
            bytes=90, filename="d.jsonl", mime_type="text/jsonl", purpose="fine-tune")),
        "send part": client.call("part", uploads.parts.create("upload_1", data=b"x")),
        "complete upload": client.call("complete", uploads.complete(
            "upload_1", part_ids=["part_1"], md5="0" * 32)),
        "cancel upload": client.call("cancel", uploads.cancel("upload_1")),
        "list jobs by intent": client.jobs(metadata={"curator_intent": "run-1"}),
        "show job": client.job("ftjob-abc"),
        "cancel job": client.act("ftjob-abc", "cancel"),
        "pause job": client.act("ftjob-abc", "pause"),
        "resume job": client.act("ftjob-abc", "resume"),
        "list events": client.events("ftjob-abc", limit=5),
        "list checkpoints": client.checkpoints("ftjob-abc"),
        "chat": chat(client, "gpt-4.1-mini", question, temperature=0, max_completion_tokens=16, logprobs=True),
    }  # fmt: skip
    for at, params in enumerate(PARAMS):
        method = "dpo" if "beta" in params else "supervised"
        requests[f"create job {at + 1} ({method})"] = client.create_job(job(method, params))
    return requests


async def check(client: Client, folder: Path) -> list[str]:
    """Send every kind of request; the names of those that failed."""
    data = folder / "data.jsonl"
    data.write_bytes(b'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n')
    requests = make_requests(client, data)
    wrong = []
    for name, request in requests.items():
        try:
            await request
            print(f"ok    {name}")
        except ProviderError as error:
            print(f"WRONG {name}: {error.message}")
            wrong.append(name)
    try:  # the whole upload fails on its size check, since the mock keeps no state; only its requests are tested
        await upload(client, data, "d.jsonl", no_report)
    except ProviderError as error:
        if "bytes arrived" not in error.message:
            wrong.append(f"upload with progress: {error.message}")
    return wrong


async def drive(port: int) -> int:
    """Send all requests to the mock at `port`; the exit status."""
    provider = Provider("mock", ProviderSettings("compatible", base_url=f"http://127.0.0.1:{port}"))
    with tempfile.TemporaryDirectory() as folder:
        async with open_client(provider, provider.base_url, "sk-mock", RequestLimits(retries=0)) as client:
            wrong = await check(client, Path(folder))
    print(f"{len(wrong)} wrong" if wrong else "all requests fit the specification")
    return 1 if wrong else 0


def main() -> int:
    """Start the mock, send all requests, stop it; the exit status."""
    npx = shutil.which("npx")
    if npx is None:
        print("npx is missing: install Node.js", file=sys.stderr)
        return 2
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [npx, "--yes", PRISM, "mock", str(SPEC), "--host", "127.0.0.1", "--port", str(port)]
    with tempfile.TemporaryFile() as log:
        mock = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            if not listening(port, mock):
                log.seek(0)
                print(log.read().decode("utf-8", "replace")[-2000:], file=sys.stderr)
                return 2
            return asyncio.run(drive(port))
        finally:
            os.killpg(mock.pid, signal.SIGTERM)
            mock.wait()


def listening(port: int, mock: subprocess.Popen[bytes]) -> bool:
    """Wait until the mock accepts connections; False if it ended or took over four minutes."""
    for _ in range(1200):
        if mock.poll() is not None:
            return False
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.2)
    return False


if __name__ == "__main__":
    sys.exit(main())

"""A server of a test's own, in a process of its own, driven over real HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from openai import AsyncOpenAI, OpenAI

from tests.server import spec

T = TypeVar("T")

CONFIG = {
    "model_type": "llama",
    "architectures": ["LlamaForCausalLM"],
    "vocab_size": 259,
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
}
MODELS = ("tiny", "slow", "failing", "crashing", "crashing-once")


class Running:
    """A started server; `stop` and `kill` end it, `start` starts it again on the same data."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.options = options
        for name in MODELS:
            (folder / "models" / name).mkdir(parents=True, exist_ok=True)
            (folder / "models" / name / "model.safetensors").touch()
            (folder / "models" / name / "config.json").write_text(json.dumps(CONFIG))
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        script = Path(__file__).with_name("launch.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), str(self.data), json.dumps(self.options)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        about = json.loads(line)
        self.base_url: str = about["base_url"]
        self.token = Path(about["token_file"]).read_text().strip()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.base_url.split(":")[2].split("/")[0])

    def client(self) -> OpenAI:
        """The real SDK; nothing but the base URL and the key is special. Every answer is held against the spec."""
        http = httpx2.Client(event_hooks={"response": [check]}, timeout=60)
        return OpenAI(base_url=self.base_url, api_key=self.token, max_retries=0, http_client=http)

    def async_client(self) -> AsyncOpenAI:
        """As `client`, async."""
        return AsyncOpenAI(base_url=self.base_url, api_key=self.token, max_retries=0)

    def stop(self) -> int:
        """Ask it to leave; its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self._end()

    def kill(self) -> int:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        return self._end()

    def _end(self) -> int:
        status = self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def close(self) -> None:
        """End it and whatever it started."""
        if self.process.poll() is None:
            self.stop()
        for path in (self.data / "jobs").glob("*/job.json"):
            end_workers(path.parent)


def glance(client: OpenAI, path: str) -> Any:
    """The JSON of a GET, neither read by the SDK nor held against the spec: for what is asked again and again."""
    base = client.base_url
    connection = HTTPConnection(base.host, base.port or 80, timeout=60)
    try:
        connection.request("GET", f"{base.path}{path}", headers={"Authorization": f"Bearer {client.api_key}"})
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def status_of(client: OpenAI, job_id: str) -> str:
    """The status of a job."""
    status: str = glance(client, f"fine_tuning/jobs/{job_id}")["status"]
    return status


def steps_of(client: OpenAI, job_id: str) -> list[int]:
    """The steps of a job that were told, oldest first."""
    events = glance(client, f"fine_tuning/jobs/{job_id}/events?limit=1000")["data"]
    return [event["data"]["step"] for event in events if event["type"] == "metrics"][::-1]


def check(response: httpx2.Response) -> None:
    """Fail where an answer is not what the document says."""
    response.read()
    path = response.request.url.path.removeprefix("/v1")
    if response.is_success and response.headers["content-type"] == "application/json":
        name = spec.schema_of(response.request.method, path)
        if name is not None:
            spec.conforms(response.json(), name)
    elif response.is_error:
        error = response.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert response.status_code < 500 or error["type"] == "server_error"


def end_workers(folder: Path) -> None:
    """Kill what still works in a job's folder."""
    for pid in workers(folder):
        os.kill(pid, signal.SIGKILL)


def workers(folder: Path) -> list[int]:
    """Processes whose command line names the job's folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if str(folder).encode() in words:
            found.append(int(path.parent.name))
    return found


def until(check: Callable[[], T], seconds: float = 90) -> T:
    """The first true value of `check`."""
    ends = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.05)


def example(index: int) -> dict[str, Any]:
    """A small chat example."""
    return {
        "messages": [{"role": "user", "content": f"Hello {index}"}, {"role": "assistant", "content": "(wave)"}]
    }


def jsonl(count: int) -> bytes:
    """A training file."""
    return b"".join(json.dumps(example(index)).encode() + b"\n" for index in range(count))

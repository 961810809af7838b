"""Run openai-python's own tests against `curator serve`, through a proxy that puts real ids in.

    python tests/clients/openai_own_tests.py CHECKOUT [--python PYTHON]

CHECKOUT is a clone of openai-python; PYTHON has it and its tests' packages installed. The tests are made for a
server that invents every answer: they ask for `file-abc123`, which the proxy makes a real file's id, and so on.
The key, `limit=0` and `bytes=0` (at least 1, as at OpenAI) are changed too. The model is a tiny one with random
weights. Failures are sorted by what they ask for; those that are left are ours: then the exit status is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Callable
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.server.running import jsonl  # noqa: E402
from tests.server.tiny import write_tiny_model  # noqa: E402

TESTS: tuple[str, ...] = (
    "fine_tuning",
    "chat",
    "uploads",
    "test_files.py",
    "test_models.py",
    "test_uploads.py",
    "test_completions.py",
)
TESTS += ("test_responses.py", "responses")
JOB, COMPLETION, UPLOAD = "ft-AF1WoRqd3aJAHsqc9NY7iL8F", "completion_id", "upload_abc123"
REPLACED = ("host", "content-length", "authorization", "connection")
MODELS = ("gpt-4o-mini", "gpt-5.4", "gpt-5.6-sol", "gpt-3.5-turbo-instruct")

NOT_OURS = {
    "checkpoint permissions: there are no organisations here": r"test_permissions",
    "graders: there is no reinforcement fine-tuning here": r"graders",
    "responses are not stored here": (
        r"test_input_items|test_input_tokens|test_responses.*(retrieve|compact|delete|cancel)"
    ),
    "`responses.create()` with neither model nor input": r"test_responses.*_create_overload",
    "all parameters at once: `moderation`, audio, wandb, the service's own tools": r"with_all_params",
    "files of the purpose `assistants`, which nothing here could use": r"(test_files|test_uploads).*_create\[",
    "pause, resume: the SDK's type of a job lacks the state `paused` of OpenAI's reference": r"pause|resume",
    "stored messages: the SDK's type lets only the assistant speak": r"test_messages.*(strict|aiohttp)",
    "deleting a tuned model of another name": r"test_models.*delete",
}
"""Why a test cannot pass here, and the tests' names."""


class Server:
    """A real server with a tiny model, and what the tests ask for on it."""

    def __init__(self, folder: Path) -> None:
        write_tiny_model(folder / "models" / "tiny")
        words = [sys.executable, "-m", "curator", "serve", "--data", str(folder / "data")]
        env = {**os.environ, "CURATOR_MODELS": str(folder / "models")}
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=env)
        assert self.process.stdout is not None
        about = json.loads(self.process.stdout.readline())
        self.address = urlsplit(about["base_url"])
        self.token = Path(about["token_file"]).read_text("utf-8").strip()
        self.file = self.make_file()
        self.job = self.make_job()
        while self.ask("GET", f"/fine_tuning/jobs/{self.job}")["status"] not in ("succeeded", "failed"):
            time.sleep(0.2)
        self.completion = self.make_completion()

    def send(self, method: str, path: str, body: bytes = b"", headers: Any = ()) -> tuple[int, Any, bytes]:
        """Status, headers and body of an answer."""
        connection = HTTPConnection(str(self.address.hostname), self.address.port or 80, timeout=300)
        try:
            passed = {name: value for name, value in headers if name.lower() not in REPLACED}
            passed |= {"Authorization": f"Bearer {self.token}", "Host": self.address.netloc}
            connection.request(method, self.address.path + path, body or None, passed)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def ask(self, method: str, path: str, value: Any = None) -> Any:
        """The JSON of an answer."""
        body = b"" if value is None else json.dumps(value).encode()
        return json.loads(self.send(method, path, body, [("Content-Type", "application/json")])[2])

    def make_file(self) -> str:
        """A new training file's id."""
        part = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n--x\r\n'
        part += b'Content-Disposition: form-data; name="file"; filename="t.jsonl"\r\n\r\n'
        body = part + jsonl(12) + b"\r\n--x--\r\n"
        answer = self.send("POST", "/files", body, [("Content-Type", "multipart/form-data; boundary=x")])
        return str(json.loads(answer[2])["id"])

    def make_job(self) -> str:
        """A new job's id."""
        return str(self.ask("POST", "/fine_tuning/jobs", {"model": "tiny", "training_file": self.file})["id"])

    def make_paused_job(self) -> str:
        """The id of a new job that is paused."""
        job = self.make_job()
        self.ask("POST", f"/fine_tuning/jobs/{job}/pause")
        for _ in range(100):
            if self.ask("GET", f"/fine_tuning/jobs/{job}")["status"] == "paused":
                break
            time.sleep(0.1)
        return job

    def make_completion(self) -> str:
        """A new stored completion's id."""
        asked = {"model": "tiny", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 2, "store": True}
        return str(self.ask("POST", "/chat/completions", asked)["id"])

    def make_upload(self, size: int) -> str:
        """A new upload's id."""
        asked = {"purpose": "fine-tune", "filename": "t.jsonl", "bytes": size, "mime_type": "application/jsonl"}
        return str(self.ask("POST", "/uploads", asked)["id"])

    def make_part(self, upload: str, data: bytes) -> str:
        """The id of a new part of an upload."""
        body = (
            b'--x\r\nContent-Disposition: form-data; name="data"; filename="p"\r\n\r\n' + data + b"\r\n--x--\r\n"
        )
        answer = self.send(
            "POST", f"/uploads/{upload}/parts", body, [("Content-Type", "multipart/form-data; boundary=x")]
        )
        return str(json.loads(answer[2])["id"])

    def put_ids_in(self, method: str, path: str, body: bytes) -> tuple[str, bytes]:
        """A request of the tests with ids that exist here."""
        path = path.replace("limit=0", "limit=1")
        makers: list[tuple[str, Callable[[], str]]] = [
            (f"{JOB}/resume", lambda: self.make_paused_job() + "/resume"),
            (f"{JOB}/pause", lambda: self.make_job() + "/pause"),
            (f"{JOB}/cancel", lambda: self.make_job() + "/cancel"),
            (JOB, lambda: self.job),
            (COMPLETION, self.make_completion if method == "DELETE" else lambda: self.completion),
            ("/files/file_id", lambda: f"/files/{self.make_file() if method == 'DELETE' else self.file}"),
            ("/models/gpt-4o-mini", lambda: "/models/tiny"),
        ]
        for theirs, make in makers:
            if theirs in path:
                path = path.replace(theirs, make())
        if UPLOAD in path:
            data = jsonl(12)
            upload = self.make_upload(len(data))
            path = path.replace(UPLOAD, upload)
            if path.endswith("/complete"):
                body = json.dumps({"part_ids": [self.make_part(upload, data)]}).encode()
        body = body.replace(b'"file-abc123"', json.dumps(self.file).encode())
        body = body.replace(b'"bytes":0', b'"bytes":3215').replace(b'"bytes": 0', b'"bytes": 3215')
        for name in MODELS:
            body = body.replace(b'"model":' + json.dumps(name).encode(), b'"model":"tiny"')
            body = body.replace(b'"model": ' + json.dumps(name).encode(), b'"model":"tiny"')
        return path, body


def proxy(server: Server) -> ThreadingHTTPServer:
    """A proxy before the server, which is to be started."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            path, body = server.put_ids_in(self.command, self.path, body)
            status, headers, content = server.send(self.command, path, body, self.headers.items())
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            if self.command == "POST" and path.startswith("/fine_tuning/jobs") and status == 200:
                server.ask("POST", f"/fine_tuning/jobs/{json.loads(content)['id']}/cancel")

        do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def main() -> int:
    """Run the tests and print what passed and why the others failed; 1 if a failure is ours."""
    parser = argparse.ArgumentParser(description="Run openai-python's own tests against curator serve.")
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", default=sys.executable, help="a Python with the tests' packages")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        front = proxy(server)
        threading.Thread(target=front.serve_forever, daemon=True).start()
        try:
            results = run_tests(args.checkout, args.python, front.server_address[1], Path(folder) / "results.xml")
        finally:
            front.shutdown()
            server.process.terminate()
            server.process.wait(20)
    return tell(results)


def run_tests(checkout: Path, python: str, port: int, results: Path) -> list[tuple[str, str, str]]:
    """Name, outcome and message of each test."""
    paths = [str(checkout / "tests" / "api_resources" / name) for name in TESTS]
    env = os.environ | {"TEST_API_BASE_URL": f"http://127.0.0.1:{port}"}
    env.pop("PYTHONPATH", None)
    words = [
        python,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-n",
        "0",
        "--show-capture=no",
        "--tb=line",
        f"--junitxml={results}",
        *paths,
    ]
    subprocess.run(words, cwd=checkout, env=env, stdout=subprocess.DEVNULL, check=False)
    out = []
    for case in ElementTree.parse(results).iter("testcase"):
        kinds = {child.tag: child.get("message") or "" for child in case}
        outcome = next((kind for kind in ("failure", "error", "skipped") if kind in kinds), "passed")
        out.append((f"{case.get('classname')}.{case.get('name')}", outcome, kinds.get(outcome, "")))
    return out


def say(text: str) -> None:
    """Print."""
    sys.stdout.write(text + "\n")


def tell(results: list[tuple[str, str, str]]) -> int:
    """Print the figures."""
    counted = Counter(outcome for _, outcome, _ in results)
    failed = counted["failure"] + counted["error"]
    say(f"{counted['passed']} passed, {failed} failed, {counted['skipped']} skipped")
    reasons: Counter[str] = Counter()
    ours = []
    for name, outcome, message in results:
        if outcome in ("failure", "error"):
            reason = next((why for why, pattern in NOT_OURS.items() if re.search(pattern, name)), None)
            reasons[reason or "OURS"] += 1
            if reason is None:
                ours.append(f"{name}: {message[:200]}")
    for reason, count in reasons.most_common():
        say(f"{count:4d}  {reason}")
    say("\n".join(ours))
    return int(bool(ours))


if __name__ == "__main__":
    sys.exit(main())

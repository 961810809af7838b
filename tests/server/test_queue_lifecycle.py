"""Servers and training processes that stop, are killed and start again: what was promised goes on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai.types.fine_tuning import FineTuningJob

from curator.server import ids
from curator.server.engines.choice import HF_PACKAGES
from tests.server.running import Running, end_workers, glance, jsonl, status_of, steps_of, until, workers

pytestmark = pytest.mark.by_turns


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    """A server that a test may kill."""
    running = Running(tmp_path)
    yield running
    running.close()


def create(server: Running, model: str = "slow") -> str:
    with server.client() as client:
        file = client.files.create(file=("train.jsonl", jsonl(12)), purpose="fine-tune")
        return client.fine_tuning.jobs.create(model=model, training_file=file.id).id


def job(server: Running, job_id: str) -> FineTuningJob:
    with server.client() as client:
        return client.fine_tuning.jobs.retrieve(job_id)


def steps(server: Running, job_id: str) -> list[int]:
    """The steps that were told, oldest first."""
    with server.client() as client:
        return steps_of(client, job_id)


def at_step(server: Running, job_id: str, step: int) -> None:
    """Wait until so many steps were told; a job that failed instead says why."""
    with server.client() as client:

        def told() -> bool:
            job = glance(client, f"fine_tuning/jobs/{job_id}")
            assert not (job["error"] or {}).get("code"), job["error"]
            return len(steps_of(client, job_id)) >= step

        until(told)


def in_status(server: Running, job_id: str, status: str) -> None:
    """Wait until a job has this status."""
    with server.client() as client:
        until(lambda: status_of(client, job_id) == status)


def test_sigterm_stops_everything_at_once_and_the_next_start_goes_on(server: Running) -> None:
    job_id = create(server)
    at_step(server, job_id, 3)
    with server.client() as client:
        client.chat.completions.create(model="tiny", messages=[{"role": "user", "content": "x"}])
    start = time.monotonic()
    assert server.stop() == 128 + signal.SIGTERM
    assert time.monotonic() - start < 4  # 2 s on a machine of its own
    until(lambda: not workers(server.data / "jobs" / job_id))
    assert not (server.data / "server.json").exists()
    server.start()
    told = len(steps(server, job_id))
    at_step(server, job_id, told + 3)
    assert job(server, job_id).status == "running"
    found = steps(server, job_id)
    assert found == list(range(1, len(found) + 1))
    with server.client() as client:
        assert not any(
            "unexpectedly" in e.message for e in client.fine_tuning.jobs.list_events(job_id, limit=1000)
        )


def test_a_worker_outlives_a_killed_server_and_is_taken_over(server: Running) -> None:
    job_id = create(server)
    at_step(server, job_id, 2)
    [pid] = workers(server.data / "jobs" / job_id)
    server.kill()
    time.sleep(0.3)
    server.start()
    told = len(steps(server, job_id))
    at_step(server, job_id, told + 2)
    assert workers(server.data / "jobs" / job_id) == [pid]
    with server.client() as client:
        client.fine_tuning.jobs.cancel(job_id)
    until(lambda: not workers(server.data / "jobs" / job_id))


def test_a_worker_that_died_with_its_server_is_started_again(server: Running) -> None:
    job_id = create(server)
    at_step(server, job_id, 2)
    server.kill()
    end_workers(server.data / "jobs" / job_id)
    server.start()
    told = len(steps(server, job_id))
    at_step(server, job_id, told + 2)
    found = steps(server, job_id)
    assert found == list(range(1, len(found) + 1))


def test_a_job_that_ended_while_no_server_ran_is_finished_by_the_next(server: Running) -> None:
    job_id = create(server, "tiny")
    until(lambda: workers(server.data / "jobs" / job_id))
    server.kill()
    until(lambda: not workers(server.data / "jobs" / job_id))
    server.start()
    in_status(server, job_id, "succeeded")
    assert steps(server, job_id) == list(range(1, 13))


def test_what_waited_waits_again_after_a_kill(server: Running) -> None:
    running, waiting = create(server), create(server, "tiny")
    in_status(server, waiting, "queued")
    server.kill()
    orphans = [
        server.data / name for name in ("tmp/half", f"files/{ids.new(ids.FILE)}", f"parts/{ids.new(ids.PART)}")
    ]
    for path in orphans:
        path.write_text("x")
    orphans.append(server.data / "jobs" / ids.new(ids.JOB))
    orphans[-1].mkdir()
    server.start()
    assert not any(path.exists() for path in orphans)
    with server.client() as client:
        client.fine_tuning.jobs.cancel(running)
    in_status(server, waiting, "succeeded")


def test_a_torn_line_of_progress_is_passed_over(server: Running) -> None:
    job_id = create(server)
    at_step(server, job_id, 2)
    server.kill()
    end_workers(server.data / "jobs" / job_id)
    with (server.data / "jobs" / job_id / "progress.jsonl").open("ab") as file:
        file.write(b'{"kind": "succee')
    server.start()
    told = len(steps(server, job_id))
    at_step(server, job_id, told + 2)
    assert job(server, job_id).status == "running"


def serve(*words: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "curator", "serve", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
    )


def test_the_command_prints_one_line_and_leaves_a_description(tmp_path: Path) -> None:
    process = serve("--data", str(tmp_path / "d"), "--token-file", str(tmp_path / "t" / "token"))
    assert process.stdout is not None
    about = json.loads(process.stdout.readline())
    assert set(about) == {"base_url", "token_file"}
    assert about["base_url"].startswith("http://127.0.0.1:")
    assert about["base_url"].endswith("/v1")
    described: dict[str, Any] = json.loads((tmp_path / "d" / "server.json").read_text())
    assert described["base_url"] == about["base_url"]
    assert described["pid"] == process.pid
    assert described["token_file"] == about["token_file"]
    assert described["version"]
    port = about["base_url"].split(":")[2].split("/")[0]

    second = serve("--data", str(tmp_path / "d"))
    out, err = second.communicate(timeout=30)
    assert (second.returncode, out, err.count("\n")) == (2, "", 1)
    assert f"Another server works in {tmp_path / 'd'}" in err
    assert about["base_url"] in err

    taken = serve("--data", str(tmp_path / "e"), "--port", port)
    out, err = taken.communicate(timeout=30)
    assert (taken.returncode, out, err.count("\n")) == (2, "", 1)
    assert f"Cannot listen on 127.0.0.1 port {port}: Address already in use" in err

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


@pytest.mark.parametrize(
    "words",
    [
        ["--port", "70000"],
        ["--idle-exit", "0"],
        ["--host", "256.1.1.1"],
        ["--data", "/dev/null/x"],
        ["--model", "no-folder"],
        ["--model", "a:b=/tmp"],
    ],
)
def test_wrong_words_are_one_sentence(tmp_path: Path, words: list[str]) -> None:
    process = serve("--data", str(tmp_path / "d"), *words)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("curator: ")
    assert err.count("\n") == 1


def test_a_weak_or_foreign_token_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("hunter2\n")
    process = serve("--data", str(tmp_path / "d"), "--token-file", str(tmp_path / "token"))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "hunter2" not in err


def test_a_server_that_nobody_needs_leaves(tmp_path: Path) -> None:
    server = Running(tmp_path, idle_exit=2.0)
    job_id = create(server, "tiny")
    assert server.process.wait(60) == 0
    with contextlib.closing(sqlite3.connect(server.data / "server.db")) as db:  # not before the job was done
        assert db.execute("SELECT id, status FROM jobs").fetchall() == [(job_id, "succeeded")]
    assert not (server.data / "server.json").exists()
    assert server.process.stdout is not None
    server.process.stdout.close()


def test_listening_to_others_is_said_aloud(tmp_path: Path) -> None:
    model = tmp_path / "weights"
    model.mkdir()
    (model / "model.safetensors").touch()
    process = serve(
        *("--data", str(tmp_path / "d"), "--host", "0.0.0.0"),
        *("--allow-host", "gpu.example", "--model", f"org/name={model}"),
    )
    assert process.stdout is not None
    about = json.loads(process.stdout.readline())
    port = int(about["base_url"].split(":")[2].split("/")[0])
    token = Path(about["token_file"]).read_text().strip()
    for host, status in (
        (f"127.0.0.1:{port}", 200),
        (f"10.1.2.3:{port}", 200),
        (f"gpu.example:{port}", 200),
        (f"evil.example:{port}", 403),
        ("10.1.2.3:1", 403),
    ):
        headers = {"host": host, "authorization": f"Bearer {token}"}
        assert httpx2.get(about["base_url"] + "/models", headers=headers).status_code == status, host
    assert httpx2.get(about["base_url"] + "/models").status_code == 401
    answer = httpx2.get(about["base_url"] + "/models/org/name", headers={"authorization": f"Bearer {token}"})
    assert answer.json()["id"] == "org/name"
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert "other machines can reach" in err


def test_ipv6_loopback_works(tmp_path: Path) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    process = serve("--data", str(tmp_path / "d"), "--host", "::1")
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        pytest.skip("no IPv6 here")
    about = json.loads(line)
    headers = {"authorization": f"Bearer {Path(about['token_file']).read_text().strip()}"}
    assert httpx2.get(about["base_url"] + "/models", headers=headers).status_code == 200
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)


def test_a_setting_that_the_engine_of_the_model_has_not_is_refused_before_the_job_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in HF_PACKAGES:  # there, as far as the choice of an engine looks
        (tmp_path / "packages" / name).mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'packages'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    server = Running(tmp_path)
    try:
        other = tmp_path / "models" / "slow" / "config.json"
        other.write_text(json.dumps({"model_type": "gpt2"}))
        with server.client() as client:
            file = client.files.create(file=("train.jsonl", jsonl(12)), purpose="fine-tune")

            def create_packed(packing: bool) -> str:
                method: Any = {"type": "supervised", "supervised": {"hyperparameters": {"packing": packing}}}
                return client.fine_tuning.jobs.create(model="slow", training_file=file.id, method=method).id

            refused, taken = create_packed(True), create_packed(False)
            until(lambda: status_of(client, refused) == "failed")
            error = client.fine_tuning.jobs.retrieve(refused).error
            assert error is not None and (error.code, error.param) == ("unsupported_parameter", "hyperparameters")
            assert error.message == (
                "'packing' is a setting of the embedded engine, and this model needs hf, which trains each "
                "example in a row of its own: leave it out."
            )
            until(lambda: status_of(client, taken) == "running")
    finally:
        server.close()

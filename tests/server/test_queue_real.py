"""The whole server with real training and generation of a tiny model, killed at random."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from openai import NotFoundError, OpenAI

from tests.server.running import jsonl, status_of, until, workers
from tests.server.tiny import CONFIG, write_tiny_model

pytestmark = pytest.mark.by_turns


class Real:
    """`python -m curator.server` as people start it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._env = {**os.environ, "CURATOR_MODELS": str(folder / "models")}
        write_tiny_model(folder / "models" / "tiny")
        write_tiny_model(folder / "models" / "long", shape=replace(CONFIG, max_positions=10**6))
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        words = [sys.executable, "-m", "curator.server", "--data", str(self.data), "--threads", "1"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, env=self._env)
        assert self.process.stdout is not None
        self.about: dict[str, str] = json.loads(self.process.stdout.readline())

    def client(self) -> OpenAI:
        """The real SDK."""
        token = Path(self.about["token_file"]).read_text().strip()
        return OpenAI(base_url=self.about["base_url"], api_key=token, max_retries=3)

    def end(self, number: signal.Signals) -> None:
        """Signal the server and wait until it is gone."""
        self.process.send_signal(number)
        self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Real]:
    """A server of its own."""
    server = Real(tmp_path)
    yield server
    server.end(signal.SIGTERM)


def create(client: OpenAI, epochs: int = 3) -> str:
    file = client.files.create(file=("train.jsonl", jsonl(16)), purpose="fine-tune")
    method: Any = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": epochs, "batch_size": 4}}}
    return client.fine_tuning.jobs.create(
        model="tiny", training_file=file.id, validation_file=file.id, method=method, seed=1
    ).id


def losses(client: OpenAI, job_id: str) -> list[float]:
    events = client.fine_tuning.jobs.list_events(job_id, limit=1000).data[::-1]
    return [float(e.data["train_loss"]) for e in events if e.type == "metrics" and isinstance(e.data, dict)]


def curves(client: OpenAI, job_id: str) -> list[list[float]]:
    """The loss of each of the 16 examples, by epoch."""
    told: Any = client.get(f"/fine_tuning/jobs/{job_id}/learning_curves", cast_to=object)
    assert told["lines"] == list(range(16)) and {len(epoch) for epoch in told["losses"]} == {16}
    return list(told["losses"])


def test_training_chatting_and_a_checkpoint_s_answer(real: Real) -> None:
    with real.client() as client:
        job_id = create(client)
        until(lambda: status_of(client, job_id) in ("succeeded", "failed"), 60)
        job = client.fine_tuning.jobs.retrieve(job_id)
        assert job.status == "succeeded", job.error
        assert job.trained_tokens
        found = losses(client, job_id)
        assert len(found) == 12
        assert found[-1] < found[0]
        learnt = curves(client, job_id)
        assert len(learnt) == 3 and sum(learnt[2]) < sum(learnt[1]) < sum(learnt[0])
        with pytest.raises(NotFoundError):
            curves(client, "ftjob-none")
        points = client.fine_tuning.jobs.checkpoints.list(job_id).data
        assert [point.step_number for point in points] == [12, 8, 4]
        assert points[0].metrics.full_valid_loss is not None
        for model in ("tiny", str(job.fine_tuned_model), points[1].fine_tuned_model_checkpoint):
            answer = client.chat.completions.create(
                model=model,
                messages=[{"role": "user", "content": "Hello 3"}],
                max_completion_tokens=5,
                temperature=0,
                n=2,
                logprobs=True,
            )
            assert [choice.index for choice in answer.choices] == [0, 1]
            assert answer.usage is not None
            assert answer.usage.completion_tokens <= 10
        table = client.files.content(job.result_files[0]).text
        assert len(table.splitlines()) == 13
        best_epoch_is_the_model(client)
        leaving_ends_the_reading_of_a_prompt(real)


def best_epoch_is_the_model(client: OpenAI) -> None:
    """A job that stops early: its model is the checkpoint of the lowest validation loss, not the last one."""
    question: Any = {"role": "user", "content": "Hello"}
    ids = []
    for answer in ("(sun)", "x)"):
        line = json.dumps({"messages": [question, {"role": "assistant", "content": answer}]}).encode() + b"\n"
        ids.append(client.files.create(file=("x.jsonl", line * 10), purpose="fine-tune").id)
    settings = {"n_epochs": 40, "batch_size": 10, "learning_rate_multiplier": 10, "schedule": "constant",
                "early_stopping": 5, "lora_dropout": 0.1, "packing": False}  # fmt: skip
    method: Any = {"type": "supervised", "supervised": {"hyperparameters": settings}}
    job_id = client.fine_tuning.jobs.create(
        model="tiny", training_file=ids[0], validation_file=ids[1], method=method, seed=1
    ).id
    until(lambda: client.fine_tuning.jobs.retrieve(job_id).status in ("succeeded", "failed"), 60)
    job = client.fine_tuning.jobs.retrieve(job_id)
    assert job.status == "succeeded", job.error
    assert "'early_stopping': 5" in str(job.method.to_dict() if job.method else "")
    points = client.fine_tuning.jobs.checkpoints.list(job_id).data
    by_step = {point.step_number: float(point.metrics.full_valid_loss or 0) for point in points}
    best, last = min(by_step, key=by_step.__getitem__), max(by_step)
    assert last == best + 5 and sorted(by_step) == [best, last - 2, last - 1, last]
    told = [event.message for event in client.fine_tuning.jobs.list_events(job_id, limit=1000).data]
    words = f"Training stopped early at step {last}/40: the validation loss did not fall for 5 epochs"
    assert {words, f"The model is the checkpoint of step {best}, whose validation loss is the lowest"} <= set(told)
    logprobs = []
    for name in ("", f":ckpt-step-{best}", f":ckpt-step-{last}"):
        answered = client.chat.completions.create(
            model=f"{job.fine_tuned_model}{name}", messages=[question], max_tokens=6, temperature=0, logprobs=True
        )
        tokens = answered.choices[0].logprobs
        logprobs.append([token.logprob for token in (tokens.content if tokens else None) or []])
    assert logprobs[0] == pytest.approx(logprobs[1], rel=1e-4) != logprobs[2]


def leaving_ends_the_reading_of_a_prompt(real: Real) -> None:
    """A client asks what takes minutes to read, and goes: the generation process has nothing to do then."""
    server = urlsplit(real.about["base_url"])
    token = Path(real.about["token_file"]).read_text().strip()
    child = next(pid for pid in children_of(real.process.pid) if b"generate" in words_of(pid))
    for stream in (True, False):
        body = {"model": "long", "stream": stream, "messages": [{"role": "user", "content": "long " * 20_000}]}
        connection = HTTPConnection(str(server.hostname), server.port or 80)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        before = seconds_of(child)
        connection.request("POST", f"{server.path}/chat/completions", json.dumps(body), headers)
        until(lambda: seconds_of(child) > before + 0.5)  # noqa: B023
        connection.close()

        def rests() -> bool:
            used = seconds_of(child)
            time.sleep(0.2)
            return seconds_of(child) == used

        until(rests, 20)


def children_of(parent: int) -> list[int]:
    """The processes that a process has started, in any of its threads."""
    listed = [path.read_text().split() for path in Path(f"/proc/{parent}/task").glob("*/children")]
    return [int(pid) for pids in listed for pid in pids]


def words_of(pid: int) -> bytes:
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def seconds_of(pid: int) -> float:
    """The CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_killed_at_random_every_job_still_ends_the_same(real: Real) -> None:
    """Server and worker are killed at random moments; the losses equal those of an undisturbed job."""
    chance = random.Random(5)
    with real.client() as client:
        job_id = create(client)
        until(lambda: status_of(client, job_id) == "succeeded", 60)
        wanted, wanted_curves = losses(client, job_id), curves(client, job_id)
        hurt = [create(client) for _ in range(2)]
    for victim in ("worker", "server", "both"):
        time.sleep(chance.uniform(0.1, 1.5))
        if victim != "server":
            for pid in [pid for job_id in hurt for pid in workers(real.data / "jobs" / job_id)]:
                os.kill(pid, signal.SIGKILL)
        if victim != "worker":
            real.end(signal.SIGKILL)
            real.start()
    with real.client() as client:
        for job_id in hurt:
            until(lambda: status_of(client, job_id) in ("succeeded", "failed"), 90)  # noqa: B023
            job = client.fine_tuning.jobs.retrieve(job_id)
            if job.status == "failed":
                assert job.error is not None
                assert job.error.message
            else:
                assert losses(client, job_id) == pytest.approx(wanted, rel=1e-5)
                assert curves(client, job_id) == [pytest.approx(epoch, abs=2e-3) for epoch in wanted_curves]

"""Kill the server and its training processes at random while many small jobs run, and check how each job ends.

    python scripts/kill_jobs.py [JOBS] [SEED]

Uses the tests' tiny random model. Ends with status 1 if a job neither succeeded nor failed with a reason, if the
losses of a job that was killed differ from those of one that was not, or if a checkpoint cannot be loaded.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from openai import OpenAI
from safetensors.numpy import load_file

from tests.server.running import workers
from tests.server.test_queue_real import Real, create, losses

ENDS = ("succeeded", "failed", "cancelled")


def strike(real: Real, chance: random.Random, kills: Counter[str]) -> None:
    """Kill the server, the training processes, or both."""
    victim = chance.choice(("server", "worker", "worker", "both"))
    kills[victim] += 1
    if victim != "server":
        for pid in [pid for folder in (real.data / "jobs").iterdir() for pid in workers(folder)]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    if victim != "worker":
        real.end(signal.SIGKILL)
        real.start()


def open_jobs(real: Real, jobs: list[str]) -> list[str]:
    """The jobs that have not ended."""
    with real.client() as client:
        return [job_id for job_id in jobs if client.fine_tuning.jobs.retrieve(job_id).status not in ENDS]


def find_fault(client: OpenAI, real: Real, job_id: str, expected: list[float]) -> str | None:
    """What is wrong with an ended job; None if nothing is."""
    job = client.fine_tuning.jobs.retrieve(job_id)
    for point in (real.data / "jobs" / job_id).glob("ckpt-*"):
        load_file(point / "adapter_model.safetensors")
    if job.status == "failed":
        return None if job.error and job.error.message else "failed without a reason"
    if job.status != "succeeded":
        return f"is {job.status}"
    job_losses = losses(client, job_id)
    close = len(job_losses) == len(expected) and all(
        abs(a - b) <= 1e-4 * b for a, b in zip(job_losses, expected, strict=True)
    )
    return None if close else f"has other losses: {job_losses}"


def main(count: int, seed: int) -> int:
    """Run `count` jobs under random kills; the exit status."""
    chance, kills = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        real = Real(Path(folder))
        with real.client() as client:
            first = create(client)
            while open_jobs(real, [first]):
                time.sleep(0.2)
            expected = losses(client, first)
            jobs = [create(client) for _ in range(count)]
        while waiting := open_jobs(real, jobs):
            print(f"{len(waiting)} jobs to go, kills so far: {dict(kills)}", flush=True)
            time.sleep(chance.uniform(0.2, 6.0))
            strike(real, chance, kills)
        with real.client() as client:
            ends = Counter(client.fine_tuning.jobs.retrieve(job_id).status for job_id in jobs)
            faults = {job_id: fault for job_id in jobs if (fault := find_fault(client, real, job_id, expected))}
        real.end(signal.SIGTERM)
    print(f"{count} jobs: {dict(ends)}; kills: {dict(kills)}; faults: {faults or 'none'}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in (sys.argv[1:] + ["50", "5"][len(sys.argv) - 1 :]))))

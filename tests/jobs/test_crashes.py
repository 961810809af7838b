"""At most one job an intent, however often the submission dies and whatever the network does meanwhile."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from curator.errors import ProviderError
from curator.jobs.http.client import Client
from curator.jobs.http.faults import Unclear
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning.plan import TrainingPlan
from curator.jobs.runs import monitor, submission
from tests.jobs.conftest import client_for
from tests.jobs.crashes import Countdown, Killed, dying
from tests.jobs.fake_provider import KEY, FakeProvider, running
from tests.thorough import examples, rotating

pytestmark = pytest.mark.by_turns

MakePlan = Callable[..., TrainingPlan]
MOMENTS = 60
"""More than a submission has; a countdown that is too long just lets it finish."""
HOWS = ("drop_before", "drop_after", "cut", "garbage", "empty", "html", "deep", "fail_before", "fail_after")
PATHS = (
    *(("POST", "/files$"), ("POST", "/jobs$"), ("GET", "/files$"), ("GET", "/jobs$"), ("GET", "/models$")),
    ("GET", "/files/[^/]+$"),
)


@pytest.fixture
def ram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder in memory where there is such a place: hundreds of synced commits, none of which needs a disk."""
    place = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=place if os.access(place, os.W_OK) else tmp_path) as folder:
        monkeypatch.setenv("CURATOR_HOME", folder)
        yield Path(folder)


async def settle(fake: FakeProvider, client: Client, path: Path, plan: TrainingPlan) -> None:
    """After the storm: run the command again, then look once; the ledger must tell the truth."""
    fake.wire.faults.clear()
    with Ledger(path) as ledger:
        try:
            await submission.submit(plan, ledger, client=client)
        except Unclear:
            assert not fake.jobs
        assert len(ledger.runs()) == 1 and len(fake.jobs) <= 1
        run = ledger.runs()[0]
        assert list(fake.jobs) == [job for job in [run.job_id] if job]
        poll = await monitor.poll_once(run, ledger, client)
        assert not fake.jobs or poll.run.status == next(iter(fake.jobs.values())).status
        uploaded = {run.training_file, run.validation_file} | {file for _, file, _ in ledger.orphans()}
        assert not run.job_id or set(fake.files) <= uploaded


@pytest.mark.parametrize("lost", [None, "drop_after", "drop_before"])
async def test_dying_at_every_moment(
    fake: FakeProvider, client: Client, ram: Path, plan_for: MakePlan, lost: str | None
) -> None:
    plan = plan_for(client.provider)
    fake.advance = False
    died = 0
    moments = rotating(5 if lost else 3, range(1, MOMENTS))
    for at in moments:
        fake.files.clear()
        fake.jobs.clear()
        path = ram / f"{lost}-{at}" / "runs.db"
        if lost:
            fake.fault("POST", "/jobs$", "refuse", status=400)
            fake.fault("POST", "/jobs$", lost)  # type: ignore[arg-type]
        with dying(Countdown(at)):
            try:
                with Ledger(path) as ledger:
                    await submission.submit(plan, ledger, client=client)
            except Killed:
                died += 1
            except Unclear:
                pass
        await settle(fake, client, path, plan)
    assert died > len(moments) // 2


@pytest.mark.parametrize(
    ("block", "dialect"), rotating(2, [(0, "openai"), (1, "azure"), (2, "azure"), (3, "openai")])
)
async def test_storms(ram: Path, plan_for: MakePlan, block: int, dialect: str) -> None:
    async with running(dialect) as fake, client_for(fake) as client:
        await storms(fake, client, ram, plan_for(client.provider), block)


async def storms(fake: FakeProvider, client: Client, ram: Path, plan: TrainingPlan, block: int) -> None:
    """Submissions, each killed and disturbed up to four times, and then settled."""
    fake.advance = False  # a job that ends may be followed by another
    for seed in range(block * 20, block * 20 + examples(20)):
        chance = random.Random(seed)
        fake.files.clear()
        fake.jobs.clear()
        fake.wire.faults.clear()
        fake.metadata_filter = chance.random() < 0.5
        path = ram / str(seed) / "runs.db"
        for _ in range(chance.randint(1, 4)):
            for _ in range(chance.randint(0, 3)):
                method, place = chance.choice(PATHS)
                fake.fault(method, place, chance.choice(HOWS), times=chance.randint(1, 3))  # type: ignore[arg-type]
            with dying(Countdown(chance.randint(1, MOMENTS))):
                try:
                    with Ledger(path) as ledger:
                        await submission.submit(plan, ledger, client=client)
                except (Killed, ProviderError):
                    pass
            assert len(fake.jobs) <= 1
        await settle(fake, client, path, plan)


SCRIPT = """
import asyncio, sys
from pathlib import Path
from curator.jobs.runs import submission
from curator.jobs.http.client import open_client
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning.plan import Params, TrainingPlan
from curator.jobs.providers import Provider
from curator.settings import ProviderSettings
from tests.jobs.conftest import frozen, QUICK
from tests.jobs.crashes import Countdown, dying

folder, url, key, at = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
provider = Provider("fake", ProviderSettings("openai", base_url=url, model="m"))
line = '{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}]}\\n'
data = frozen(folder, line * 10)
plan = TrainingPlan("d", provider, "gpt-4.1-mini-2025-04-14", "supervised", data, None, Params())

async def main():
    async with open_client(provider, url, key, QUICK) as client:
        with Ledger(folder / "runs.db") as ledger:
            print((await submission.submit(plan, ledger, client=client)).job_id)

with dying(Countdown(at, really=True)):
    asyncio.run(main())
"""


@pytest.mark.parametrize("at", rotating(3, [13, 22, 26]))
async def test_kill_dash_nine(fake: FakeProvider, tmp_path: Path, at: int) -> None:
    async def start(moment: int) -> tuple[int, str]:
        arguments = [sys.executable, "-c", SCRIPT, str(tmp_path), fake.base_url, KEY, str(moment)]
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode().strip()

    status, _ = await start(at)
    assert status == -signal.SIGKILL
    _, told = await start(0)
    with Ledger(tmp_path / "runs.db") as ledger:
        runs = ledger.runs()
    assert len(runs) == 1 and len(fake.jobs) <= 1
    assert list(fake.jobs) == [told] * len(fake.jobs)
    assert runs[0].job_id == told or runs[0].status == "unclear"


async def test_two_processes_at_once_make_one_job(fake: FakeProvider, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", SCRIPT, str(tmp_path), fake.base_url, KEY, "0"]
    processes = [
        await asyncio.create_subprocess_exec(
            *arguments, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
        )
        for _ in range(2)
    ]
    told = {(await process.communicate())[0] for process in processes}
    assert len(told) == 1 and len(fake.jobs) == 1

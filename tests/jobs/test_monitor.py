"""The monitor: every event once, in order, and the true final state after any storm."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from curator.jobs.http.client import Client
from curator.jobs.http.faults import Refused, Unclear
from curator.jobs.ledger.find_runs import run_json
from curator.jobs.ledger.ledger import Ledger, Run
from curator.jobs.planning.plan import TrainingPlan
from curator.jobs.runs import monitor, submission
from tests.jobs.conftest import client_for
from tests.jobs.fake_provider import FakeProvider
from tests.thorough import rotating

pytestmark = pytest.mark.by_turns

MakePlan = Callable[..., TrainingPlan]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Polls follow each other without pauses."""
    monkeypatch.setattr(monitor, "interval", lambda run, kind: 0)
    monkeypatch.setattr(monitor, "pause_after", lambda fault, failures: 0 if failures < 20 else None)


@pytest.fixture
async def run(fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan) -> Run:
    return await submission.submit(plan_for(client.provider), ledger, client=client)


async def test_a_job_is_followed_to_its_end(fake: FakeProvider, client: Client, ledger: Ledger, run: Run) -> None:
    told = [event.id async for event in monitor.follow(run, ledger, client=client)]
    assert told == [event["id"] for event in fake.jobs[run.job_id or ""].events]
    value = run_json(ledger.get(run.run), ledger)
    assert (value["status"], value["trained_tokens"], value["epochs"]) == ("succeeded", 379446, 3)
    assert value["fine_tuned_model"] and value["error"] is None
    assert value["metrics"]["valid_loss"] == 1.2
    assert [c.step for c in ledger.checkpoints(run.run)] == [2, 3]
    assert [row["step"] for row in ledger.metrics(run.run)] == [1, 2, 3]


@pytest.mark.parametrize("order", ["repeat_events", "reverse_events"])
async def test_repeats_and_disorder_change_nothing(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run, order: str
) -> None:
    setattr(fake, order, True)
    for _ in range(3):
        async for _event in monitor.follow(run, ledger, client=client):
            pass
    stored = [event.id for event in ledger.events(run.run)]
    assert stored == [event["id"] for event in fake.jobs[run.job_id or ""].events]


@pytest.mark.parametrize(
    "how",
    rotating(
        3,
        [
            *("drop_before", "drop_after", "cut", "garbage", "empty"),
            *("html", "deep", "repeat", "fail_before", "fail_after"),
        ],
    ),
)
@pytest.mark.parametrize("path", ["/jobs/[^/]+$", "/events$", "/checkpoints$", "/content$"])
async def test_a_storm_is_waited_out(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run, how: str, path: str
) -> None:
    fake.fault("GET", path, how, times=5)  # type: ignore[arg-type]
    told = [event.id async for event in monitor.follow(run, ledger, client=client)]
    assert told == [event["id"] for event in fake.jobs[run.job_id or ""].events]
    assert ledger.get(run.run).status == "succeeded"


@pytest.mark.parametrize("path", ["/events$", "/checkpoints$", "/content$"])
async def test_what_never_comes_does_not_hide_the_end(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run, path: str
) -> None:
    fake.fault("GET", path, "fail_before", times=999)
    async for _event in monitor.follow(run, ledger, client=client):
        pass
    assert ledger.get(run.run).status == "succeeded" and ledger.get(run.run).settled


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_server_without_events_is_watched_all_the_same(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run, status: int
) -> None:
    fake.fault("GET", "/(events|checkpoints)$", "refuse", times=999, status=status)
    async for _event in monitor.follow(run, ledger, client=client):
        pass
    assert ledger.get(run.run).status == "succeeded"


@pytest.mark.parametrize("how", ["repeat", "drop_after", "garbage", "html", "fail_after", "cut"])
@pytest.mark.parametrize(("action", "status"), [("cancel", "cancelled"), ("pause", "paused")])
async def test_an_action_whose_answer_is_lost_is_done_once(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run, how: str, action: str, status: str
) -> None:
    fake.fault("POST", f"/{action}$", how)  # type: ignore[arg-type]
    assert (await monitor.act(run, action, ledger, client)).status == status
    assert sum(request.path.endswith(action) for request in fake.wire.requests) == 1
    if action == "cancel":  # again: it is so already
        assert (await monitor.act(run, action, ledger, client)).status == status
        with pytest.raises(Refused, match="already cancelled"):
            await monitor.act(run, "pause", ledger, client)


async def test_one_poll_after_the_storm_is_enough(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run
) -> None:
    fake.jobs[run.job_id or ""].at = 99
    poll = await monitor.poll_once(run, ledger, client)
    assert poll.run.status == "succeeded" and poll.run.settled


async def test_an_unclear_submission_is_found_by_a_poll(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    fake.invisible.add("ftjob-0001")
    fake.fault("POST", "/jobs$", "refuse", status=400)
    fake.fault("POST", "/jobs$", "drop_after")
    with pytest.raises(Unclear):
        await submission.submit(plan_for(client.provider), ledger, client=client)
    fake.invisible.clear()
    poll = await monitor.poll_once(ledger.runs()[0], ledger, client)
    assert poll.run.job_id == "ftjob-0001" and poll.run.status in fake.script


async def test_a_finished_job_is_never_reopened(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run
) -> None:
    async for _event in monitor.follow(run, ledger, client=client):
        pass
    ledger.update(run.run, swept=0)  # as if the last poll had been cut off
    fake.jobs[run.job_id or ""].forced = "running"
    await monitor.poll_once(run, ledger, client)
    assert ledger.get(run.run).status == "succeeded"


async def test_following_goes_on_in_another_process(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run
) -> None:
    follower = monitor.follow(run, ledger, client=client)
    first = [(await anext(follower)).id for _ in range(2)]
    await follower.aclose()
    with Ledger(ledger.path) as other:
        told = [event.id async for event in monitor.follow(run, other, client=client)]
    assert told[:2] == first and len(set(told)) == len(told) == len(fake.jobs[run.job_id or ""].events)


async def test_a_revoked_key_stops_and_keeps_the_state(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    fake.key = "sk-another"
    with pytest.raises(Refused, match="does not accept the key"):
        await monitor.poll_once(run, ledger, client)
    with pytest.raises(Refused):
        async for _event in monitor.follow(run, ledger, client=client):
            pass
    assert ledger.get(run.run).job_id == run.job_id


async def test_a_failed_job_tells_why(fake: FakeProvider, client: Client, ledger: Ledger, run: Run) -> None:
    fake.jobs[run.job_id or ""].script = ("validating_files", "failed")
    async for _event in monitor.follow(run, ledger, client=client):
        pass
    assert ledger.get(run.run).error == {
        "code": "invalid_training_file",
        "message": "The job failed.",
        "param": "training_file",
    }


async def test_unknown_statuses_show_as_they_are(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run
) -> None:
    fake.jobs[run.job_id or ""].forced = "dreaming\x1b[31m"
    poll = await monitor.poll_once(run, ledger, client)
    assert poll.run.status == "dreaming\x1b[31m" and not poll.run.closed


async def test_a_job_started_elsewhere_is_adopted_once(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run, tmp_path: Path
) -> None:
    other = Ledger(tmp_path / "other.db")
    job = (await client.jobs())[0]
    adopted = other.adopt("fake", client.provider.origin, job)
    assert other.adopt("fake", client.provider.origin, job) == adopted
    async for _event in monitor.follow(adopted, other, client=client):
        pass
    assert other.get(adopted.run).status == "succeeded" and other.get(adopted.run).foreign


async def test_azure_dialect_is_followed(azure: FakeProvider, ledger: Ledger, plan_for: MakePlan) -> None:
    async with client_for(azure) as client:
        run = await submission.submit(plan_for(client.provider), ledger, client=client)
        assert run.status == "pending" and run.epochs is None
        async for _event in monitor.follow(run, ledger, client=client):
            pass
    assert ledger.get(run.run).fine_tuned_model == "gpt-4.1-mini-2025-04-14.ft-0001"


async def test_time_left_comes_from_the_providers_clock(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run
) -> None:
    for _ in range(3):
        poll = await monitor.poll_once(run, ledger, client)
    assert poll.run.status == "running"
    assert monitor.time_left(poll.run, ledger) == 1.0  # one step a tick, one step to go


def test_result_files_are_read_by_header_and_tolerate_rubbish() -> None:
    body = b"step,train_loss,train_accuracy,valid_loss\n1,3.5,0.5,\nx,nan,\x00,1\n"
    assert monitor.result_rows(body)[0] == {"step": 1.0, "train_loss": 3.5, "train_mean_token_accuracy": 0.5}


async def test_a_sleeping_laptop_and_a_changed_clock_end_nothing(
    fake: FakeProvider, client: Client, ledger: Ledger, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine hours pass and the day is turned back between two polls; the network comes up late."""
    told: list[str] = []
    steady, clock = time.monotonic, time.time
    async for event in monitor.follow(run, ledger, client=client, patience=60):
        told.append(event.id)
        if len(told) == 2:
            fake.fault("GET", "/jobs/[^/]+$", "drop_before", times=4)
            monkeypatch.setattr(time, "monotonic", lambda: steady() + 32_400)
            monkeypatch.setattr(time, "time", lambda: clock() - 86_400)
    monkeypatch.undo()
    assert told == [event["id"] for event in fake.jobs[run.job_id or ""].events]
    assert [event.id for event in ledger.events(run.run)] == told and ledger.get(run.run).status == "succeeded"


async def test_tokens_and_money_so_far_follow_the_steps(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    plan = plan_for(client.provider, billed_tokens=3000, usd=0.6)
    run = await submission.submit(plan, ledger, client=client)
    assert monitor.cost_so_far(run, ledger) == (None, None)
    while monitor.progress(run, ledger) != (1, 3):
        run = (await monitor.poll_once(run, ledger, client)).run
    tokens, usd = monitor.cost_so_far(run, ledger)
    assert tokens == 1000 and usd == pytest.approx(0.2)
    async for _event in monitor.follow(run, ledger, client=client):
        pass
    assert monitor.cost_so_far(ledger.get(run.run), ledger) == (379446, 0.6)

"""Answers that no service should give: stored, shown or refused in a sentence, never the end of the program."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from curator.cli import provider_options
from curator.cli.output import encoded
from curator.jobs.http import guards
from curator.jobs.http import provider_records as records
from curator.jobs.http.client import Client
from curator.jobs.http.faults import Unclear
from curator.jobs.ledger.find_runs import run_json
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.runs import monitor, submission
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.test_monitor import MakePlan
from tests.jobs.wire import Reply, Request

DEEP: Any = "end"
for _ in range(150):
    DEEP = [DEEP]
VALUES = {
    "half a character": "x\ud800y",
    "a huge number": 10**40,
    "deep nesting": DEEP,
    "no number": float("nan"),
    "a far day": 9 * 10**15,
    "before time": -(10**15),
    "control": "\x1b]0;hostile\x07\u202e",
}


@pytest.mark.parametrize("name", VALUES)
async def test_strange_values_anywhere_are_stored_and_printed(
    fake: FakeProvider,
    client: Client,
    ledger: Ledger,
    plan_for: MakePlan,
    name: str,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    run = await submission.submit(plan_for(client.provider), ledger, client=client)
    value, handle = VALUES[name], fake.wire.handler
    event = dict.fromkeys(("created_at", "level", "message", "type", "id", "more"), value)
    odd = {"created_at": value, "finished_at": value, "model": value, "trained_tokens": value, "more": [value]}

    async def strange(request: Request) -> Reply:
        reply = await handle(request)
        if request.path.endswith("/events"):
            events = [event | {"id": "ftevent-1"}, event, {**event, "data": {"step": value, "train_loss": value}}]
            reply.body = {"object": "list", "data": events, "has_more": value}
        elif request.path.endswith(run.job_id or ""):
            reply.body |= odd | {"error": {"message": value, "code": value}, "metadata": {str(value): value}}
        return reply

    fake.wire.handler = strange
    fake.jobs[run.job_id or ""].at = 99
    poll = await monitor.poll_once(run, ledger, client)
    assert poll.run.status == "succeeded" and len(ledger.events(run.run)) >= 2
    assert json.loads(encoded(run_json(poll.run, ledger)))["status"] == "succeeded"
    for stored in ledger.events(run.run):
        provider_options.show_event(stored, json=False)
        provider_options.show_event(stored, json=True)
    assert b"\x1b]" not in capsysbinary.readouterr().out


@pytest.mark.parametrize("how", ["html", "empty", "garbage", "deep", "cut"])
async def test_an_access_probe_that_is_answered_with_rubbish_is_no_answer(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan, how: str
) -> None:
    fake.fault("POST", "/jobs$", how)  # type: ignore[arg-type]
    run = await submission.submit(plan_for(client.provider), ledger, client=client)
    assert list(fake.jobs) == [run.job_id]


async def test_nesting_without_end_cannot_be_read(fake: FakeProvider, client: Client) -> None:
    fake.fault("GET", "/jobs$", "deep", times=9)
    with pytest.raises(Unclear, match="cannot be read when asked to list jobs"):
        await client.jobs()


async def test_a_few_packed_bytes_do_not_become_gigabytes(
    fake: FakeProvider, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "MAX_ANSWER", 100_000)
    page = {"object": "list", "data": [{"id": "ftjob-1", "status": "running"}], "has_more": False}

    async def packed(request: Request) -> Reply:
        return Reply(raw=gzip.compress(body), headers={"content-encoding": "gzip"})

    fake.wire.handler = packed
    body = json.dumps(page).encode()
    assert [job.id for job in await client.jobs()] == ["ftjob-1"]
    body = b'{"data": [' + b" " * 200_000 + b"]}"
    with pytest.raises(Unclear, match="list jobs"):
        await client.jobs()

    async def broken(request: Request) -> Reply:
        return Reply(raw=b"no gzip", headers={"content-encoding": "gzip"})

    fake.wire.handler = broken
    with pytest.raises(Unclear, match="list jobs"):
        await client.jobs()


async def test_an_answer_that_trickles_ends_with_the_whole_call(fake: FakeProvider, client: Client) -> None:
    fake.fault("GET", "/jobs/x$", "trickle", seconds=0.1, times=9)
    fake.jobs["x"] = fake_job = _job(fake)
    assert fake_job.id == "x"
    with pytest.raises(Unclear, match="did not answer in time"):
        await client.job("x")


def _job(fake: FakeProvider) -> Any:
    from tests.jobs.fake_provider import FakeJob

    return FakeJob("x", {"model": "m", "training_file": "f"}, fake.script)


def test_what_a_model_says_is_stored_whatever_it_is(tmp_path: Path) -> None:
    with Ledger(tmp_path / "runs.db") as ledger:
        ledger.add_evaluation("sha", "m", None, {"answers": ["half \ud83d"], "n": 10**30})
        assert ledger.evaluation("sha", "m") == {"answers": ["half \ufffd"], "n": None}


def test_values_are_tamed_and_others_kept_as_they_are() -> None:
    kept = {"a": [1, 2.5, None, True, "ä\u0000"], "b": {"c": []}}
    assert records.make_storable(kept) == kept

"""Submission: at most one job an intent, whatever happens to the answers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from curator.jobs.http.client import Client
from curator.jobs.http.faults import Refused, Unclear, Unreachable
from curator.jobs.http.upload import Pace, SubmissionProgress
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning.plan import TrainingPlan
from curator.jobs.runs import submission
from tests.jobs.conftest import client_for, provider_for
from tests.jobs.fake_provider import REFUSED, FakeProvider
from tests.jobs.wire import Reply, Request

pytestmark = pytest.mark.by_turns

MakePlan = Callable[..., TrainingPlan]


async def test_a_job_is_made_with_both_files_and_the_nonce(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    told: list[SubmissionProgress] = []
    plan = plan_for(client.provider)
    run = await submission.submit(plan, ledger, told.append, client=client)
    job = fake.jobs[run.job_id or ""]
    assert job.body["metadata"] == {"curator_intent": run.run}
    assert fake.contents[job.body["training_file"]] == plan.training.path.read_bytes()
    assert job.body["validation_file"] == run.validation_file
    assert ledger.get(run.run).job_id == run.job_id
    assert [p.done for p in told if p.step == "upload"][-1] == plan.validation.size  # type: ignore[union-attr]


async def test_again_attaches_unless_asked_for_another(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    plan = plan_for(client.provider)
    first = await submission.submit(plan, ledger, client=client)
    second = await submission.submit(plan, ledger, client=client)
    assert second.job_id == first.job_id and len(fake.jobs) == 1
    third = await submission.submit(plan, ledger, client=client, again=True)
    assert third.job_id != first.job_id and len(fake.jobs) == 2


async def test_other_data_is_another_job(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    await submission.submit(plan_for(client.provider), ledger, client=client)
    await submission.submit(plan_for(client.provider, "other"), ledger, client=client)
    assert len(fake.jobs) == 2


LOST = ["drop_after", "cut", "garbage", "empty", "html", "deep", "fail_after", "delay"]


@pytest.mark.parametrize("how", LOST)
@pytest.mark.parametrize("filter_", [True, False])
async def test_a_lost_answer_is_found_in_the_list(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan, how: str, filter_: bool
) -> None:
    fake.metadata_filter = filter_
    fake.fault("POST", "/jobs$", "refuse", status=400)  # the access probe
    fake.fault("POST", "/jobs$", how, seconds=3)  # type: ignore[arg-type]
    run = await submission.submit(plan_for(client.provider), ledger, client=client)
    assert list(fake.jobs) == [run.job_id]


@pytest.mark.parametrize("how", LOST)
async def test_a_lost_upload_answer_is_found_too(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan, how: str
) -> None:
    fake.fault("POST", "/files$", how, seconds=3)  # type: ignore[arg-type]
    run = await submission.submit(plan_for(client.provider), ledger, client=client)
    assert len(fake.files) == 2 and list(fake.jobs) == [run.job_id]


async def test_an_unclear_job_that_is_not_listed_is_never_made_again(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    plan = plan_for(client.provider)
    fake.invisible.add("ftjob-0001")
    fake.fault("POST", "/jobs$", "refuse", status=400)
    fake.fault("POST", "/jobs$", "drop_after")
    for _ in range(2):
        with pytest.raises(Unclear, match="--again"):
            await submission.submit(plan, ledger, client=client)
    assert ledger.runs()[0].status == "unclear" and len(fake.jobs) == 1
    fake.invisible.clear()  # the list catches up
    run = await submission.submit(plan, ledger, client=client)
    assert run.job_id == "ftjob-0001" and len(fake.jobs) == 1


async def test_reconcile_attaches_what_turned_up(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    fake.invisible.add("ftjob-0001")
    fake.fault("POST", "/jobs$", "refuse", status=400)
    fake.fault("POST", "/jobs$", "drop_after")
    with pytest.raises(Unclear):
        await submission.submit(plan_for(client.provider), ledger, client=client)
    run = ledger.runs()[0]
    assert (await submission.reconcile(run, ledger, client)).job_id is None
    fake.invisible.clear()
    assert (await submission.reconcile(run, ledger, client)).job_id == "ftjob-0001"


async def test_a_wound_down_organisation_is_told_before_anything_is_uploaded(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    fake.fault("POST", "/jobs$", "refuse", times=9, status=403, body=REFUSED)
    with pytest.raises(Refused, match="--provider local") as caught:
        await submission.submit(plan_for(client.provider), ledger, client=client)
    assert caught.value.code == "training_not_available" and caught.value.exit_code == 3
    assert not fake.files and ledger.runs()[0].status == "refused"


async def test_a_refusal_after_the_upload_names_the_orphans(
    fake: FakeProvider, ledger: Ledger, plan_for: MakePlan
) -> None:
    fake.fault("POST", "/jobs$", "refuse", status=403, body=REFUSED)
    async with client_for(fake, "compatible") as client:
        with pytest.raises(Refused, match="--provider local"):
            await submission.submit(plan_for(client.provider), ledger, client=client)
    assert [file for _, file, _ in ledger.orphans()] == list(fake.files)


async def test_quota_keeps_the_uploads_for_later(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    quota = {"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}
    fake.fault("POST", "/jobs$", "refuse", status=400)
    fake.fault("POST", "/jobs$", "refuse", status=429, body=quota)
    plan = plan_for(client.provider)
    with pytest.raises(Refused, match="quota is used up"):
        await submission.submit(plan, ledger, client=client)
    run = await submission.submit(plan, ledger, client=client)
    assert len(fake.files) == 2 and list(fake.jobs) == [run.job_id]


async def test_a_spend_limit_is_no_end_whatever_its_status(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    limit = {"error": {"message": "Billing hard limit has been reached", "code": "billing_hard_limit_reached"}}
    fake.fault("POST", "/jobs$", "refuse", status=400)
    fake.fault("POST", "/jobs$", "refuse", status=400, body=limit)
    plan = plan_for(client.provider)
    with pytest.raises(Refused, match="spend limit") as caught:
        await submission.submit(plan, ledger, client=client)
    assert "--provider" in caught.value.message and "--provider" not in caught.value.plain
    assert ledger.runs()[0].status == "intent" and not ledger.orphans()
    run = await submission.submit(plan, ledger, client=client)
    assert len(fake.files) == 2 and list(fake.jobs) == [run.job_id]


async def test_a_spend_limit_is_told_before_the_upload_too(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    limit = {"error": {"message": "limit", "code": "billing_hard_limit_reached"}}
    fake.fault("POST", "/jobs$", "refuse", status=400, body=limit)
    with pytest.raises(Refused, match="spend limit"):
        await submission.submit(plan_for(client.provider), ledger, client=client)
    assert not fake.files


async def test_a_model_that_takes_no_training_is_told_before_the_upload(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    body = {"error": {"message": "Model X is not available for fine-tuning or does not exist.", "code": None}}
    fake.fault("POST", "/jobs$", "refuse", status=400, body=body)
    with pytest.raises(Refused, match="not available for fine-tuning"):
        await submission.submit(plan_for(client.provider), ledger, client=client)
    assert not fake.files and ledger.runs()[0].status == "refused"


async def test_a_day_that_only_the_provider_knows_is_told_or_stops_all(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    def on(day: date) -> list[dict[str, object]]:
        return [{"id": plan.model, "object": "model", "shutdown_date": day.isoformat()}]

    plan, told = plan_for(client.provider), list[SubmissionProgress]()
    fake.models = on(date.today() - timedelta(days=1))
    with pytest.raises(submission.Blocked, match="was switched off on"):
        await submission.submit(plan, ledger, told.append, client=client)
    assert not fake.files and not ledger.runs()
    fake.models = on(date.today() + timedelta(days=9))
    await submission.submit(plan, ledger, told.append, client=client)
    assert [p.text for p in told if p.step == "note"] == [
        f"{plan.model} and what is tuned from it will be switched off on {date.today() + timedelta(days=9)}. "
        "gpt-6-luna is named as its replacement."
    ]


async def test_a_file_that_is_still_being_read_is_waited_for(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    text = "File 'file-1' is still being processed and is not ready to be used for fine-tuning."
    fake.fault("POST", "/jobs$", "refuse", status=400)
    fake.fault("POST", "/jobs$", "refuse", times=3, status=400, body={"error": {"message": text}})
    run = await submission.submit(plan_for(client.provider), ledger, client=client)
    assert list(fake.jobs) == [run.job_id] and len(fake.files) == 2


async def test_a_submission_without_a_job_can_be_given_up(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    plan = plan_for(client.provider)
    fake.fault("POST", "/jobs$", "refuse", status=400)
    fake.fault("POST", "/jobs$", "drop_before")
    with pytest.raises(Unclear):
        await submission.submit(plan, ledger, client=client)
    run = await submission.abandon(ledger.runs()[0], ledger, client)
    assert run.status == "abandoned" and run.closed and not fake.jobs
    assert sorted(file for _, file, _ in ledger.orphans(run.run)) == sorted(fake.files)
    again = await submission.submit(plan, ledger, client=client)
    assert again.run != run.run and list(fake.jobs) == [again.job_id]


async def test_a_job_that_turns_up_is_not_given_up(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    fake.invisible.add("ftjob-0001")
    fake.fault("POST", "/jobs$", "refuse", status=400)
    fake.fault("POST", "/jobs$", "drop_after")
    with pytest.raises(Unclear):
        await submission.submit(plan_for(client.provider), ledger, client=client)
    fake.invisible.clear()
    run = await submission.abandon(ledger.runs()[0], ledger, client)
    assert run.job_id == "ftjob-0001" and not run.closed and not ledger.orphans()


async def test_nothing_reached_is_safe_to_try_again(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    plan = plan_for(client.provider)
    port = fake.wire.port
    await fake.wire.stop()
    with pytest.raises(Unreachable, match="could not be reached"):
        await submission.submit(plan, ledger, client=client)
    fake.wire.port = port
    await fake.wire.start()
    run = await submission.submit(plan, ledger, client=client)
    assert list(fake.jobs) == [run.job_id]


async def test_a_blocked_plan_sends_nothing(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    with pytest.raises(submission.Blocked, match="over budget"):
        await submission.submit(plan_for(client.provider, blocking=("over budget",)), ledger, client=client)
    assert not fake.wire.requests and not ledger.runs()


async def test_azure_waits_until_the_file_is_processed(
    azure: FakeProvider, ledger: Ledger, plan_for: MakePlan
) -> None:
    async with client_for(azure, training_type="GlobalStandard") as client:
        run = await submission.submit(plan_for(client.provider), ledger, client=client)
    assert azure.jobs[run.job_id or ""].body["trainingType"] == "GlobalStandard"


async def test_azure_waits_for_the_validation_file_too(
    azure: FakeProvider, ledger: Ledger, plan_for: MakePlan
) -> None:
    seen: list[set[str]] = []
    create = azure._create

    def watched(request: Request) -> Reply:
        seen.append({file["status"] for file in azure.files.values()})
        return create(request)

    azure._create = watched  # type: ignore[method-assign]
    async with client_for(azure) as client:
        await submission.submit(plan_for(client.provider), ledger, client=client)
    assert seen == [{"processed"}]


async def test_a_file_that_azure_does_not_take_ends_the_run(
    azure: FakeProvider, ledger: Ledger, plan_for: MakePlan
) -> None:
    body = {"id": "file-0001", "status": "error", "status_details": "line 3 is no JSON", "filename": "x.jsonl"}
    azure.fault("GET", "/files/[^/]+$", "refuse", status=200, body=body)
    async with client_for(azure) as client:
        with pytest.raises(Refused, match="line 3 is no JSON"):
            await submission.submit(plan_for(client.provider), ledger, client=client)
    assert ledger.runs()[0].status == "refused" and len(ledger.orphans()) == 2 and not azure.jobs


async def test_a_file_that_was_deleted_meanwhile_ends_the_run(
    azure: FakeProvider, ledger: Ledger, plan_for: MakePlan
) -> None:
    azure.fault("GET", "/files/[^/]+$", "refuse", status=404)
    async with client_for(azure) as client:
        plan = plan_for(client.provider)
        with pytest.raises(Refused, match="no such thing"):
            await submission.submit(plan, ledger, client=client)
        run = await submission.submit(plan, ledger, client=client)
    assert list(azure.jobs) == [run.job_id]


async def test_azure_classic_sends_api_version_and_key_header(
    azure: FakeProvider, ledger: Ledger, plan_for: MakePlan
) -> None:
    async with client_for(azure, api_version="2024-10-21") as client:
        await submission.submit(plan_for(client.provider), ledger, client=client)
    paths = {request.path.split("/")[1] + "/" + request.path.split("/")[2] for request in azure.wire.requests}
    assert paths == {"openai/models", "openai/files", "openai/fine_tuning"}
    assert all(r.query["api-version"] == "2024-10-21" and "api-key" in r.headers for r in azure.wire.requests)


async def test_a_wrong_key_is_never_shown(fake: FakeProvider, ledger: Ledger, plan_for: MakePlan) -> None:
    async with client_for(fake, key="sk-wrong-9999999999") as client:
        with pytest.raises(Refused, match="does not accept the key") as caught:
            await submission.submit(plan_for(provider_for(fake)), ledger, client=client)
    assert "9999" not in caught.value.message


async def test_after_the_end_the_same_may_be_run_anew(
    fake: FakeProvider, client: Client, ledger: Ledger, plan_for: MakePlan
) -> None:
    plan = plan_for(client.provider)
    first = await submission.submit(plan, ledger, client=client)
    fake.jobs[first.job_id or ""].at = 99  # it ended, and nobody has looked yet
    second = await submission.submit(plan, ledger, client=client)
    assert ledger.get(first.run).status == "succeeded" and list(fake.jobs) == [first.job_id, second.job_id]


def test_an_upload_tells_how_much_and_how_fast() -> None:
    pace = Pace(iter([0.0, 0.0, 2.0, 3.0, 3.0, 3.0, 4.0]).__next__)
    assert pace.words(SubmissionProgress("probe", "asking")) == "asking"
    assert pace.words(SubmissionProgress("upload", "a.jsonl", 0, 3_000_000)) == "a.jsonl: 0.0 of 3.0 MB"
    assert (
        pace.words(SubmissionProgress("upload", "a.jsonl", 1_500_000, 3_000_000))
        == "a.jsonl: 1.5 of 3.0 MB, 0.8 MB/s"
    )
    done = pace.words(SubmissionProgress("upload", "a.jsonl", 3_000_000, 3_000_000))
    assert done == "a.jsonl: 3.0 MB sent, waiting for the answer"
    assert pace.words(SubmissionProgress("upload", "b.jsonl", 3_000, 7_000)) == "b.jsonl: 3.0 of 7.0 kB"

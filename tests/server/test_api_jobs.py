"""The life of a job, seen through the real SDK over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.server.running import Running, jsonl, until

ENDS = ("succeeded", "failed", "cancelled")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("server"))
    yield running
    running.close()


@pytest.fixture
def client(server: Running) -> OpenAI:
    return server.client()


def upload(client: OpenAI, count: int = 12, data: bytes | None = None) -> str:
    body = jsonl(count) if data is None else data
    return client.files.create(file=("train.jsonl", body), purpose="fine-tune").id


def ended(client: OpenAI, job_id: str, *states: str) -> FineTuningJob:
    until(lambda: client.fine_tuning.jobs.retrieve(job_id).status in (states or ENDS))
    return client.fine_tuning.jobs.retrieve(job_id)


def texts(client: OpenAI, job_id: str) -> list[str]:
    """Messages of all events, oldest first."""
    return [event.message for event in client.fine_tuning.jobs.list_events(job_id, limit=5)][::-1]


def test_a_job_from_upload_to_model(client: OpenAI) -> None:
    train, valid = upload(client), upload(client, 3)
    job = client.fine_tuning.jobs.create(
        model="tiny",
        training_file=train,
        validation_file=valid,
        suffix="Emoji Bot!",
        seed=7,
        method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 4}}},
    )
    assert job.status == "validating_files"
    assert job.fine_tuned_model is None
    assert job.hyperparameters.n_epochs == 4
    assert job.hyperparameters.batch_size == "auto"
    job = ended(client, job.id)
    assert job.status == "succeeded", job.error
    assert job.fine_tuned_model is not None
    assert job.fine_tuned_model.startswith("ft:tiny:local:Emoji-Bot:")
    assert job.trained_tokens == 1234
    assert job.hyperparameters.batch_size == 2
    assert job.seed == 7
    said = texts(client, job.id)
    name = job.fine_tuned_model
    assert said[:5] == [
        f"Created fine-tuning job: {job.id}",
        f"Validating training file: {train} and validation file: {valid}",
        "Files validated, moving job to queued state",
        "Fine-tuning job started",
        "Step 1/12: training loss=2.00",
    ]
    assert "Step 4/12: training loss=0.50, validation loss=0.62" in said
    assert f"Checkpoint created at step 3 with Snapshot ID: {name}:ckpt-step-3" in said
    assert said[-3:] == [
        "Step 12/12: training loss=0.17, validation loss=0.21, full validation loss=0.40",
        f"New fine-tuned model created: {name}",
        "The job has successfully completed",
    ]
    assert f"Checkpoint created at step 12 with Snapshot ID: {name}:ckpt-step-12" not in said
    points = client.fine_tuning.jobs.checkpoints.list(job.id).data
    assert [point.step_number for point in points] == [12, 9, 6]  # the last three are kept
    assert [point.fine_tuned_model_checkpoint for point in points] == [
        name,
        f"{name}:ckpt-step-9",
        f"{name}:ckpt-step-6",
    ]
    table = client.files.content(job.result_files[0]).text.splitlines()
    assert table[0] == "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"
    assert table[1] == "1,2.00000,0.50000,,"
    assert len(table) == 13
    assert {name, f"{name}:ckpt-step-9"} <= {model.id for model in client.models.list()}

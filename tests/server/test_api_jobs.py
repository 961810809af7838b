"""The life of a job, seen through the real SDK over real HTTP."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import openai
import pytest
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from tests.server.running import Running, jsonl, status_of, steps_of, until

ENDS = ("succeeded", "failed", "cancelled")


def upload(client: OpenAI, count: int = 12, data: bytes | None = None) -> str:
    body = jsonl(count) if data is None else data
    return client.files.create(file=("train.jsonl", body), purpose="fine-tune").id


def ended(client: OpenAI, job_id: str, *states: str) -> FineTuningJob:
    until(lambda: status_of(client, job_id) in (states or ENDS))
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


def test_the_events_page_from_newest_to_oldest(client: OpenAI) -> None:
    job = ended(client, create(client).id)
    first = client.fine_tuning.jobs.list_events(job.id, limit=3)
    assert first.has_more
    assert first.data[0].message == "The job has successfully completed"
    rest = client.fine_tuning.jobs.list_events(job.id, after=first.data[-1].id, limit=100)
    assert not rest.has_more
    assert rest.data[-1].message == f"Created fine-tuning job: {job.id}"
    assert len({event.id for event in (*first.data, *rest.data)}) == len(first.data) + len(rest.data)


def create(client: OpenAI, model: str = "tiny", **fields: Any) -> FineTuningJob:
    return client.fine_tuning.jobs.create(**{"model": model, "training_file": upload(client), **fields})


def test_a_repeated_create_with_the_same_intent_finds_its_job(client: OpenAI) -> None:
    first = create(client, metadata={"curator_intent": "intent-1", "team": "a"})
    again = create(client, metadata={"curator_intent": "intent-1"})
    assert again.id == first.id
    found = client.fine_tuning.jobs.list(metadata={"curator_intent": "intent-1"})
    assert [job.id for job in found] == [first.id]
    assert client.fine_tuning.jobs.list(metadata={"curator_intent": "intent-1", "team": "b"}).data == []


def test_jobs_page_newest_first(client: OpenAI) -> None:
    made = [create(client, metadata={"batch": "x"}).id for _ in range(3)]
    assert [job.id for job in client.fine_tuning.jobs.list(metadata={"batch": "x"}, limit=2)] == made[::-1]


def test_cancel_ends_a_running_job_and_frees_the_queue(client: OpenAI, server: Running) -> None:
    job = create(client, "slow")
    ended(client, job.id, "running")
    until(lambda: len(steps_of(client, job.id)) >= 2)
    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="already completed"):
        client.fine_tuning.jobs.resume(job.id)
    after = create(client)
    assert ended(client, after.id).status == "succeeded"
    assert client.fine_tuning.jobs.retrieve(job.id).status == "cancelled"
    assert not (server.data / "jobs" / job.id / "state.json").exists()


def test_cancel_reaches_jobs_that_wait(client: OpenAI) -> None:
    running, waiting = create(client, "slow"), create(client, "slow")
    ended(client, waiting.id, "queued")
    assert client.fine_tuning.jobs.cancel(waiting.id).status == "cancelled"
    client.fine_tuning.jobs.cancel(running.id)
    assert client.fine_tuning.jobs.list_events(waiting.id).data[0].message == "Fine-tuning job cancelled"


def test_pause_and_resume_repeat_no_step(client: OpenAI) -> None:
    job = create(client, "slow")
    until(lambda: len(steps_of(client, job.id)) >= 3)
    assert str(client.fine_tuning.jobs.pause(job.id).status) == "paused"
    other = create(client)
    assert ended(client, other.id).status == "succeeded"  # a paused job blocks nobody
    steps = steps_of(client, job.id)
    assert client.fine_tuning.jobs.resume(job.id).status == "queued"
    until(lambda: len(steps_of(client, job.id)) > len(steps) + 2)
    client.fine_tuning.jobs.cancel(job.id)
    metrics = [e.data for e in client.fine_tuning.jobs.list_events(job.id, limit=100) if e.type == "metrics"]
    numbers = [data["step"] for data in metrics if isinstance(data, dict)][::-1]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_job_is_paused_while_its_files_are_validated(client: OpenAI) -> None:
    job = create(client)
    assert str(client.fine_tuning.jobs.pause(job.id).status) == "paused"
    other = create(client)
    assert ended(client, other.id).status == "succeeded"
    assert str(client.fine_tuning.jobs.retrieve(job.id).status) == "paused"
    assert client.fine_tuning.jobs.resume(job.id).status in ("validating_files", "queued")
    assert ended(client, job.id).status == "succeeded"
    assert [text for text in texts(client, job.id) if "validated" in text] == [
        "Files validated, moving job to queued state"
    ]


def test_a_failing_worker_gives_its_reason(client: OpenAI) -> None:
    job = ended(client, create(client, "failing").id)
    assert job.status == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.message) == ("diverged", "The loss is not a number any more.")
    assert client.fine_tuning.jobs.list_events(job.id).data[0].level == "error"


def test_a_crashed_worker_goes_on_where_it_was(client: OpenAI) -> None:
    job = ended(client, create(client, "crashing-once").id)
    assert job.status == "succeeded"
    said = texts(client, job.id)
    assert len([text for text in said if text.startswith("Step")]) == 12
    assert any("ended unexpectedly" in text for text in said)


def test_three_crashes_fail_the_job_with_the_last_words(client: OpenAI) -> None:
    job = ended(client, create(client, "crashing").id)
    assert job.status == "failed"
    assert job.error is not None
    assert job.error.message == (
        "The training process ended unexpectedly 3 times (killed by SIGKILL): out of cheese"
    )


LINE = jsonl(1).decode()
BAD_FILES = [
    (jsonl(7), "invalid_n_examples", "Training file has 7 example(s), but must have at least 10 examples"),
    (
        jsonl(11) + b'{"messages": [}\n',
        "invalid_file_format",
        "The job failed due to an invalid training file. Invalid file format. Example 12 cannot be parsed. "
        "Error: line contains invalid json: ",
    ),
    (
        jsonl(10) + b"\n[1]\n",
        "invalid_file_format",
        "The job failed due to an invalid training file. Invalid file format. "
        "Example 11 is not a JSON dictionary (line 12)",
    ),
    (
        jsonl(10) + b'{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": 3}]}\n',
        "invalid_file_format",
        "The job failed due to an invalid training file. Invalid file format. "
        'Example 11, message 2, key "content"',
    ),
    (
        b'{"prompt": "a", "completion": "b"}\n' * 12,
        "invalid_training_file",
        "The job failed due to an invalid training file. Unexpected file format",
    ),
]


@pytest.mark.parametrize(("data", "code", "message"), BAD_FILES)
def test_unfit_training_files_fail_the_job_as_the_service_does(
    client: OpenAI, data: bytes, code: str, message: str
) -> None:
    file_id = upload(client, data=data)
    job = ended(client, client.fine_tuning.jobs.create(model="tiny", training_file=file_id).id)
    assert job.status == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.param) == (code, "training_file")
    assert job.error.message.startswith(message), job.error.message
    if code != "invalid_n_examples":
        assert client.files.retrieve(file_id).status == "error"


def test_preference_data_needs_the_dpo_method(client: OpenAI) -> None:
    line = (
        b'{"input": {"messages": [{"role": "user", "content": "a"}]}, "preferred_output": [{"role": "assistant", '
    )
    line += b'"content": "b"}], "non_preferred_output": [{"role": "assistant", "content": "c"}]}\n'
    file_id = upload(client, data=line * 12)
    wrong = ended(client, client.fine_tuning.jobs.create(model="tiny", training_file=file_id).id)
    assert wrong.error is not None
    assert "not using 'dpo' as the training method (provided method=supervised)" in wrong.error.message
    hyperparameters: Any = {"beta": 0.2, "lora_rank": 8, "schedule": "cosine"}
    job = client.fine_tuning.jobs.create(
        model="tiny", training_file=file_id, method={"type": "dpo", "dpo": {"hyperparameters": hyperparameters}}
    )
    asked = client.fine_tuning.jobs.retrieve(job.id).method
    assert asked is not None and "'lora_rank': 8" in str(asked.to_dict()) and "lora_alpha" not in str(asked)
    assert ended(client, job.id).status == "succeeded"
    assert job.method is not None
    assert job.method.dpo is not None


BAD_REQUESTS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"model": "gpt-9"}, "model", "model_not_available", "Model gpt-9 is not available for fine-tuning"),
    ({"training_file": "file-nothere"}, "training_file", "invalid_file", "invalid training_file: file-nothere"),
    ({"training_file": "../../token"}, "training_file", "invalid_file", "invalid training_file: ../../token"),
    ({"suffix": "x" * 65}, "suffix", "string_above_max_length", "Invalid 'suffix': string too long."),
    ({"suffix": ""}, "suffix", "string_below_min_length", "Invalid 'suffix': string too short."),
    ({"seed": -1}, "seed", "integer_below_min_value", "Invalid 'seed': integer below minimum value."),
    ({"seed": 2**31}, "seed", "integer_above_max_value", "Invalid 'seed': integer above maximum value."),
    ({"seed": True}, "seed", "invalid_type", "Invalid type for 'seed': expected an integer, but got a boolean"),
    ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs", "integer_below_min_value", "Invalid"),
    ({"hyperparameters": {"n_epochs": 51}}, "hyperparameters.n_epochs", "integer_above_max_value", "Invalid"),
    ({"hyperparameters": {"batch_size": "big"}}, "hyperparameters.batch_size", "invalid_value", "Invalid value"),
    ({"hyperparameters": {"lora_rank": 0}}, "hyperparameters.lora_rank", "integer_below_min_value", "Invalid"),
    (
        {"hyperparameters": {"lora_dropout": 1}},
        "hyperparameters.lora_dropout",
        "decimal_above_max_value",
        "Invalid",
    ),
    ({"hyperparameters": {"packing": "yes"}}, "hyperparameters.packing", "invalid_type", "Invalid type for"),
    (
        {"hyperparameters": {"early_stopping": 0}},
        "hyperparameters.early_stopping",
        "integer_below_min_value",
        "Inv",
    ),
    (
        {"hyperparameters": {"early_stopping": 2}},
        "validation_file",
        "missing_required_parameter",
        "Missing required parameter: 'validation_file'. 'early_stopping' goes by its loss.",
    ),
    ({"hyperparameters": {"best_checkpoint": True}}, "validation_file", "missing_required_parameter", "Missing"),
    (
        {"hyperparameters": {"schedule": "odd"}},
        "hyperparameters.schedule",
        "invalid_value",
        "Invalid value: 'odd'",
    ),
    ({"hyperparameters": {"speed": 1}}, "hyperparameters.speed", "unknown_parameter", "Unknown parameter"),
    (
        {"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 3}}}},
        "method.dpo.hyperparameters.beta",
        "decimal_above_max_value",
        "Invalid",
    ),
    ({"method": {"type": "magic"}}, "method.type", "invalid_value", "Invalid value: 'magic'."),
    ({"method": {"type": "reinforcement"}}, "method.type", "unsupported_value", "Reinforcement"),
    ({"metadata": {f"k{i}": "v" for i in range(17)}}, "metadata", "object_above_max_properties", "Invalid 'metad"),
    ({"metadata": {"k": "v" * 513}}, "metadata.k", "string_above_max_length", "Invalid 'metadata.k'"),
    ({"metadata": {"k" * 65: "v"}}, "metadata", "invalid_value", "Invalid 'metadata'"),
    ({"metadata": {"k": 1}}, "metadata.k", "invalid_type", "Invalid type for 'metadata.k'"),
    ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations", "unsupported_value", "Inv"),
    ({"extra_body": {"trainingType": "Standard"}}, "trainingType", "unknown_parameter", "Unknown parameter"),
]


@pytest.mark.parametrize(("fields", "param", "code", "message"), BAD_REQUESTS)
def test_bad_creates_are_refused_in_the_service_s_words(
    client: OpenAI, server: Running, fields: dict[str, Any], param: str, code: str, message: str
) -> None:
    before = set((server.data / "jobs").iterdir())
    with pytest.raises(openai.BadRequestError) as caught:
        create(client, **fields)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert caught.value.body is not None
    assert str(caught.value.body["message"]).startswith(message)  # type: ignore[index]
    assert set((server.data / "jobs").iterdir()) == before


def test_a_file_of_another_purpose_is_no_training_file(client: OpenAI, server: Running) -> None:
    file = client.files.create(file=("x.jsonl", jsonl(12)), purpose="fine-tune")
    with sqlite3.connect(server.data / "server.db") as db:
        db.execute("UPDATE files SET purpose = 'batch' WHERE id = ?", (file.id,))  # of an earlier version
    db.close()
    with pytest.raises(openai.BadRequestError, match="needs 'fine-tune'"):
        client.fine_tuning.jobs.create(model="tiny", training_file=file.id)


def test_a_deleted_file_does_not_hurt_its_job(client: OpenAI) -> None:
    file_id = upload(client)
    blocker = create(client, "slow")
    job = client.fine_tuning.jobs.create(model="tiny", training_file=file_id)
    client.files.delete(file_id)
    client.fine_tuning.jobs.cancel(blocker.id)
    assert ended(client, job.id).status == "succeeded"


@pytest.mark.parametrize("job_id", ["ftjob-nothere", "ftjob-" + "a" * 24, "%00", "..%2f..%2ftoken"])
def test_unknown_jobs_are_404(client: OpenAI, job_id: str) -> None:
    for call in ("retrieve", "cancel", "pause", "resume", "list_events"):
        with pytest.raises(openai.NotFoundError) as caught:
            getattr(client.fine_tuning.jobs, call)(job_id)
        assert caught.value.code in ("fine_tune_not_found", None)


def test_models_are_listed_asked_for_and_deleted(client: OpenAI, server: Running) -> None:
    job = ended(client, create(client).id)
    name = str(job.fine_tuned_model)
    assert client.models.retrieve(name).owned_by == "org-local"
    assert client.models.retrieve("tiny").owned_by == "curator"
    point = client.fine_tuning.jobs.checkpoints.list(job.id).data[-1]
    folder = server.data / "jobs" / job.id
    assert (folder / "ckpt-6").is_dir()
    assert client.models.delete(point.fine_tuned_model_checkpoint).deleted
    assert not (folder / "ckpt-6").exists()
    assert client.models.delete(name).deleted
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve(name)
    assert caught.value.code == "model_not_found"
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete("tiny")
    for odd in ("../../etc", "ft:tiny:local::nope"):
        with pytest.raises(openai.NotFoundError):
            client.models.delete(odd)


async def test_the_async_sdk_drives_a_job_too(server: Running) -> None:
    async with server.async_client() as client:
        file = await client.files.create(file=("train.jsonl", jsonl(12)), purpose="fine-tune")
        assert (await client.files.wait_for_processing(file.id)).status == "processed"
        job = await client.fine_tuning.jobs.create(model="tiny", training_file=file.id)
        while job.status not in ENDS:
            await asyncio.sleep(0.1)
            job = await client.fine_tuning.jobs.retrieve(job.id)
        assert job.status == "succeeded"
        kinds = [event.type async for event in client.fine_tuning.jobs.list_events(job.id, limit=7)]
        assert kinds.count("metrics") == 12
        points = await client.fine_tuning.jobs.checkpoints.list(job.id)
        assert len(points.data) == 3
        jobs = [job.id async for job in client.fine_tuning.jobs.list(limit=5)]
        assert job.id in jobs
        await client.models.delete(str(job.fine_tuned_model))

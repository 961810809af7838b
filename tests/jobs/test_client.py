"""The client: hostile and broken answers, retries, and what people are told."""

from __future__ import annotations

import pytest

from curator.errors import ProviderError
from curator.jobs.http import guards
from curator.jobs.http.client import Client
from curator.jobs.http.faults import Refused, Unclear
from curator.jobs.runs.chat import chat_stream
from tests.jobs.conftest import client_for
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.wire import Reply, Request

ERRORS = [
    (400, "invalid_request_error", None, "Expected file to have JSONL format", "refused to list jobs"),
    (401, None, "invalid_api_key", "Incorrect API key provided: sk-abcdefgh12345678", "does not accept the key"),
    (403, None, "training_not_available", "winding down", "--provider local"),
    (403, None, None, "no", "does not permit"),
    (404, None, "fine_tune_not_found", "Could not find fine tune: x", "there is no such thing"),
    (429, "tokens", "rate_limit_exceeded", "Please try again in 9.904s.", "asked too often"),
    (429, None, "insufficient_quota", "You exceeded your current quota", "quota is used up"),
    (429, None, "billing_hard_limit_reached", "Billing hard limit", "spend limit"),
    (400, None, "billing_hard_limit_reached", "Billing hard limit has been reached", "spend limit"),
    (403, None, "spend_limit_reached", "Project limit", "spend limit"),
    (429, None, "billing_not_active", "Your account is not active", "billing is not active"),
    (403, None, "account_deactivated", "closed", "has closed this account"),
    (429, None, "quotaExceeded", "too many jobs", "quota of the resource"),
    (500, None, None, "oops", "failed (HTTP 500)"),
    (503, None, "serviceUnavailable", "later", "failed (HTTP 503)"),
    (400, "invalid_request_error", None, "File 'file-1' is still being processed and is not ready", "still being"),
    (
        400,
        None,
        None,
        "Model X is not available for fine-tuning or does not exist.",
        "not available for fine-tuning",
    ),
    (404, None, None, "No such File object: file-abc123", "there is no such thing"),
    (400, None, "jsonlValidationFailed", "line 3", "line 3"),
    (400, None, "fileImportFailed", "no such address", "no such address"),
    (400, None, "invalidPayload", "bad body", "bad body"),
    (400, None, "contentFilter", "filtered", "filtered"),
    (401, None, "unauthorized", "token expired", "does not accept the key"),
    (403, None, "forbidden", "no role", "does not permit"),
    (404, None, "notFound", "no job", "there is no such thing"),
    (409, None, "conflict", "busy", "refused to list jobs"),
    (409, None, "itemDoesAlreadyExist", "twice", "refused to list jobs"),
    (400, None, "unexpectedEntityState", "file pending", "file pending"),
    (429, None, "tooManyRequests", "slow down", "asked too often"),
    (500, None, "internalFailure", "oops", "failed (HTTP 500)"),
]


@pytest.mark.parametrize(("status", "kind", "code", "message", "told"), ERRORS)
async def test_every_known_error_is_one_sentence(
    fake: FakeProvider, client: Client, status: int, kind: str | None, code: str | None, message: str, told: str
) -> None:
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    fake.fault("GET", "/jobs$", "refuse", times=9, status=status, body=body)
    with pytest.raises(ProviderError) as caught:
        await client.jobs()
    said = caught.value.message
    assert told in said and "\n" not in said and "sk-abcdefgh" not in said and caught.value.exit_code == 3


async def test_azures_error_shape_is_read(azure: FakeProvider) -> None:
    body = {"error": {"code": "jsonlValidationFailed", "message": "bad line", "innererror": {}}}
    azure.fault("GET", "/jobs$", "refuse", status=400, body=body)
    async with client_for(azure) as client:
        with pytest.raises(Refused, match="bad line") as caught:
            await client.jobs()
    assert caught.value.code == "jsonlValidationFailed"


async def test_stop_codes_are_asked_once_and_rate_limits_again(fake: FakeProvider, client: Client) -> None:
    quota = {"error": {"message": "quota", "code": "insufficient_quota"}}
    fake.fault("GET", "/jobs$", "refuse", times=9, status=429, body=quota)
    with pytest.raises(Refused):
        await client.jobs()
    assert len(fake.wire.requests) == 1
    fake.wire.faults.clear()
    fake.fault("GET", "/jobs$", "refuse", status=429, headers={"retry-after-ms": "10"})
    assert await client.jobs() == [] and len(fake.wire.requests) == 3


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"123", b'{"data": 3}', b'{"data": [{"id": "../x"}]}', b"\xff"]
)
async def test_strange_lists_are_refused_in_words(fake: FakeProvider, client: Client, body: bytes) -> None:
    async def strange(request: Request) -> Reply:
        return Reply(raw=body)

    fake.wire.handler = strange
    with pytest.raises(ProviderError, match="list jobs"):
        await client.jobs()


async def test_an_endless_answer_is_cut_off(
    fake: FakeProvider, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "MAX_ANSWER", 1000)

    async def long(request: Request) -> Reply:
        return Reply(raw=b'{"data": [' + b" " * 5000 + b"]}")

    fake.wire.handler = long
    with pytest.raises(ProviderError):
        await client.jobs()


async def test_a_cursor_that_goes_round_ends(fake: FakeProvider, client: Client) -> None:
    async def round_and_round(request: Request) -> Reply:
        return Reply(body={"object": "list", "data": [{"id": "ftjob-1", "status": "running"}], "has_more": True})

    fake.wire.handler = round_and_round
    assert len(await client.jobs(limit=5)) <= 5
    assert len(fake.wire.requests) < 5


async def test_hostile_fields_become_none(fake: FakeProvider, client: Client) -> None:
    job = {
        "id": "ftjob-1",
        "status": 5,
        "model": ["x"],
        "created_at": 1e400,
        "error": {"code": None, "message": None},
        "hyperparameters": None,
        "result_files": "no",
        "trained_tokens": {},
        "metadata": {"a": 1},
    }

    async def hostile(request: Request) -> Reply:
        import json

        return Reply(raw=json.dumps(job).replace("Infinity", "1e999").encode())

    fake.wire.handler = hostile
    found = await client.job("ftjob-1")
    assert (found.status, found.model, found.error, found.epochs, found.trained_tokens) == (
        "unknown",
        None,
        None,
        None,
        None,
    )


async def test_chat_streams_and_broken_streams_are_told(fake: FakeProvider, client: Client) -> None:
    pieces = [
        chunk.choices[0].delta.content or ""
        async for chunk in chat_stream(client, "m", [{"role": "user", "content": "good day"}])
        if chunk.choices
    ]
    assert "".join(pieces) == "m says good day"
    fake.fault("POST", "/chat/completions$", "cut")
    with pytest.raises(ProviderError):
        async for _chunk in chat_stream(client, "m", [{"role": "user", "content": "good day"}]):
            pass


async def test_large_files_go_in_parts(
    fake: FakeProvider, client: Client, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    from curator.jobs.http import upload

    monkeypatch.setattr(upload, "PARTS_ABOVE", 100)
    monkeypatch.setattr(upload, "PART", 64)
    path = Path(str(tmp_path)) / "data.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 50)
    told: list[int] = []
    fake.fault("POST", "/parts$", "drop_after")
    file = await upload.upload(client, path, "x.jsonl", lambda progress: told.append(progress.done))
    assert fake.contents[file.id] == path.read_bytes() and told[-1] == path.stat().st_size


async def test_a_short_upload_is_noticed(
    fake: FakeProvider, client: Client, tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    from curator.jobs.http import upload

    path = Path(str(tmp_path)) / "data.jsonl"
    path.write_bytes(b'{"a": 1}\n' * 50)
    store = fake._store
    monkeypatch.setattr(fake, "_store", lambda name, data: store(name, data[:20]))
    with pytest.raises(Unclear, match="20 of 450 bytes"):
        await upload.upload(client, path, "x.jsonl", lambda progress: None)

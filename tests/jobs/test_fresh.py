"""A model that was tuned or deployed just now is waited for; any other name that is not known is told at once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from curator.cli.main import main
from curator.errors import ProviderError
from curator.jobs.http.client import Client
from curator.jobs.http.faults import Refused
from curator.jobs.ledger.ledger import Deployment, Ledger
from curator.jobs.runs import new_models as fresh
from curator.jobs.runs.chat import chat, chat_stream
from tests.jobs.conftest import client_for
from tests.jobs.fake_provider import FakeProvider
from tests.jobs.test_commands import MODEL, run

ASKED = [{"role": "user", "content": "good day"}]
UNKNOWN = {"error": {"message": "The model does not exist", "code": "model_not_found"}}


@pytest.fixture
def new() -> str:
    with Ledger.for_path(None) as ledger:
        ledger.add_deployment(Deployment("https://x", "mine", "m.ft-1", "standard", 1.7, time.time()))
    return "mine"


async def test_a_new_model_is_asked_until_it_answers_and_one_of_many_tells(
    fake: FakeProvider, client: Client, new: str
) -> None:
    told: list[str] = []
    client.waiting = lambda fault, seconds: told.append(fault.message)
    fake.fault("POST", "/chat/completions$", "refuse", times=6, status=404, body=UNKNOWN)
    answers = await asyncio.gather(*(chat(client, new, ASKED) for _ in range(3)))
    assert {a.choices[0].message.content for a in answers} == {"mine says good day"}
    assert len(told) == 3 and "does not know the new model mine yet" in told[0]
    fake.fault("POST", "/chat/completions$", "refuse", times=2, status=404, body=UNKNOWN)
    pieces = [c.choices[0].delta.content or "" async for c in chat_stream(client, new, ASKED) if c.choices]
    assert "".join(pieces) == "mine says good day"


async def test_patience_ends(fake: FakeProvider, client: Client, new: str) -> None:
    fake.fault("POST", "/chat/completions$", "refuse", times=99, status=404, body=UNKNOWN)
    with pytest.raises(Refused):
        await chat(client, new, ASKED)
    assert len(fake.wire.requests) == len(fresh.WAITS) + 2


async def test_a_name_that_nobody_made_is_told_at_once(fake: FakeProvider, client: Client) -> None:
    fake.fault("POST", "/chat/completions$", "refuse", times=9, status=404, body=UNKNOWN)
    with pytest.raises(ProviderError):
        await chat(client, "ft:typo", ASKED)
    assert len(fake.wire.requests) == 1


def test_a_model_is_new_for_an_hour(new: str) -> None:
    assert fresh.is_new(new) and not fresh.is_new("other") and not fresh.is_new(new, time.time() + 2 * fresh.NEW)


def test_evaluate_waits_for_what_train_made(
    served: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "WAITS", (0.01, 0.01))
    served.clock = int(time.time())
    tuned = run(capsys, "train", data, "--yes", "--wait")[1][-1]["fine_tuned_model"]
    run(capsys, "evaluate", data, "--model", MODEL, "--metric", "exact_match")  # the base has answered
    served.fault("POST", "/chat/completions$", "refuse", times=9, status=404, body=UNKNOWN)
    status, [result], said = run(capsys, "evaluate", data, "--model", tuned, "--metric", "exact_match")
    assert status == 0 and result["examples"] == 12
    assert f"fake does not know the new model {tuned} yet" in said and "Trying again" in said


@pytest.mark.parametrize("words", [("chat", "smollm2-135m-instruct", "hello"), ("evaluate",)])
def test_a_base_model_that_is_not_here_is_named_with_its_command(
    served: FakeProvider, data: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    served.fault("POST", "/chat/completions$", "refuse", times=99, status=404, body=UNKNOWN)
    if words == ("evaluate",):
        words = ("evaluate", str(data), "--model", "smollm2-135m-instruct")
    assert main(list(words)) == 2
    assert "curator models pull smollm2-135m-instruct" in capsys.readouterr().err


async def test_azure_says_that_a_model_must_be_deployed(azure: FakeProvider) -> None:
    azure.fault("POST", "/chat/completions$", "refuse", status=404, body=UNKNOWN)
    async with client_for(azure) as client:
        with pytest.raises(Refused, match="curator deploy MODEL"):
            await chat(client, "gpt-4.1-mini-2025-04-14.ft-1", ASKED)

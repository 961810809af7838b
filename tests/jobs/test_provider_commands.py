"""`curator providers` and `curator deploy` as people use them: nothing shows a key, nothing costs unasked."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from curator import settings
from curator.jobs import keys, providers
from curator.jobs.ledger.ledger import Ledger
from tests.jobs.fake_provider import KEY, FakeProvider
from tests.jobs.test_commands import MODEL, run

SECRET = "sk-typed-0123456789abcdef"


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_key_comes_from_stdin_and_is_kept_in_a_file_of_ones_own(
    served: FakeProvider, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, SECRET + "\n")
    status, [said], words = run(capsys, "providers", "key", "openai")
    path = keys.key_file("openai")
    assert status == 0 and str(path) in said["places"][0] and path.stat().st_mode & 0o777 == 0o600
    assert SECRET not in json.dumps(said) + words
    found = providers.get("openai").key()
    assert found is not None and found.key.reveal() == SECRET
    typed(monkeypatch, "two words\n")
    assert run(capsys, "providers", "key", "openai")[0] == 2
    assert run(capsys, "providers", "key", "openai", "--delete")[0] == 0 and not path.exists()
    assert run(capsys, "providers", "key", "local")[0] == 2


def test_a_key_in_the_keyring_is_named_in_the_configuration(
    served: FakeProvider, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import keyring
    from keyring.backend import KeyringBackend

    class Memory(KeyringBackend):
        priority = 1
        kept: dict[str, str] = {}

        def get_password(self, service: str, username: str) -> str | None:
            return self.kept.get(f"{service}/{username}")

        def set_password(self, service: str, username: str, password: str) -> None:
            self.kept[f"{service}/{username}"] = password

        def delete_password(self, service: str, username: str) -> None:
            del self.kept[f"{service}/{username}"]

    system: Any = Memory
    for name in ("set_password", "get_password", "delete_password"):
        monkeypatch.setattr(keyring, name, getattr(system(), name))
    typed(monkeypatch, SECRET)
    status, [said], _ = run(capsys, "providers", "key", "fake", "--keyring")
    assert status == 0 and said["places"] == ["system keyring (curator/fake)"]
    assert said["wins"] == "environment variable FAKE_KEY"
    assert settings.load().providers["fake"].api_key_keyring == "fake" and Memory.kept == {"curator/fake": SECRET}
    monkeypatch.delenv("FAKE_KEY")
    found = providers.get("fake").key()
    assert found is not None and found.source.startswith("system keyring")
    assert run(capsys, "providers", "key", "fake", "--delete")[0] == 0 and not Memory.kept


def test_without_a_keyring_one_sentence_tells(
    served: FakeProvider, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import keyring.errors

    def none(*_: str) -> None:
        raise keyring.errors.NoKeyringError("no back-end")

    monkeypatch.setattr(keyring, "set_password", none)
    typed(monkeypatch, SECRET)
    status, _, said = run(capsys, "providers", "key", "fake", "--keyring")
    assert status == 2 and "keyring did not take the key" in said and SECRET not in said
    assert settings.load().providers["fake"].api_key_keyring is None


def test_a_provider_is_added_changed_and_tested(served: FakeProvider, capsys: pytest.CaptureFixture[str]) -> None:
    new = ("kind=compatible", f"base_url={served.base_url}", "api_key_env=FAKE_KEY")
    assert run(capsys, "providers", "set", "box", *new)[0] == 0
    assert run(capsys, "providers", "set", "box", "model=llama", "idle_exit=60")[0] == 0
    box = settings.load().providers["box"]
    assert (box.model, box.base_url, box.idle_exit) == ("llama", served.base_url, 60)
    status, [said], _ = run(capsys, "providers", "test", "box")
    assert status == 0 and said["state"] == "ok" and said["key"] == "environment variable FAKE_KEY"
    served.key = "sk-another"
    status, [said], _ = run(capsys, "providers", "test", "box")
    assert status == 3 and "does not accept the key" in said["detail"] and KEY not in json.dumps(said)


@pytest.mark.parametrize("words", [("model",), ("api_key=sk-1",), ("colour=red",), ("idle_exit=soon",)])
def test_what_is_no_setting_is_refused(
    served: FakeProvider, capsys: pytest.CaptureFixture[str], words: tuple[str]
) -> None:
    before = settings.path().read_text()
    status, _, said = run(capsys, "providers", "set", "fake", *words)
    assert status == 2 and said.count("\n") == 1 and settings.path().read_text() == before


def test_models_tell_training_context_price_and_the_last_day(
    served: FakeProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    served.models += [
        {"id": "gpt-4o-mini-2024-07-18", "shutdown_date": "2026-01-01"},
        {"id": f"ft:{MODEL}:org::1"},
        {"id": "whisper-1"},
        {"id": "mystery\x1b[31m", "capabilities": {"fine_tune": True}},
    ]
    status, [said], _ = run(capsys, "providers", "models", "fake")
    found = {offer["name"]: offer for offer in said["models"]}
    best = found[MODEL]
    assert status == 0 and said["models"][-1]["name"] == "whisper-1"
    assert best["methods"] == ["supervised", "dpo"] and best["context"] == 65536 and best["training"] == 5.0
    assert best["shutdown"] == "2027-01-14"
    gone = found["gpt-4o-mini-2024-07-18"]
    assert gone["methods"] == [] and "was switched off on 2026-01-01" in gone["note"]
    assert found[f"ft:{MODEL}:org::1"]["tuned"] and found["whisper-1"]["methods"] is None
    assert found["mystery\x1b[31m"]["methods"] == ["supervised"]


def finished(capsys: pytest.CaptureFixture[str], data: Path) -> dict[str, Any]:
    status, lines, said = run(capsys, "train", data, "--yes", "--wait")
    assert status == 0, said
    last: dict[str, Any] = lines[-1]
    return last


def test_a_tuned_model_is_deployed_reminded_of_and_taken_down(
    served_azure: FakeProvider, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tuned = finished(capsys, data)
    status, _, said = run(capsys, "deploy", tuned["job_id"], "--name", "mine")
    assert status == 2 and "US$ 1.70 an hour" in said and "--yes" in said and not served_azure.deployments
    status, [made], _ = run(capsys, "deploy", tuned["job_id"], "--name", "mine", "--yes")
    assert status == 0 and made["model"] == tuned["fine_tuned_model"] and made["usd_per_hour"] == 1.7
    (request,) = [r for r in served_azure.wire.requests if r.method == "PUT"]
    assert request.query == {"api-version": "2024-10-01"} and request.json()["sku"] == {
        "name": "standard",
        "capacity": 1,
    }
    assert run(capsys, "deploy", "--list")[1][0]["deployments"][0]["name"] == "mine"
    assert "The deployment mine costs $1.70 an hour" in run(capsys, "jobs")[2]
    assert run(capsys, "deploy", "--delete", "mine")[0] == 0
    assert not served_azure.deployments and run(capsys, "deploy", "--list")[1][0]["deployments"] == []


def test_the_developer_tier_is_asked_for_as_microsoft_shows_it(
    served_azure: FakeProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    model = "gpt-4.1-mini-2025-04-14.ft-0123"
    status, [made], said = run(capsys, "deploy", model, "--type", "developerTier", "--yes", "--wait")
    (request,) = [r for r in served_azure.wire.requests if r.method == "PUT"]
    assert (
        status == 0 and made["state"] == "Succeeded" and made["name"] == "tuned-0123" and "no hourly fee" in said
    )
    assert request.query == {"api-version": "2025-07-01-preview"}
    assert request.json()["sku"] == {"name": "developertier", "capacity": 50}
    with Ledger.for_path(None) as ledger:
        assert [item.name for item in ledger.deployments()] == ["tuned-0123"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("m", "--list"), "JOB or MODEL"),
        ((), "JOB or MODEL"),
        (("m", "--type", "huge", "--yes"), "not 'huge'"),
        (("m", "--name", "a/b", "--yes"), "no deployment name"),
        (("m", "--provider", "openai", "--yes"), "Only models tuned at Azure"),
    ],
)
def test_what_cannot_be_deployed_is_a_sentence(
    served_azure: FakeProvider, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], told: str
) -> None:
    status, _, said = run(capsys, "deploy", *words)
    assert status == 2 and told in said and not served_azure.deployments

"""Keys: where they are found, and that they are shown nowhere and sent to one place only."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from curator import log, settings
from curator.errors import UsageError
from curator.jobs import keys, providers
from curator.jobs.http.client import open_client
from curator.jobs.http.faults import Refused
from tests.jobs.conftest import QUICK, provider_for
from tests.jobs.fake_provider import KEY, FakeProvider

SECRET = "plainlooking0123456789"


def config(home: Path, text: str) -> None:
    path = home / "config" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_key_never_prints_itself() -> None:
    key = keys.Key(SECRET)
    assert {str(key), repr(key), f"{key}", f"{keys.SourcedKey(key, 'x')}"} == {
        "***",
        "SourcedKey(key=***, source='x')",
    }
    assert log.redact(f"it was {SECRET}!") == "it was ***!"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_the_environment_comes_first_then_the_file(curator_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = keys.store("openai", SECRET)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    found = providers.get("openai").key()
    assert found and found.key.reveal() == SECRET and found.source == f"file {path}"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-environment")
    found = providers.get("openai").key()
    assert found and found.key.reveal() == "sk-environment"


def test_a_key_file_that_others_can_read_is_refused(curator_home: Path) -> None:
    keys.store("openai", SECRET).chmod(0o644)
    with pytest.raises(UsageError, match="chmod 600"):
        providers.get("openai").key()


@pytest.mark.parametrize("text", ["two words", "line\nbreak", "\x1b[31m", "käse"])
def test_what_cannot_be_a_key_is_refused_unshown(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", text)
    with pytest.raises(UsageError) as caught:
        providers.get("openai").key()
    assert text not in caught.value.message


def test_a_key_in_the_configuration_file_is_refused(curator_home: Path) -> None:
    config(curator_home, f'[providers.x]\nkind = "compatible"\napi_key = "{SECRET}"\n')
    with pytest.raises(UsageError, match="api_key_env") as caught:
        settings.load()
    assert SECRET not in caught.value.message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("provider = 3", "provider:"),
        ('[providers.x]\nkind = "other"', "providers.x.kind"),
        ('[providers.x]\nkind = "azure"\nbase_ur = "x"', "providers.x.base_ur: unknown key"),
        ("a b c", "not valid TOML"),
    ],
)
def test_a_wrong_configuration_names_file_and_key(curator_home: Path, text: str, told: str) -> None:
    config(curator_home, text)
    with pytest.raises(UsageError, match="config.toml") as caught:
        providers.load()
    assert told in caught.value.message


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/v1",
        "http://10.0.0.7:8000/v1",
        "http://localhost.example.org/v1",
        "ftp://127.0.0.1/",
        "https://user:secret@example.org/v1",
        "https://example.org/v1?key=secret",
    ],
)
def test_addresses_that_would_leak_a_key_are_refused(url: str) -> None:
    provider = providers.Provider("x", settings.ProviderSettings("compatible", base_url=url))
    with pytest.raises(UsageError) as caught:
        _ = provider.base_url
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://[::1]:1/v1", "http://localhost:1/v1"])
def test_loopback_may_be_plain(url: str) -> None:
    assert providers.Provider("x", settings.ProviderSettings("compatible", base_url=url)).base_url == url


async def test_a_redirect_is_not_followed(fake: FakeProvider) -> None:
    other = FakeProvider()
    await other.wire.start()
    fake.fault("GET", "/models$", "refuse", status=307, headers={"location": other.base_url + "/models"})
    async with open_client(provider_for(fake), fake.base_url, KEY, QUICK) as client:
        with pytest.raises(Refused, match="redirect"):
            await client.models()
    await other.wire.stop()
    assert not other.wire.requests


async def test_openai_headers_stay_at_openai(fake: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-mine")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-for-openai-only")
    async with open_client(provider_for(fake, "compatible"), fake.base_url, KEY, QUICK) as client:
        await client.models()
    headers = fake.wire.requests[-1].headers
    assert headers["authorization"] == f"Bearer {KEY}" and "openai-organization" not in headers


def test_built_in_providers_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://res.openai.azure.com/")
    known = providers.load()
    assert known["azure"].base_url == "https://res.openai.azure.com/openai/v1"
    assert known["openai"].base_url == "https://api.openai.com/v1"
    assert known["local"].managed and providers.get().name == "local"
    with pytest.raises(UsageError, match="there are: local, openai, azure"):
        providers.get("nobody")

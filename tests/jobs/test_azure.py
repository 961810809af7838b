"""Azure's own: tokens, deployments with their price, and the reminder while they cost."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from curator.errors import ProviderError, UsageError
from curator.jobs.connections import azure_tokens
from curator.jobs.ledger.ledger import Deployment, Ledger
from curator.jobs.runs import azure_deployments as rooms
from curator.jobs.runs.azure_deployments import control_plane
from tests.jobs.conftest import QUICK, provider_for
from tests.jobs.fake_provider import FakeProvider

WHERE = {"subscription": "s", "resource_group": "g", "account": "a"}


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_MANAGEMENT_TOKEN", "management-token")
    monkeypatch.setattr(rooms, "EVERY", 0)


async def test_a_deployment_is_made_watched_and_deleted(azure: FakeProvider, ledger: Ledger) -> None:
    provider = provider_for(azure, **WHERE)
    async with control_plane(provider, azure.origin, QUICK) as plane:
        made = await plane.deploy(ledger, "gpt-4.1-mini-2025-04-14.ft-1", "mine")
        assert made.usd_per_hour == 1.7 and ledger.deployments() == [made]
        assert await plane.wait("mine") == "Succeeded"
        told = rooms.reminders(ledger, now=made.since + 36_000)
        assert told == [
            "The deployment mine costs $1.70 an hour, used or not: about $17.00 in 10 hours. "
            "Delete it when you are done."
        ]
        await plane.delete(ledger, "mine")
        assert not azure.deployments and not rooms.reminders(ledger)
        assert await plane.state("mine") is None


def test_a_deployment_of_unknown_price_is_reminded_of_too() -> None:
    item = Deployment("https://x", "mine", "m.ft-1", "standard", None, 0.0)
    assert "mine is there since 10 hours and may cost by the hour" in (rooms.reminder(item, now=36_000) or "")
    assert rooms.reminder(Deployment("https://x", "mine", "m", "developertier", 0.0, 0.0)) is None


async def test_an_unclear_deployment_stays_on_the_books(azure: FakeProvider, ledger: Ledger) -> None:
    azure.fault("PUT", "/deployments/", "drop_after")
    async with control_plane(provider_for(azure, **WHERE), azure.origin, QUICK) as plane:
        with pytest.raises(ProviderError):
            await plane.deploy(ledger, "gpt-4.1-mini-2025-04-14.ft-1", "mine")
    assert [item.name for item in ledger.deployments()] == ["mine"]


async def test_a_refused_deployment_costs_nothing(azure: FakeProvider, ledger: Ledger) -> None:
    azure.fault(
        "PUT", "/deployments/", "refuse", status=409, body={"error": {"code": "conflict", "message": "no"}}
    )
    async with control_plane(provider_for(azure, **WHERE), azure.origin, QUICK) as plane:
        with pytest.raises(ProviderError):
            await plane.deploy(ledger, "m", "mine")
    assert not ledger.deployments()


async def test_the_developer_tier_has_no_hourly_fee(azure: FakeProvider) -> None:
    provider = provider_for(azure, hosting_usd_per_hour=2.5)
    assert rooms.hourly_price(provider, "developertier", "gpt-4.1-2025-04-14") == 0
    assert rooms.hourly_price(provider, "standard", "gpt-4.1-2025-04-14") == 2.5


async def test_what_is_missing_in_the_configuration_is_named(azure: FakeProvider) -> None:
    with pytest.raises(UsageError, match="resource_group, account"):
        async with control_plane(provider_for(azure, subscription="s"), azure.origin):
            pass


async def test_an_entra_token_comes_from_az_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = tmp_path / "az"
    command.write_text(
        f'#!/bin/sh\necho x >> {tmp_path}/calls\necho \'{{"accessToken": "tok", "expires_on": 9e9}}\'\n'
    )
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    source = azure_tokens.token_source(azure_tokens.DATA_SCOPE)
    assert [await source(), await source()] == ["tok", "tok"]
    assert (tmp_path / "calls").read_text() == "x\n"


async def test_without_az_one_sentence_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="AZURE_OPENAI_AD_TOKEN"):
        await azure_tokens.token_source(azure_tokens.DATA_SCOPE)()


async def test_an_entra_token_comes_from_azure_identity_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "azure" / "identity"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        "from types import SimpleNamespace\n"
        "class DefaultAzureCredential:\n"
        "    def __enter__(self): return self\n"
        "    def __exit__(self, *_): pass\n"
        "    def get_token(self, scope): return SimpleNamespace(token='identity ' + scope, expires_on=9e9)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await azure_tokens.token_source(azure_tokens.DATA_SCOPE)() == f"identity {azure_tokens.DATA_SCOPE}"
    for name in ("azure.identity", "azure"):
        sys.modules.pop(name, None)

"""Fixtures of the jobs room: fake providers, quick clients, small frozen datasets."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from curator.jobs.client import Client, Limits, open_client
from curator.jobs.ledger import Ledger
from curator.jobs.plan import Frozen, Params, Plan
from curator.jobs.providers import Provider
from curator.settings import ProviderSettings
from tests.jobs.fake_provider import KEY, FakeProvider, running

QUICK = Limits(connect=2, read=0.4, total=1, retries=1, backoff=0.001, max_wait=0.05)


@pytest.fixture
async def fake() -> AsyncIterator[FakeProvider]:
    async with running() as provider:
        yield provider


@pytest.fixture
async def azure() -> AsyncIterator[FakeProvider]:
    async with running("azure") as provider:
        yield provider


def provider_for(fake: FakeProvider, kind: str | None = None, **more: object) -> Provider:
    settings = ProviderSettings(
        kind=kind or fake.dialect,  # type: ignore[arg-type]
        base_url=fake.base_url,
        api_key_env="TEST_KEY",
        model="gpt-4.1-mini-2025-04-14",
        **more,  # type: ignore[arg-type]
    )
    return Provider("fake", settings)


def client_for(fake: FakeProvider, kind: str | None = None, key: str = KEY, **more: object) -> Client:
    provider = provider_for(fake, kind, **more)
    return open_client(provider, provider.base_url, key, QUICK)


@pytest.fixture
async def client(fake: FakeProvider) -> AsyncIterator[Client]:
    async with client_for(fake) as opened:
        yield opened


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "runs.db")


def frozen(folder: Path, text: str) -> Frozen:
    data = text.encode()
    sha = hashlib.sha256(data).hexdigest()
    path = folder / f"{sha}.jsonl"
    path.write_bytes(data)
    return Frozen(path, sha, len(data), text.count("\n"))


@pytest.fixture
def plan_for(tmp_path: Path) -> Callable[..., Plan]:
    def make(provider: Provider, word: str = "hi", **more: object) -> Plan:
        line = '{"messages":[{"role":"user","content":"%s"},{"role":"assistant","content":"yo"}]}\n'
        return Plan(
            source="data.jsonl",
            provider=provider,
            model="gpt-4.1-mini-2025-04-14",
            method="supervised",
            training=frozen(tmp_path, (line % word) * 10),
            validation=frozen(tmp_path, line % "held out"),
            params=Params(),
            **more,  # type: ignore[arg-type]
        )

    return make

"""Fixtures of the jobs room: fake providers, quick clients, small frozen datasets."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from curator.jobs.http.client import Client, RequestLimits, open_client
from curator.jobs.ledger.ledger import Ledger
from curator.jobs.planning.plan import FrozenDataset, Params, TrainingPlan
from curator.jobs.providers import Provider
from curator.jobs.runs import monitor
from curator.settings import ProviderSettings
from tests.jobs.fake_provider import KEY, FakeProvider, running

QUICK = RequestLimits(connect=2, read=0.4, total=1, retries=1, backoff=0.001, max_wait=0.05)


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


def frozen(folder: Path, text: str) -> FrozenDataset:
    data = text.encode()
    sha = hashlib.sha256(data).hexdigest()
    path = folder / f"{sha}.jsonl"
    path.write_bytes(data)
    return FrozenDataset(path, sha, len(data), text.count("\n"))


@pytest.fixture
def plan_for(tmp_path: Path) -> Callable[..., TrainingPlan]:
    def make(provider: Provider, word: str = "hi", **more: object) -> TrainingPlan:
        line = '{"messages":[{"role":"user","content":"%s"},{"role":"assistant","content":"yo"}]}\n'
        return TrainingPlan(
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


@contextmanager
def _in_thread(dialect: str) -> Iterator[FakeProvider]:
    """A fake provider in a thread of its own, for commands that run an event loop themselves."""
    ready = threading.Event()
    box: dict[str, Any] = {}

    async def serve() -> None:
        async with running(dialect) as fake:
            box["fake"], box["loop"], box["stop"] = fake, asyncio.get_running_loop(), asyncio.Event()
            ready.set()
            await box["stop"].wait()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(30)
    yield box["fake"]
    box["loop"].call_soon_threadsafe(box["stop"].set)
    thread.join()


def configure(home: Path, fake: FakeProvider, more: str = "") -> Path:
    """A config.toml that names the fake `fake` and makes it the default."""
    config = home / "config" / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(
        f'provider = "fake"\n[providers.fake]\nkind = "{fake.dialect}"\nbase_url = "{fake.base_url}"\n'
        f'model = "gpt-4.1-mini-2025-04-14"\napi_key_env = "FAKE_KEY"\n{more}'
    )
    return config


@pytest.fixture
def served(curator_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    """OpenAI's dialect, named `fake` in config.toml and used by default."""
    with _in_thread("openai") as fake:
        configure(curator_home, fake)
        monkeypatch.setenv("FAKE_KEY", KEY)
        monkeypatch.setattr(monitor, "interval", lambda run, kind: 0)
        yield fake


@pytest.fixture
def served_azure(curator_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeProvider]:
    """Azure's dialect and its control plane, named `fake` in config.toml and used by default."""
    with _in_thread("azure") as fake:
        configure(curator_home, fake, 'subscription = "s"\nresource_group = "g"\naccount = "a"\n')
        monkeypatch.setenv("FAKE_KEY", KEY)
        monkeypatch.setenv("AZURE_MANAGEMENT_TOKEN", "management-token")
        monkeypatch.setattr("curator.jobs.runs.azure_deployments.CONTROL_PLANE", fake.origin)
        monkeypatch.setattr("curator.jobs.runs.azure_deployments.EVERY", 0)
        monkeypatch.setattr(monitor, "interval", lambda run, kind: 0)
        yield fake


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.jsonl"
    lines = [
        {"messages": [{"role": "user", "content": f"word {n}"}, {"role": "assistant", "content": f"answer {n}"}]}
        for n in range(12)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path

"""The checks of `curator doctor`: versions, training on this machine, and whether each provider answers."""

from __future__ import annotations

import asyncio
import importlib.util
import platform
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from curator import __version__, paths
from curator.basemodels import shelf
from curator.core.text import count_of
from curator.errors import CuratorError
from curator.jobs import providers
from curator.jobs.connections import local_server as local
from curator.jobs.connections.connect import connect
from curator.jobs.http.client import RequestLimits, open_client
from curator.jobs.providers import LOCAL_MODEL, Provider

LIBRARIES = ("textual", "openai", "httpx2", "tiktoken", "orjson", "pydantic", "numpy", "tokenizers", "safetensors")
EXTRAS = {"hf": ("torch", "transformers", "peft", "trl", "accelerate")}
_QUICK = RequestLimits(connect=3, read=5, total=6, retries=0)


@dataclass(frozen=True)
class ProviderReport:
    """One provider's check: `state` is ok, off (not set up) or bad; `detail` is a sentence without secrets."""

    name: str
    kind: str
    state: str
    detail: str
    address: str | None
    key: str | None
    """The place where the key was found, never the key."""

    @property
    def words(self) -> str:
        """The check's result as one sentence: `detail`, then where the key was found, if there is one."""
        return f"{self.detail.rstrip('.')}; key from {self.key}" if self.key else self.detail

    def to_json(self) -> dict[str, Any]:
        """The object of `doctor --json`."""
        return dict(vars(self))


def versions() -> dict[str, str]:
    """Versions of Curator, Python, the system and Curator's libraries; "missing" where one is not installed."""
    by_name = {"curator": __version__, "python": platform.python_version(), "system": platform.platform()}
    for name in LIBRARIES:
        try:
            by_name[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            by_name[name] = "missing"
    return by_name


def training_readiness() -> dict[str, Any]:
    """Whether this machine can train: its engines, the base model, and what is missing."""
    engines = ["embedded"]
    if all(importlib.util.find_spec(name) for name in EXTRAS["hf"]):
        engines.append("hf")
    missing = (
        [] if shelf.is_installed(LOCAL_MODEL) else [f"base model {LOCAL_MODEL}: curator models pull {LOCAL_MODEL}"]
    )
    if platform.system() == "Windows":
        missing.append("the local server needs Linux, macOS or WSL")
    return {
        "possible": not missing,
        "engines": engines,
        "base_model": LOCAL_MODEL,
        "missing": missing,
        "models": str(paths.models_dir()),
    }


async def check_providers() -> list[ProviderReport]:
    """Check all providers at the same time. Starts no server and changes nothing."""
    return await asyncio.gather(*(check_provider(provider) for provider in providers.load().values()))


async def check_provider(provider: Provider) -> ProviderReport:
    """Check one provider: does it answer, and with which key? An error becomes the detail and is not raised."""
    key: str | None = None
    address: str | None = None
    try:
        if provider.managed:
            return await _check_local_server(provider)
        if provider.kind == "azure" and not provider.config.base_url:
            return _report(provider, "off", "no address: set AZURE_OPENAI_ENDPOINT")
        address = provider.base_url
        stored = await asyncio.to_thread(provider.key)
        key = stored.source if stored else None
        if stored is None and provider.kind in ("openai", "azure") and provider.config.auth == "key":
            where = provider.config.api_key_env or "api_key_env in config.toml"
            words = f"no key: set {where}, or: curator providers key {provider.name}"
            return _report(provider, "off", words, address)
        async with await connect(provider, _QUICK) as client:
            models = await client.models()
        listed = f"answers; lists {len(models)} model{'' if len(models) == 1 else 's'}"
        return _report(provider, "ok", listed, address, key)
    except CuratorError as error:
        return _report(provider, "bad", error.message, address, key)


async def _check_local_server(provider: Provider) -> ProviderReport:
    """Whether the local server is running, without starting it."""
    address = await local.find_running()
    if address is None:
        return _report(provider, "ok", "not running; starts by itself when it is needed")
    async with open_client(provider, address.base_url, address.token, _QUICK) as client:
        jobs = await client.jobs()
    busy = sum(not job.finished for job in jobs)
    return _report(
        provider,
        "ok",
        f"running; {busy} of {count_of(len(jobs), 'job')} under way",
        address.base_url,
        "its token file",
    )


def _report(
    provider: Provider, state: str, detail: str, address: str | None = None, key: str | None = None
) -> ProviderReport:
    return ProviderReport(provider.name, provider.kind, state, detail, address, key)

"""What only Azure has: Entra tokens, and deployments of tuned models through the control plane.

A tuned model answers only while it is deployed, and a Standard or GlobalStandard deployment costs by the hour
whether it is used or not (finetuning-api §3.6, §5): each one made here is kept in the ledger until it is
deleted, so that it can be reminded of.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from curator import log, pricing
from curator.core import models
from curator.errors import ProviderError, UsageError
from curator.jobs import faults
from curator.jobs.client import Client, Limits, open_client
from curator.jobs.ledger import Deployment, Ledger
from curator.jobs.providers import Provider
from curator.settings import ProviderSettings

DATA_SCOPE = "https://cognitiveservices.azure.com/.default"
CONTROL_SCOPE = "https://management.azure.com/.default"
CONTROL_PLANE = "https://management.azure.com"
API_VERSION = "2024-10-01"
_TOKEN_ENV = {DATA_SCOPE: "AZURE_OPENAI_AD_TOKEN", CONTROL_SCOPE: "AZURE_MANAGEMENT_TOKEN"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,63}\Z")


def token_source(scope: str) -> Callable[[], Awaitable[str]]:
    """A function that gives a valid Entra token: from the environment, else from the `az` command."""
    cached: tuple[str, float] | None = None

    async def token() -> str:
        nonlocal cached
        if given := os.environ.get(_TOKEN_ENV[scope]):
            log.protect(given)
            return given
        if cached is None or cached[1] < time.time() + 120:
            cached = await _az_token(scope)
        return cached[0]

    return token


async def _az_token(scope: str) -> tuple[str, float]:
    hint = f"set {_TOKEN_ENV[scope]}, or sign in with: az login"
    try:
        process = await asyncio.create_subprocess_exec(
            *("az", "account", "get-access-token", "--scope", scope, "--output", "json"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
        told = orjson.loads(output)
        token = str(told["accessToken"])
        expires = float(told.get("expires_on") or time.time() + 600)
    except (OSError, TimeoutError, ValueError, KeyError, TypeError):
        raise UsageError(f"No Entra token for Azure: {hint}.") from None
    log.protect(token)
    return token, expires


def hourly_price(provider: Provider, sku: str, model: str) -> float | None:
    """US$ that an hour of a tuned model's deployment costs: configured, else by the model table; None: unknown.

    The developer tier has no hourly fee (finetuning-api §3.6).
    """
    if sku.casefold() == "developertier":
        return 0.0
    if provider.config.hosting_usd_per_hour is not None:
        return provider.config.hosting_usd_per_hour
    info = models.find(model, pricing.table())
    return info.on("azure").hosting_hour if info else None


@dataclass(frozen=True)
class ControlPlane:
    """Deployments of one Azure resource. Open with `control_plane`."""

    provider: Provider
    client: Client

    def _url(self, name: str) -> str:
        config = self.provider.config
        return (
            f"/subscriptions/{config.subscription}/resourceGroups/{config.resource_group}/providers"
            f"/Microsoft.CognitiveServices/accounts/{config.account}/deployments/{name}?api-version={API_VERSION}"
        )

    async def deploy(self, ledger: Ledger, model: str, name: str, sku: str = "standard") -> Deployment:
        """Ask for a deployment of a tuned model; it is in the ledger before the request leaves.

        `name` is what `chat` then calls the model. The caller has shown `hourly_price` and been told yes.
        """
        if not _NAME.match(name):
            raise UsageError(f"'{name}' is no deployment name: 2 to 64 of letters, digits, '_', '-' and '.'.")
        origin = self.provider.origin
        deployment = Deployment(origin, name, model, sku, hourly_price(self.provider, sku, model), time.time())
        body = {
            "sku": {"name": sku, "capacity": 1},
            "properties": {"model": {"format": "OpenAI", "name": model, "version": "1"}},
        }
        ledger.add_deployment(deployment)
        request = self.client.sdk.put(self._url(name), cast_to=object, body=body)
        try:
            await self.client.call(f"deploy {model}", request)
        except (faults.Refused, faults.Unreachable):
            ledger.forget_deployment(origin, name)
            raise
        return deployment

    async def state(self, name: str) -> str | None:
        """`Creating`, `Succeeded`, `Failed`, `Canceled`, …; None where there is no such deployment."""
        try:
            answer: Any = await self.client.read(
                f"show deployment {name}", lambda: self.client.sdk.get(self._url(name), cast_to=object)
            )
        except faults.Refused as refusal:
            if refusal.status == 404:
                return None
            raise
        properties = answer.get("properties") if isinstance(answer, dict) else None
        state = properties.get("provisioningState") if isinstance(properties, dict) else None
        return state if isinstance(state, str) else "Unknown"

    async def wait(self, name: str, every: float = 15.0) -> str:
        """Wait until a deployment is made or has failed. Raises ProviderError where it has."""
        while (state := await self.state(name)) not in ("Succeeded", None):
            if state in ("Failed", "Canceled"):
                raise ProviderError(f"{self.provider.name}: the deployment {name} ended as {state}.")
            await asyncio.sleep(every)
        if state is None:
            raise ProviderError(f"{self.provider.name}: the deployment {name} is gone.")
        return state

    async def delete(self, ledger: Ledger, name: str) -> None:
        """Delete a deployment, which ends its hourly fee; forgotten only once the provider says it is gone."""
        try:
            await self.client.call(
                f"delete deployment {name}", self.client.sdk.delete(self._url(name), cast_to=object)
            )
        except faults.Refused as refusal:
            if refusal.status != 404:
                raise
        ledger.forget_deployment(self.provider.origin, name)


@asynccontextmanager
async def control_plane(
    provider: Provider, address: str = CONTROL_PLANE, limits: Limits | None = None
) -> AsyncIterator[ControlPlane]:
    """Open the control plane of an Azure provider.

    Raises UsageError where config.toml lacks subscription, resource_group or account.
    """
    config = provider.config
    missing = [key for key in ("subscription", "resource_group", "account") if not getattr(config, key)]
    if missing:
        raise UsageError(f"To deploy, set {', '.join(missing)} of providers.{provider.name} in config.toml.")
    other = Provider(provider.name, ProviderSettings("compatible", base_url=address))
    async with open_client(other, address, token_source(CONTROL_SCOPE), limits) as client:
        yield ControlPlane(provider, client)


def reminders(ledger: Ledger, now: float | None = None) -> list[str]:
    """One sentence for each deployment that costs: how long it has run and what that is in US$."""
    now = time.time() if now is None else now
    said = []
    for item in ledger.deployments():
        hours = max(0.0, now - item.since) / 3600
        if item.usd_per_hour:
            said.append(
                f"The deployment {item.name} costs ${item.usd_per_hour:.2f} an hour, used or not: about "
                f"${item.usd_per_hour * hours:.2f} in {hours:.0f} hours. Delete it when you are done."
            )
    return said

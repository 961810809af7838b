"""Deployments of tuned models at Azure, through its control plane.

A tuned model answers only while it is deployed, and a Standard or GlobalStandard deployment costs by the hour
whether it is used or not (docs/openai.md §5.5, §7). So each one is kept in the ledger until it is
deleted, and `reminder` says what it costs.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from curator import pricing
from curator.core import models
from curator.core.text import count_of
from curator.errors import ProviderError, UsageError
from curator.jobs.connections.azure_tokens import CONTROL_SCOPE, token_source
from curator.jobs.http import faults
from curator.jobs.http.client import Client, RequestLimits, open_client
from curator.jobs.ledger.ledger import Deployment, Ledger
from curator.jobs.providers import Provider
from curator.settings import ProviderSettings

CONTROL_PLANE = "https://management.azure.com"


@dataclass(frozen=True)
class DeploymentType:
    """A type of deployment: its SKU, a description, and what the request holds (docs/openai.md §7)."""

    sku: str
    words: str
    capacity: int = 1
    api_version: str = "2024-10-01"


DEPLOYMENT_TYPES = {
    each.sku.casefold(): each
    for each in (
        DeploymentType("standard", "in the resource's region; costs by the hour"),
        DeploymentType("GlobalStandard", "anywhere; costs by the hour"),
        DeploymentType(
            "developertier", "no hourly fee, but no promise that it stays up", 50, "2025-07-01-preview"
        ),
    )
}
"""By the SKU in lower case, since Microsoft's pages write the names in several ways."""
EVERY = 15.0
"""Seconds between two polls of a deployment that is being created."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,63}\Z")


def find_type(sku: str) -> DeploymentType:
    """The type of deployment of this name, in upper or lower case. Raises UsageError, listing all, for another."""
    deployment_type = DEPLOYMENT_TYPES.get(sku.casefold())
    if deployment_type is None:
        names = ", ".join(each.sku for each in DEPLOYMENT_TYPES.values())
        raise UsageError(f"A deployment is {names}, not '{sku}'.")
    return deployment_type


def hourly_price(provider: Provider, sku: str, model: str) -> float | None:
    """US$ for an hour of a tuned model's deployment: as configured, else by the model table; None: unknown.

    The developer tier has no hourly fee (docs/openai.md §5.5).
    """
    if sku.casefold() == "developertier":
        return 0.0
    if provider.config.hosting_usd_per_hour is not None:
        return provider.config.hosting_usd_per_hour
    info = models.find(model, pricing.table())
    return info.on("azure").hosting_hour if info else None


@dataclass(frozen=True)
class ControlPlane:
    """The deployments of one Azure resource. Open it with `control_plane`."""

    provider: Provider
    client: Client

    def _url(self, name: str, api_version: str = DEPLOYMENT_TYPES["standard"].api_version) -> str:
        config = self.provider.config
        return (
            f"/subscriptions/{config.subscription}/resourceGroups/{config.resource_group}/providers"
            f"/Microsoft.CognitiveServices/accounts/{config.account}/deployments/{name}?api-version={api_version}"
        )

    async def deploy(self, ledger: Ledger, model: str, name: str, sku: str = "standard") -> Deployment:
        """Request a deployment of a tuned model. The ledger has it before the request is sent.

        `name` is the model's name in chat requests. The caller has shown `hourly_price` and the user has agreed.
        Raises UsageError for a bad name, ProviderError where the request fails.
        """
        if not _NAME.match(name):
            raise UsageError(f"'{name}' is no deployment name: 2 to 64 of letters, digits, '_', '-' and '.'.")
        deployment_type, origin = find_type(sku), self.provider.origin
        price = hourly_price(self.provider, deployment_type.sku, model)
        deployment = Deployment(origin, name, model, deployment_type.sku, price, time.time())
        body = {
            "sku": {"name": deployment_type.sku, "capacity": deployment_type.capacity},
            "properties": {"model": {"format": "OpenAI", "name": model, "version": "1"}},
        }
        ledger.add_deployment(deployment)
        request = self.client.sdk.put(self._url(name, deployment_type.api_version), cast_to=object, body=body)
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

    async def wait(self, name: str) -> str:
        """Wait until a deployment is ready. Raises ProviderError where it fails or is deleted."""
        while (state := await self.state(name)) not in ("Succeeded", None):
            if state in ("Failed", "Canceled"):
                raise ProviderError(f"{self.provider.name}: the deployment {name} ended as {state}.")
            await asyncio.sleep(EVERY)
        if state is None:
            raise ProviderError(f"{self.provider.name}: the deployment {name} is gone.")
        return state

    async def delete(self, ledger: Ledger, name: str) -> None:
        """Delete a deployment, which ends its hourly fee. The ledger keeps it until the provider confirms that."""
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
    provider: Provider, address: str | None = None, limits: RequestLimits | None = None
) -> AsyncIterator[ControlPlane]:
    """The control plane of an Azure provider, closed when the block ends.

    Raises UsageError where config.toml lacks subscription, resource_group or account.
    """
    address, config = address or CONTROL_PLANE, provider.config
    if provider.kind != "azure":
        raise UsageError(f"Only models tuned at Azure are deployed; {provider.name} answers by itself.")
    missing = [key for key in ("subscription", "resource_group", "account") if not getattr(config, key)]
    if missing:
        raise UsageError(f"To deploy, set {', '.join(missing)} of providers.{provider.name} in config.toml.")
    other = Provider(provider.name, ProviderSettings("compatible", base_url=address))
    async with open_client(other, address, token_source(CONTROL_SCOPE), limits) as client:
        yield ControlPlane(provider, client)


def price_words(usd_per_hour: float | None) -> str:
    """The price of a deployment as a sentence, shown before the user agrees to it."""
    if usd_per_hour is None:
        return "Its price is not known here; most cost by the hour, used or not, until they are deleted."
    if usd_per_hour == 0:
        return "It has no hourly fee; tokens are paid as usual."
    return (
        f"It costs US$ {usd_per_hour:.2f} an hour, used or not, about US$ {usd_per_hour * 24:,.0f} a day, "
        "until it is deleted."
    )


def reminder(item: Deployment, now: float | None = None) -> str | None:
    """A sentence on what a deployment has cost so far; None where it has no hourly fee. `now` is Unix time."""
    if item.usd_per_hour == 0:
        return None
    hours = max(0.0, (time.time() if now is None else now) - item.since) / 3600
    if item.usd_per_hour is None:
        return (
            f"The deployment {item.name} is there since {count_of(round(hours), 'hour')} "
            "and may cost by the hour, used or not; "
            "its price is not known here. Delete it when you are done."
        )
    return (
        f"The deployment {item.name} costs ${item.usd_per_hour:.2f} an hour, used or not: about "
        f"${item.usd_per_hour * hours:.2f} in {hours:.0f} hours. Delete it when you are done."
    )


def reminders(ledger: Ledger, now: float | None = None) -> list[str]:
    """The `reminder` of each deployment in the ledger that may cost by the hour."""
    return [sentence for item in ledger.deployments() if (sentence := reminder(item, now))]


def proposed_name(model: str, suffix: str | None) -> str:
    """A name to propose for a deployment: the suffix and the end of the model's name, in allowed characters."""
    tail = re.split(r"[.:]ft-", model, maxsplit=1)[-1]
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", f"{suffix or 'tuned'}-{tail}").strip("-")
    return name[:64].rstrip("-") or "tuned"

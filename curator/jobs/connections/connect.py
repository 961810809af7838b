"""Opening a client for a provider with its address and its key or token; the local server is started first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from curator.errors import UsageError
from curator.jobs.connections import azure_tokens, local_server
from curator.jobs.http.client import Client, RequestLimits, open_client
from curator.jobs.providers import Provider


async def connect(provider: Provider, limits: RequestLimits | None = None) -> Client:
    """Open a client. For the managed local server: find the running server, or start one, first.

    Raises UsageError where the provider has no address or no key, ProviderError where the local server does not
    start.
    """
    if provider.managed:
        address = await local_server.find_or_start(provider.config.idle_exit)
        return open_client(provider, address.base_url, address.token, limits)
    base_url = provider.base_url
    return open_client(provider, base_url, await _credential(provider), limits)


async def _credential(provider: Provider) -> str | Callable[[], Awaitable[str]]:
    """The API key, or a function that gives Entra tokens; "none" for a server that needs no key."""
    if provider.kind == "azure" and provider.config.auth == "entra":
        return azure_tokens.token_source(azure_tokens.DATA_SCOPE)
    stored = await asyncio.to_thread(provider.key)  # in a thread: a locked keyring asks the user first
    if stored is None and provider.kind in ("openai", "azure"):
        where = provider.config.api_key_env or "api_key_env in config.toml"
        raise UsageError(
            f"No key for provider '{provider.name}': set {where}, or: curator providers key {provider.name}"
        )
    return stored.key.reveal() if stored else "none"

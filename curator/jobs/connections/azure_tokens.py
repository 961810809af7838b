"""Entra tokens for Azure, which can take the place of an API key."""

from __future__ import annotations

import asyncio
import importlib
import os
import time
from collections.abc import Awaitable, Callable

import orjson

from curator import log
from curator.errors import UsageError

DATA_SCOPE = "https://cognitiveservices.azure.com/.default"
"""Scope of the API: files, jobs and answers."""
CONTROL_SCOPE = "https://management.azure.com/.default"
"""Scope of the control plane, which deploys models."""
_TOKEN_ENV = {DATA_SCOPE: "AZURE_OPENAI_AD_TOKEN", CONTROL_SCOPE: "AZURE_MANAGEMENT_TOKEN"}


def token_source(scope: str) -> Callable[[], Awaitable[str]]:
    """A function that returns a valid Entra token for `scope`.

    The token comes from an environment variable, else from the package azure-identity, else from the command `az`;
    it is fetched again two minutes before it expires. The function raises UsageError where none of them has one.
    """
    cached: tuple[str, float] | None = None

    async def token() -> str:
        nonlocal cached
        if from_environment := os.environ.get(_TOKEN_ENV[scope]):
            log.protect(from_environment)
            return from_environment
        if cached is None or cached[1] < time.time() + 120:
            cached = await _identity_token(scope) or await _az_token(scope)
        return cached[0]

    return token


async def _identity_token(scope: str) -> tuple[str, float] | None:
    """Token and expiry (seconds since 1970) from azure-identity; None where it is missing or not signed in."""
    try:
        identity = await asyncio.to_thread(importlib.import_module, "azure.identity")
    except ImportError:
        return None

    def ask() -> tuple[str, float]:
        with identity.DefaultAzureCredential() as credential:
            access_token = credential.get_token(scope)
        return str(access_token.token), float(access_token.expires_on)

    try:
        token = await asyncio.to_thread(ask)
    except Exception:  # the package raises errors of many classes; `az` is tried next
        return None
    log.protect(token[0])
    return token


async def _az_token(scope: str) -> tuple[str, float]:
    """Token and expiry (seconds since 1970) from `az account get-access-token`. Raises UsageError."""
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
        answer = orjson.loads(output)
        token = str(answer["accessToken"])
        expires = float(answer.get("expires_on") or time.time() + 600)
    except (OSError, TimeoutError, ValueError, KeyError, TypeError):
        raise UsageError(f"No Entra token for Azure: {hint}.") from None
    log.protect(token)
    return token, expires

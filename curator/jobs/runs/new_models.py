"""Models so new that the provider does not know them yet: for minutes they answer 404 (docs/openai.md §6.6)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from curator.jobs.http import faults
from curator.jobs.http.client import Client
from curator.jobs.ledger import find_runs

T = TypeVar("T")

NEW = 3600.0
"""Seconds after the end of a job, or after a deployment was requested, during which a 404 may be temporary."""
WAITS = (4.0, 8.0, 16.0, 30.0, 60.0, 60.0, 60.0, 60.0, 60.0, 60.0)
"""Pauses between two tries, in units of the client's `backoff`: about three and a half minutes in all."""


def is_new(model: str, now: float | None = None) -> bool:
    """Whether a ledger of this machine has a deployment or tuned model (or its checkpoint) younger than `NEW`."""
    since = (time.time() if now is None else now) - NEW
    with find_runs.open_all() as ledgers:
        for ledger in ledgers:
            if any(item.name == model and item.since > since for item in ledger.deployments()):
                return True
            for run in ledger.runs():
                recent = run.fine_tuned_model is not None and (run.finished_at or 0.0) > since
                if recent and model.startswith(str(run.fine_tuned_model)):
                    return True
    return False


def _explain_undeployed(client: Client, model: str, refusal: faults.Refused) -> faults.Refused:
    """The refusal; at Azure, where only deployments answer, one that says how to deploy the model."""
    if client.provider.kind != "azure":
        return refusal
    words = f"{client.provider.name} has no deployment {model}; a tuned model answers only once it is deployed"
    return faults.Refused(f"{words}: curator deploy MODEL (docs/providers.md).", status=404, code=refusal.code)


async def ask_new_model(client: Client, model: str, request: Callable[[], Awaitable[T]]) -> T:
    """Make a request to a model. Where it is new and the provider has no such model yet, repeat it until it has.

    When several calls wait for one new model, one retries and reports to `client.waiting`; the others use its
    outcome.
    """
    try:
        return await request()
    except faults.Refused as refusal:
        if refusal.status != 404 or client.provider.managed:
            raise
        if not await asyncio.to_thread(is_new, model):
            raise _explain_undeployed(client, model, refusal) from None
    async with client.new_model_lock:
        for wait in WAITS:
            try:
                return await request()
            except faults.Refused as refusal:
                if refusal.status != 404:
                    raise
                words = f"{client.provider.name} does not know the new model {model} yet; that takes some minutes."
                seconds = wait * client.limits.backoff
                client.waiting(faults.Refused(words, status=404, code=refusal.code), seconds)
                await asyncio.sleep(seconds)
        return await request()

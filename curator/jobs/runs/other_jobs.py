"""Jobs beyond one workspace: those that providers list, with their runs in the ledgers of this machine."""

from __future__ import annotations

from collections.abc import Sequence

from curator.errors import CuratorError
from curator.jobs import providers
from curator.jobs.connections import local_server as local
from curator.jobs.connections.connect import connect
from curator.jobs.http import provider_records as records
from curator.jobs.http.client import RequestLimits, open_client
from curator.jobs.ledger import ledger as ledgers
from curator.jobs.ledger.ledger import Ledger, Run
from curator.jobs.providers import Provider

LIMIT = 50
"""Most jobs listed of each provider, the newest."""
_LIMITS = RequestLimits(connect=5, read=15, total=20, retries=1)


def reachable_providers() -> list[Provider]:
    """The providers that have an address, and a key where they need one.

    It may wait until the user unlocks the keyring: call it in a thread.
    """
    reachable = []
    for provider in providers.load().values():
        try:
            key = provider.managed or provider.kind in ("compatible", "local") or provider.config.auth == "entra"
            if key or (provider.base_url and provider.key()):
                reachable.append(provider)
        except CuratorError:
            continue  # set up incompletely; `providers test` says what is missing
    return reachable


async def jobs_of(provider: Provider) -> list[records.ProviderJob]:
    """A provider's newest jobs; none where the local server is not running. Raises CuratorError."""
    if provider.managed:
        address = await local.find_running()
        if address is None:
            return []
        client = open_client(provider, address.base_url, address.token, _LIMITS)
    else:
        client = await connect(provider, _LIMITS)
    async with client:
        return await client.jobs(LIMIT)


def as_runs(
    provider: Provider, jobs: Sequence[records.ProviderJob], places: Sequence[Ledger]
) -> list[tuple[Run, bool]]:
    """Each job as a run, in the same order, and whether a ledger has it; the runs of other jobs are not stored."""
    runs = []
    for job in jobs:
        stored = next(filter(None, (place.by_job(provider.origin, job.id) for place in places)), None)
        runs.append(
            (stored or ledgers.run_of_foreign_job(provider.name, provider.origin, job), stored is not None)
        )
    return runs

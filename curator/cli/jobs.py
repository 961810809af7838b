"""`curator jobs`: list the provider's jobs, each with its run in a ledger on this machine, if any."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from curator.cli import provider_options
from curator.cli.output import emit, out, positive, say, styled
from curator.core.text import one_line
from curator.errors import ProviderError

if TYPE_CHECKING:
    from curator.jobs.http.client import Client
    from curator.jobs.http.provider_records import ProviderJob
    from curator.jobs.ledger.ledger import Ledger

EXAMPLE = "curator jobs --provider openai"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    provider_options.add_provider(parser)
    parser.add_argument("--limit", type=positive, default=20, metavar="N", help="newest N jobs (default 20)")


def run(args: argparse.Namespace) -> int:
    """List jobs, newest first."""
    return provider_options.run_async(_list(args))


async def _list(args: argparse.Namespace) -> int:
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect
    from curator.jobs.ledger import find_runs

    provider = providers.get(args.provider)
    with find_runs.open_all() as ledgers:
        async with await connect(provider) as client:
            client.waiting = provider_options.say_waiting
            jobs = await client.jobs(max(1, args.limit))
            for ledger in ledgers:
                await _renew(ledger, client)
        rows: list[dict[str, Any]] = []
        for job in jobs:
            matches = ((ledger, ledger.by_job(provider.origin, job.id)) for ledger in ledgers)
            mine = next((find_runs.run_json(run, ledger) for ledger, run in matches if run), None)
            rows.append({**job.raw, "run": mine})
            if not args.json:
                _show(job, mine)
        for ledger in ledgers:
            provider_options.say_deployments(ledger)
            for _, file_id, name in ledger.orphans():
                say(f"note: the file {file_id} ({name}) was uploaded and no job uses it")
    if args.json:
        emit({"jobs": rows})
    elif not rows:
        say(f"{provider.name} has no jobs.")
    return 0


async def _renew(ledger: Ledger, client: Client) -> None:
    """Ask the provider for the status of a ledger's unfinished runs and store it."""
    from curator.jobs.runs import monitor  # heavy

    for run in ledger.unsettled_runs():
        if run.origin == client.provider.origin:
            try:
                await monitor.poll_once(run, ledger, client)
            except ProviderError as fault:  # continue with the other runs
                say(f"note: {fault.message}")


def _show(job: ProviderJob, run: dict[str, Any] | None) -> None:
    when = datetime.fromtimestamp(job.created_at or 0, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    mark = provider_options.MARKS.get(job.status, "·")
    name = job.fine_tuned_model or job.model or ""
    source = "" if run else "  (started elsewhere)"
    status = one_line(f"{mark} {job.status}", 18)
    out(f"{styled(one_line(job.id), '1')}  {when}  {status:<18}  {one_line(name)}{styled(source, '2')}")
    if job.error and job.error.get("message"):
        out(f"  {styled(one_line(str(job.error['message']), 400), '31')}")

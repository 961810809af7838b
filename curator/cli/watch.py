"""`curator watch`: print a job's events until its end."""

from __future__ import annotations

import argparse

from curator.cli import provider_options
from curator.cli.output import emit, say

EXAMPLE = "curator watch ftjob-abc123"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    provider_options.add_job(parser)


def run(args: argparse.Namespace) -> int:
    """Print all events, past and new ones, until the job ends; exit status 1 if it does not succeed."""
    return provider_options.run_async(_watch(args))


async def _watch(args: argparse.Namespace) -> int:
    from curator.jobs.runs import monitor  # heavy

    async with provider_options.open_job(args) as (ledger, run, _):
        async for event in monitor.follow(run, ledger, waiting=provider_options.say_waiting):
            provider_options.show_event(event, args.json)
        run = ledger.get(run.run)
        provider_options.require_job(run)
        provider_options.alert_end(run)
        provider_options.say_deployments(ledger)
    if args.json:
        emit(run.job or {"id": run.job_id, "status": run.status})
    else:
        say(provider_options.describe(run))
    return provider_options.exit_status(run)

"""`curator watch`: follow a job to its end."""

from __future__ import annotations

import argparse

from curator.cli import _jobs
from curator.cli.output import emit, say

EXAMPLE = "curator watch ftjob-abc123"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    _jobs.add_job(parser)


def run(args: argparse.Namespace) -> int:
    """Print all events from the start as they come; 1 where the job does not succeed."""
    return _jobs.drive(_watch(args))


async def _watch(args: argparse.Namespace) -> int:
    from curator.jobs.runs import monitor

    async with _jobs.job_at_hand(args) as (ledger, run, _):
        async for event in monitor.follow(run, ledger, waiting=_jobs.tell_waiting):
            _jobs.show_event(event, args.json)
        run = ledger.get(run.run)
        _jobs.must_have_job(run)
        _jobs.ring(run)
        _jobs.remind(ledger)
    if args.json:
        emit(run.job or {"id": run.job_id, "status": run.status})
    else:
        say(_jobs.describe(run))
    return _jobs.finish(run)

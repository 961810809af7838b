"""`curator cancel`: cancel a job; what is trained so far is billed by hosted providers."""

from __future__ import annotations

import argparse

from curator.cli import _jobs

EXAMPLE = "curator cancel ftjob-abc123"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    _jobs.add_job(parser)


def run(args: argparse.Namespace) -> int:
    """Ask the provider to cancel the job; print the job."""
    return _jobs.drive(_jobs.steer(args, "cancel"))

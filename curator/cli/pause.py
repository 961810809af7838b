"""`curator pause`: pause a job; a snapshot is kept."""

from __future__ import annotations

import argparse

from curator.cli import _jobs

EXAMPLE = "curator pause ftjob-abc123"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    _jobs.add_job(parser)


def run(args: argparse.Namespace) -> int:
    """Ask the provider to pause the job; print the job."""
    return _jobs.drive(_jobs.steer(args, "pause"))

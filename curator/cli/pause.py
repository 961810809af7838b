"""`curator pause`: pause a job; its state is saved, so that it can be resumed."""

from __future__ import annotations

import argparse

from curator.cli import provider_options

EXAMPLE = "curator pause ftjob-abc123"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    provider_options.add_job(parser)


def run(args: argparse.Namespace) -> int:
    """Ask the provider to pause the job; print the job."""
    return provider_options.run_async(provider_options.act_on_job(args, "pause"))

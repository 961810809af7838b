"""`curator serve`: the local OpenAI-compatible server in the foreground."""

from __future__ import annotations

import argparse

EXAMPLE = "curator serve --port 8000"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    from curator.server.__main__ import configure as of_server

    of_server(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal."""
    from curator.server.__main__ import run as of_server

    return of_server(args)

"""`curator serve`: run the local OpenAI-compatible server in the foreground."""

from __future__ import annotations

import argparse

EXAMPLE = "curator serve --port 8000"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    from curator.server import __main__ as server_command  # heavy

    server_command.configure(parser)


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends the process."""
    from curator.server import __main__ as server_command  # heavy

    return server_command.run(args)

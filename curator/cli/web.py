"""`curator web`: the same UI in a browser on this machine, served by textual-serve behind a token."""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import sys
from pathlib import Path

from curator.cli import output
from curator.errors import InputError, UsageError

EXAMPLE = "curator web data.jsonl"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", nargs="?", metavar="PATH", help="a dataset or workspace; by default the last one")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="a free one by default")


def run(args: argparse.Namespace) -> int:
    """Serve until ctrl+c; prints the address, whose part behind # holds the token and is never sent in a path."""
    if importlib.util.find_spec("textual_serve") is None:
        raise UsageError("curator web needs textual-serve: pip install 'curator-ft[web]'")
    if not 0 <= args.port <= 65_535:
        raise UsageError(f"{args.port} is no port: 1 to 65535, or 0 for a free one")
    if args.path and not Path(args.path).exists():
        raise InputError(f"{args.path} does not exist")
    from curator.cli.web_server import bind, serve  # heavy: aiohttp

    command = shlex.join([sys.executable, "-m", "curator", *([args.path] if args.path else [])])
    try:
        socket = bind(args.port)
    except OSError as error:
        raise UsageError(f"port {args.port} cannot be used: {error.strerror}") from None

    def ready(address: str) -> None:
        if args.json:
            output.emit({"url": address, "pid": os.getpid()})
        else:
            output.out(address)
            output.say("Open this address in a browser on this machine; ctrl+c ends it.")
        sys.stdout.flush()

    serve(socket, command, ready)
    return 0

"""`python -m curator.server`: the local OpenAI-compatible server, in the foreground."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from curator import paths
from curator.errors import CuratorError, UsageError
from curator.server.settings import ServerSettings


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the server's arguments; `curator serve` uses them too."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: any free one)")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of files, jobs and models")
    parser.add_argument("--token-file", type=Path, metavar="F", help="file of the token (default: DIR/token)")
    parser.add_argument(
        "--model", action="append", default=[], metavar="NAME=FOLDER", help="another base model, by its folder"
    )
    parser.add_argument(
        "--alias",
        action="append",
        default=[],
        metavar="NAME=MODEL",
        help="another name of a model, e.g. gpt-4o-mini=smollm2-135m-instruct; * is every name that is not known",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME[:PORT]",
        help="another name that clients may use for this server, e.g. behind a tunnel",
    )
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="web pages of this origin may use the server, e.g. http://localhost:3000",
    )
    parser.add_argument(
        "--temperature", type=float, metavar="T", help="temperature where a request names none (default: 1)"
    )
    parser.add_argument(
        "--max-tokens", type=int, metavar="N", help="longest answer where a request names none (default: any)"
    )
    parser.add_argument(
        "--idle-exit", type=float, metavar="SECONDS", help="leave after this time without requests and jobs"
    )
    parser.add_argument(
        "--threads", type=int, default=0, help="threads of a training process (default: all cores)"
    )


def settings(args: argparse.Namespace) -> ServerSettings:
    """The server's settings from its arguments. Raises UsageError for a value out of range."""
    if not 0 <= args.port <= 65535:
        raise UsageError(f"--port must be between 0 and 65535, not {args.port}.")
    if args.idle_exit is not None and not args.idle_exit > 0:
        raise UsageError("--idle-exit must be a number of seconds above 0.")
    if args.temperature is not None and not 0 <= args.temperature <= 2:
        raise UsageError(f"--temperature must be between 0 and 2, not {args.temperature}.")
    if args.max_tokens is not None and args.max_tokens < 1:
        raise UsageError("--max-tokens must be 1 or more.")
    if args.threads < 0:
        raise UsageError("--threads must not be negative.")
    data = (args.data or paths.server_dir()).absolute()
    return ServerSettings(
        data=data,
        token_file=(args.token_file or data / "token").absolute(),
        host=args.host,
        port=args.port,
        allowed_hosts=tuple(args.allow_host),
        allowed_origins=tuple(args.allow_origin),
        temperature=args.temperature,
        max_tokens=args.max_tokens,
        idle_exit=args.idle_exit,
        threads=args.threads,
        extra_models=tuple(map(_model, args.model)),
        aliases=tuple(map(_alias, args.alias)),
    )


def _model(text: str) -> tuple[str, Path]:
    name, _, folder = text.partition("=")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,127}", name) or not Path(folder).is_dir() or not folder:
        raise UsageError(f"--model needs NAME=FOLDER with an existing folder, not '{text}'.")
    return name, Path(folder).absolute()


def _alias(text: str) -> tuple[str, str]:
    name, _, model = text.partition("=")
    if not re.fullmatch(r"\*|[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}", name) or not model:
        raise UsageError(f"--alias needs NAME=MODEL with the name of a model, not '{text}'.")
    return name, model


def run(args: argparse.Namespace) -> int:
    """Serve until the process ends; never returns. Raises UsageError."""
    if sys.platform == "win32":
        raise UsageError("The local server needs Linux, macOS or WSL.")
    from curator.server.listen import serve  # heavy: Starlette, uvicorn

    serve(settings(args))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m curator.server", description=__doc__)
    configure(parser)
    try:
        return run(parser.parse_args(argv))
    except CuratorError as error:
        sys.stderr.write(f"curator: {error.message}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())

"""`curator chat`: one answer, or a conversation on a terminal; answers are printed as they arrive."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from curator.cli import provider_options
from curator.cli.output import emit, out
from curator.core.text import printable
from curator.errors import UsageError

EXAMPLE = "curator chat smollm2-135m-instruct 'What is the capital of France?'"
INTERMIXED = True
_MAX_PROMPT = 4 * 2**20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="a base or tuned model (at Azure: the deployment's name)")
    parser.add_argument(
        "prompt", metavar="PROMPT", nargs="?", help="the question; default: stdin; on a terminal a conversation"
    )
    parser.add_argument("--system", metavar="S", help="the system message")
    parser.add_argument(
        "--temperature", type=float, metavar="X", help="0 to 2; 0 always takes the likeliest token"
    )
    parser.add_argument("--max-tokens", type=int, metavar="N", help="most tokens of an answer")
    provider_options.add_provider(parser)


def run(args: argparse.Namespace) -> int:
    """Print the answer to a prompt, or hold a conversation."""
    with provider_options.suggest_pull():
        return provider_options.run_async(_chat(args))


async def _chat(args: argparse.Namespace) -> int:
    from curator.jobs import providers  # heavy
    from curator.jobs.connections.connect import connect

    prompt = _prompt(args)
    async with await connect(providers.get(args.provider)) as client:
        client.waiting = provider_options.say_waiting
        messages = [{"role": "system", "content": args.system}] if args.system else []
        if prompt is not None:
            messages.append({"role": "user", "content": prompt})
            answer, usage = await _answer(client, args, messages)
            if args.json:
                emit({"model": args.model, "answer": answer, "usage": usage})
            return 0
        await _talk(client, args, messages)
    return 0


def _prompt(args: argparse.Namespace) -> str | None:
    """The prompt from the arguments or stdin; None for a conversation on a terminal. Raises UsageError."""
    if args.prompt is not None:
        return str(args.prompt).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if sys.stdin.isatty():
        if args.json:
            raise UsageError("--json needs a PROMPT, or one on stdin.")
        return None
    text = sys.stdin.buffer.read(_MAX_PROMPT).decode("utf-8", "replace").rstrip("\n")
    if not text:
        raise UsageError("Nothing to ask: give a PROMPT, or text on stdin.")
    return text


async def _talk(client: Any, args: argparse.Namespace, messages: list[dict[str, Any]]) -> None:
    sys.stderr.write("An empty line or Ctrl-D ends the conversation.\n")
    while True:
        try:
            question = input("> ")
        except EOFError:
            return
        if not question.strip():
            return
        messages.append({"role": "user", "content": question})
        answer, _ = await _answer(client, args, messages)
        messages.append({"role": "assistant", "content": answer})


async def _answer(
    client: Any, args: argparse.Namespace, messages: list[dict[str, Any]]
) -> tuple[str, dict[str, Any] | None]:
    """Stream an answer to stdout (not with --json); return the whole answer and its token usage."""
    from curator.jobs.runs.chat import chat_stream  # heavy

    options: dict[str, Any] = {"stream_options": {"include_usage": True}}
    if args.temperature is not None:
        options["temperature"] = args.temperature
    if args.max_tokens is not None:
        options["max_completion_tokens"] = args.max_tokens
    pieces: list[str] = []
    usage: dict[str, Any] | None = None
    async for chunk in chat_stream(client, args.model, messages, **options):
        if chunk.usage is not None:
            usage = chunk.usage.to_dict()
        piece = chunk.choices[0].delta.content if chunk.choices else None
        if piece:
            pieces.append(piece)
            if not args.json:
                sys.stdout.write(printable(piece))
                sys.stdout.flush()
    if not args.json:
        out()
    return "".join(pieces), usage

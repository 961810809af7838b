"""`curator chat`: one answer, or a conversation on a terminal; answers are printed as they arrive."""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, cast

from curator.cli import provider_options
from curator.cli.contract_options import add_contract, contract_of
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
        "--temperature", type=float, metavar="X", help="0 to 2; 0, the default, gives the likeliest answer"
    )
    parser.add_argument("--max-tokens", type=int, metavar="N", help="longest answer (default: 200)")
    add_contract(parser)
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
            answer = await _answer(client, args, messages)
            if args.json:
                emit(
                    {"model": args.model, "answer": answer.text, "usage": answer.usage, "stopped": answer.stopped}
                )
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
        answer = await _answer(client, args, messages)
        messages.append({"role": "assistant", "content": answer.text})


@dataclass
class _Answer:
    """An answer as far as it has arrived."""

    text: str = ""
    usage: dict[str, Any] | None = None
    stopped: str | None = None
    """Why it ends early: "length" or "repetition"."""


async def _answer(client: Any, args: argparse.Namespace, messages: list[dict[str, Any]]) -> _Answer:
    """Stream an answer to stdout (not with --json); return it whole.

    A default that the model refuses (some take no temperature) is left out and the question repeated.
    """
    from curator.jobs.http.faults import Refused  # heavy
    from curator.jobs.runs.chat import LONGEST_ANSWER, TEMPERATURE  # heavy

    defaults = {"temperature": TEMPERATURE, "max_completion_tokens": LONGEST_ANSWER}
    options: dict[str, Any] = {"temperature": args.temperature, "max_completion_tokens": args.max_tokens}
    options["extra_body"] = _limits(args)
    options = {name: value for name, value in options.items() if value is not None}
    while True:
        answer = _Answer()
        try:
            await _stream(client, args, messages, defaults | options, answer)
        except Refused as fault:
            refused = [name for name in defaults if name in fault.message and name not in options]
            if fault.status != 400 or not refused or answer.text:
                raise
            defaults = {name: value for name, value in defaults.items() if name not in refused}
            continue
        if not args.json:
            out()
        _say_why_it_ends(answer, args, (defaults | options).get("max_completion_tokens"))
        return answer


def _limits(args: argparse.Namespace) -> dict[str, Any] | None:
    """The request's own field that keeps the answer inside a contract, as the local server and vLLM have it."""
    contract = contract_of(args)
    if contract is None:
        return None
    if contract.vocabulary is None:
        return {"structured_outputs": {"regex": contract.pattern}}
    answers = sorted(answer for answer in contract.vocabulary if contract.allows(answer))
    if not answers:
        raise UsageError("No answer of --contract matches --pattern.")
    return {"structured_outputs": {"choice": answers}}


async def _stream(
    client: Any, args: argparse.Namespace, messages: list[dict[str, Any]], options: dict[str, Any], answer: _Answer
) -> None:
    """Fill `answer` as its pieces arrive, until it ends or repeats itself."""
    from curator.core.answers.repetition import repeated_end  # heavy
    from curator.jobs.runs.chat import chat_stream

    chunks = chat_stream(client, args.model, messages, stream_options={"include_usage": True}, **options)
    async with aclosing(cast(AsyncGenerator[Any], chunks)):
        async for chunk in chunks:
            if chunk.usage is not None:
                answer.usage = chunk.usage.to_dict()
            choice = chunk.choices[0] if chunk.choices else None
            if choice is not None and choice.finish_reason == "length":
                answer.stopped = "length"
            piece = choice.delta.content if choice is not None else None
            if not piece:
                continue
            answer.text += piece
            if not args.json:
                sys.stdout.write(printable(piece))
                sys.stdout.flush()
            if repeated_end(answer.text):
                answer.stopped = "repetition"
                return


def _say_why_it_ends(answer: _Answer, args: argparse.Namespace, longest: int | None) -> None:
    """One line on stderr where an answer ends before the model ended it."""
    if answer.stopped == "repetition":
        more = "" if args.temperature else " --temperature 0.7 asks for another one."
        sys.stderr.write(f"curator: stopped, because the answer repeats itself.{more}\n")
    elif answer.stopped == "length":
        limit = f" after {longest:,} tokens" if longest else ""
        sys.stderr.write(f"curator: the answer was cut{limit}; --max-tokens N allows a longer one.\n")

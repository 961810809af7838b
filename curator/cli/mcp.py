"""`curator mcp`: the Model Context Protocol on stdin and stdout, for agents: reading and proposing, nothing else.

One JSON-RPC message a line. The protocol is spoken without its SDK, whose import alone takes seconds; a test holds
it to the SDK's own client.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from curator import __version__
from curator.cli.mcp_tools import TOOLS, Toolbox, ToolError
from curator.core.text import one_line
from curator.errors import InputError

EXAMPLE = "curator mcp data.curator"
VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")
"""Versions of the protocol that are spoken alike here, the latest first."""
LONGEST = 16 << 20
"""Bytes of a message."""
INSTRUCTIONS = (
    "Curator keeps data for fine-tuning chat models. Read with check, stats, list, history, proposals and schema. "
    "What you would change, propose: a person accepts or rejects it. Nothing here changes data, trains or costs "
    "money."
)
_PARSE_ERROR, _INVALID, _NO_METHOD, _BAD_PARAMS = -32700, -32600, -32601, -32602


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="the workspaces and files that the agent may read, and no others"
    )


def run(args: argparse.Namespace) -> int:
    """Answer messages until stdin ends."""
    from pathlib import Path  # so that nothing but the protocol is loaded before the first message

    for path in args.paths:
        if not Path(path).exists():
            raise InputError(f"there is no {path}")
    serve(sys.stdin.buffer, sys.stdout.buffer, args.paths)
    return 0


def serve(messages: BinaryIO, answers: BinaryIO, paths: list[str]) -> None:
    """Answer each line of `messages` with a line, except for notifications."""
    server = _Server(paths)
    for line in _lines(messages):
        for answer in server.answers_to(line):
            answers.write(orjson.dumps(answer) + b"\n")
            answers.flush()


def _lines(messages: BinaryIO) -> Iterator[bytes]:
    """The lines; of one that is too long comes what is no message, and the rest is passed over."""
    while line := messages.readline(LONGEST):
        rest = line
        while rest and not rest.endswith(b"\n"):
            rest = messages.readline(LONGEST)
            line = b"[" if rest else line
        if line.strip():
            yield line


class _Server:
    """The state of a session: who speaks."""

    def __init__(self, paths: list[str]) -> None:
        self._tools = Toolbox(paths)

    def answers_to(self, line: bytes) -> Iterator[dict[str, Any]]:
        """The answer to one message; none to a notification or an answer."""
        try:
            message = orjson.loads(line)
        except orjson.JSONDecodeError:
            yield _error(None, _PARSE_ERROR, "the message is no JSON")
            return
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            yield _error(None, _INVALID, "a message is an object of JSON-RPC 2.0")
            return
        number, method = message.get("id"), message.get("method")
        if not isinstance(method, str) or number is None:
            return
        if isinstance(number, bool) or not isinstance(number, int | str):
            yield _error(None, _INVALID, "an id is a number or a text")
            return
        params = message.get("params", {})
        if not isinstance(params, dict):
            yield _error(number, _BAD_PARAMS, "params is an object")
            return
        yield self._answer(number, method, params)

    def _answer(self, number: int | str, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "initialize":
            return _result(number, self._initialize(params))
        if method == "ping":
            return _result(number, {})
        if method == "tools/list":
            return _result(number, {"tools": [tool.as_dict() for tool in TOOLS.values()]})
        if method != "tools/call":
            return _error(number, _NO_METHOD, f"there is no method {one_line(method, 60)}")
        name, arguments = params.get("name"), params.get("arguments") or {}
        if not isinstance(name, str) or name not in TOOLS or not isinstance(arguments, dict):
            return _error(number, _BAD_PARAMS, "there is no such tool; tools/list names them")
        try:
            text, failed = self._tools.call(name, arguments), False
        except ToolError as error:
            text, failed = str(error), True
        return _result(number, {"content": [{"type": "text", "text": text}], "isError": failed})

    def _initialize(self, params: dict[str, Any]) -> dict[str, Any]:
        client = params.get("clientInfo")
        name = client.get("name") if isinstance(client, dict) else None
        if isinstance(name, str) and one_line(name.strip(), 60):
            self._tools.by = one_line(name.strip(), 60)
        asked = params.get("protocolVersion")
        return {
            "protocolVersion": asked if asked in VERSIONS else VERSIONS[0],
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": {"name": "curator", "version": __version__},
            "instructions": INSTRUCTIONS,
        }


def _result(number: int | str, result: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "result": result}


def _error(number: int | str | None, code: int, words: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "error": {"code": code, "message": words}}

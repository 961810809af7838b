"""The tools of `curator mcp`: each reads one of the paths that were allowed; one proposes.

A tool that reads is a command of the command line with `--json`; its arguments are built here, so that no text of
an agent becomes an option. The tables hold no command that writes, and `propose` adds to the proposals alone.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, NamedTuple

import orjson

from curator.errors import CuratorError

MOST_PROBLEMS = 200
"""Findings that `check` answers; the counts are of all."""
MOST_LISTED = 200
"""Examples that `list` answers at once."""
LONGEST_ANSWER = 400_000
"""Characters of an answer."""
LONGEST_TEXT = 2_000
"""Characters of an argument; those inside an operation are for `apply` to judge."""
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:-]*(?:[./][A-Za-z0-9_:-]+)*")
"""No path leads out of the folder of models."""
_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "object": (dict,), "boolean": (bool,)}


class ToolError(Exception):
    """What the agent is told in one sentence."""


class AgentTool(NamedTuple):
    """One tool, as `tools/list` describes it."""

    name: str
    description: str
    arguments: dict[str, tuple[str, str]]
    """Type in JSON and description, by name."""
    required: tuple[str, ...] = ()
    read_only: bool = True

    def as_dict(self) -> dict[str, Any]:
        """The tool in the words of the protocol."""
        properties = {name: {"type": kind, "description": words} for name, (kind, words) in self.arguments.items()}
        schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
        if self.required:
            schema["required"] = list(self.required)
        hints = {"readOnlyHint": self.read_only, "destructiveHint": False, "openWorldHint": False}
        return {"name": self.name, "description": self.description, "inputSchema": schema, "annotations": hints}


_PATH = ("string", "one of the paths that this server was started with; by default the first")
_FILTER = ("string", "a query, e.g. is:error -label:later; docs/query.md")
TOOLS: dict[str, AgentTool] = {
    tool.name: tool
    for tool in (
        AgentTool("paths", "The workspaces and files that may be read.", {}),
        AgentTool("schema", "The commands and operations of Curator.", {"command": ("string", "only this one")}),
        AgentTool("check", "Findings of the rules, tokens and cost.", {
            "path": _PATH, "profile": ("string", "openai, azure or local"), "model": ("string", "a model's name"),
        }),
        AgentTool("stats", "Tokens, lengths, roles and answers.", {"path": _PATH}),
        AgentTool("list", "A page of the examples that a query chooses.", {
            "path": _PATH, "filter": _FILTER, "sort": ("string", "a field; -FIELD for descending"),
            "limit": ("integer", f"at most {MOST_LISTED}"), "offset": ("integer", "skip so many"),
        }),
        AgentTool("dedup", "Copies, look-alikes and contradictions.", {"path": _PATH}),
        AgentTool("history", "The latest changes and the runs of a workspace.", {
            "path": _PATH, "limit": ("integer", "how many changes"),
        }),
        AgentTool("proposals", "What is proposed and what became of it.", {"path": _PATH}),
        AgentTool("propose", "Propose an operation of `apply`; a person accepts or rejects it.", {
            "path": _PATH, "operation": ("object", 'e.g. {"op": "rate", "example": 3, "rating": 4}'),
            "why": ("string", "the reason, for the person who decides"),
        }, ("operation",), read_only=False),
    )
}  # fmt: skip


class Toolbox:
    """Calls the tools on the paths that are allowed."""

    def __init__(self, paths: list[str]) -> None:
        self._paths = paths
        self.by = "an agent"
        """The name of the client, under which it proposes."""

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """The answer of a tool, as JSON. Raises ToolError for wrong arguments and for what the command refuses."""
        tool = TOOLS[name]
        _require_shape(tool, arguments)
        path = arguments.get("path", self._paths[0])
        if path not in self._paths:
            raise ToolError(f"this server reads only {', '.join(self._paths)}")
        handler = _HANDLERS.get(name)
        try:
            answer = handler(self, path, arguments) if handler else _ask(_words(name, path, arguments))
        except CuratorError as error:
            raise ToolError(error.message) from None
        text = orjson.dumps(answer).decode()
        if len(text) > LONGEST_ANSWER:
            raise ToolError(
                f"the answer has {len(text):,} characters: ask for less, with filter, limit and offset"
            )
        return text


def _require_shape(tool: AgentTool, arguments: dict[str, Any]) -> None:
    for name, value in arguments.items():
        if name not in tool.arguments:
            raise ToolError(f"{tool.name} has no argument '{name}'")
        kind = tool.arguments[name][0]
        if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
            raise ToolError(f"{tool.name}: {name} is of type {kind}")
        if isinstance(value, str) and ("\0" in value or len(value) > LONGEST_TEXT):
            raise ToolError(f"{tool.name}: {name} is a text of at most {LONGEST_TEXT:,} characters without U+0000")
        if name == "model" and not _MODEL.fullmatch(str(value)):
            raise ToolError(f"{tool.name}: {name} is the name of a model")
    for name in tool.required:
        if name not in arguments:
            raise ToolError(f"{tool.name} wants {name}")


def _words(name: str, path: str, arguments: dict[str, Any]) -> list[str]:
    """The words of the command of a reading tool; every value is joined to its option."""
    words = [name, "--json"]
    for option in ("filter", "sort", "profile", "model", "limit", "offset"):
        if option in arguments:
            words.append(f"--{option}={arguments[option]}")
    return [*words, "--", path]


def _ask(words: list[str]) -> Any:
    """Run a command and return the object that it prints. Raises ToolError where it refuses."""
    from curator.cli.main import main  # that module loads the commands

    with _captured() as (out, told):
        try:
            status = main(words)
        except SystemExit:  # of argparse
            status = 2
    text = out.getvalue()
    if status >= 2 or not text:
        lines = told.getvalue().strip().splitlines()
        raise ToolError(lines[-1].removeprefix("curator: ") if lines else "the command refused")
    return orjson.loads(text)


@contextmanager
def _captured() -> Any:
    """What is printed meanwhile goes into memory: the real stdout carries the protocol."""
    out, told = io.BytesIO(), io.StringIO()
    stream = io.TextIOWrapper(out, "utf-8", write_through=True)
    before, sys.stdin = sys.stdin, io.TextIOWrapper(io.BytesIO(), "utf-8")
    try:
        with redirect_stdout(stream), redirect_stderr(told):
            yield out, told
    finally:
        sys.stdin = before
        stream.flush()
        stream.detach()


def _paths(box: Toolbox, path: str, arguments: dict[str, Any]) -> Any:
    return {"paths": box._paths}


def _schema(box: Toolbox, path: str, arguments: dict[str, Any]) -> Any:
    command = arguments.get("command")
    return _ask(["schema", "--json", *(["--", command] if command else [])])


def _check(box: Toolbox, path: str, arguments: dict[str, Any]) -> Any:
    answer = _ask(_words("check", path, arguments))
    for each in answer["files"]:
        problems = each.get("problems", [])
        each["problems"], each["more_problems"] = problems[:MOST_PROBLEMS], max(0, len(problems) - MOST_PROBLEMS)
    return answer


def _list(box: Toolbox, path: str, arguments: dict[str, Any]) -> Any:
    limit = min(max(arguments.get("limit", 50), 0), MOST_LISTED)
    return _ask(_words("list", path, {**arguments, "limit": limit}))


def _propose(box: Toolbox, path: str, arguments: dict[str, Any]) -> Any:
    from pathlib import Path  # heavy from here on

    from curator.workspace.opening import open_workspace
    from curator.workspace.operations.propose import Proposing, propose_and_answer
    from curator.workspace.storage.folder import is_workspace

    if not is_workspace(Path(path)):
        raise ToolError(f"{path} is no workspace: proposals wait in one")
    operation = dict(arguments["operation"])
    if "why" in arguments:
        operation["why"] = arguments["why"]
    with _captured(), open_workspace(path, read_only=True) as workspace:
        workspace.current_results.alone = not workspace.current_results.finished
        with Proposing(workspace, box.by) as proposing:
            return propose_and_answer(proposing, operation)


_HANDLERS: dict[str, Callable[[Toolbox, str, dict[str, Any]], Any]] = {
    "paths": _paths,
    "schema": _schema,
    "check": _check,
    "list": _list,
    "propose": _propose,
}

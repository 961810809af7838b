"""`curator apply`: apply edit operations, one JSON object a line; each is answered after it is saved to disk."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from curator.cli import output
from curator.errors import CuratorError, InputError, UsageError

if TYPE_CHECKING:
    from curator.workspace.operations.propose import Proposing
    from curator.workspace.workspace import Workspace

EXAMPLE = """echo '{"op": "label", "filter": "is:error", "label": "fix me"}' | curator apply data.curator"""
_SOMEBODY = "a program"
"""Who proposes where `--by` names nobody."""
_WAIT = 5.0
"""Seconds to wait for another writer to close the workspace."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("workspace", metavar="WORKSPACE", help="a workspace (NAME.curator)")
    parser.add_argument("ops", nargs="?", default="-", metavar="OPS", help="a file of operations; default: stdin")
    parser.add_argument(
        "--propose", action="store_true", help="change nothing: keep the operations until somebody accepts them"
    )
    parser.add_argument("--by", default="", metavar="NAME", help="who proposes, e.g. the name of a model")


def run(args: argparse.Namespace) -> int:
    """Apply or propose the operations line by line; exit status 1 if any was refused."""
    from curator.workspace.opening import open_workspace  # heavy
    from curator.workspace.storage.folder import is_workspace

    if not is_workspace(Path(args.workspace)):
        raise InputError(f"{args.workspace} is no workspace; make one with `curator import FILE -w NAME.curator`")
    if args.propose and args.dry_run:
        raise UsageError("a proposal changes nothing: leave out --dry-run or --propose")
    if args.by and not args.propose:
        raise UsageError("--by names who proposes: it goes with --propose")
    # proposals wait in a file of their own, so that they can be made while a window holds the workspace
    with (
        open_workspace(args.workspace, read_only=args.propose or args.dry_run, wait=_WAIT) as workspace,
        ExitStack() as stack,
    ):
        if args.dry_run and not args.propose:
            from curator.workspace.operations.trial import trial_of  # heavy

            workspace.current_results.alone = not workspace.current_results.finished
            stack.enter_context(workspace.guard)
            workspace = stack.enter_context(trial_of(workspace))
        answer_line = partial(_apply_line, workspace)
        if args.propose:
            from curator.workspace.operations.propose import Proposing  # heavy

            workspace.current_results.alone = not workspace.current_results.finished
            answer_line = partial(_propose_line, stack.enter_context(Proposing(workspace, args.by or _SOMEBODY)))
        elif not args.dry_run:
            workspace.require_writer()
        refused = 0
        for line in _lines(args.ops):
            if not line.strip():
                continue
            answer = answer_line(line)
            refused += not answer["ok"]
            if args.dry_run:
                answer["dry_run"] = True
            output.emit(answer)
    return 1 if refused else 0


def _lines(name: str) -> Iterator[bytes]:
    if name == "-":
        yield from sys.stdin.buffer
        return
    try:
        with Path(name).open("rb") as file:
            yield from file
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or error}") from error


def _apply_line(workspace: Workspace, line: bytes) -> dict[str, Any]:
    """Apply the operation in a line and return the answer to print; a refused operation changes nothing."""
    from curator.workspace.operations.perform import perform  # heavy
    from curator.workspace.operations.propose import held_out_keys

    try:
        op = _decoded(line)
        change = perform(workspace, op)
    except CuratorError as error:
        return {"ok": False, "error": error.message}
    if change is None:
        return {"ok": False, "error": f"nothing to {op['op']}"}
    answer: dict[str, Any] = {"ok": True, "revision": change.id, "examples": change.examples}
    if op["op"] == "add":
        answer["id"] = change.ids[0]
    return answer | held_out_keys(change.twins, change.parted, change.examples)


def _propose_line(proposing: Proposing, line: bytes) -> dict[str, Any]:
    """Keep the operation in a line as a proposal and return the answer to print; a refused one is kept nowhere."""
    from curator.workspace.operations.propose import propose_and_answer  # heavy

    try:
        return propose_and_answer(proposing, _decoded(line))
    except CuratorError as error:
        return {"ok": False, "error": error.message}


def _decoded(line: bytes) -> dict[str, Any]:
    """The operation in a line. Raises UsageError where it is no JSON object."""
    try:
        op = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"not JSON: {error}") from None
    if not isinstance(op, dict):
        raise UsageError("an operation is a JSON object")
    return op

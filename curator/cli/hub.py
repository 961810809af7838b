"""`curator hub`: fetch data sets and adapters from a hub such as Hugging Face's, and send them there."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from curator.cli import hub_push
from curator.cli.output import emit, out, say, styled, would
from curator.core.text import count_of, one_line

EXAMPLE = "curator hub pull me/data -o data"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="pull | push", required=True)
    pull = actions.add_parser("pull", help="fetch the files of a data set, or of an adapter, into a folder")
    pull.add_argument("repo", metavar="OWNER/NAME", help="its name at the hub")
    pull.add_argument("-o", "--out", required=True, metavar="DIR", help="the folder for its files")
    pull.add_argument("--adapter", action="store_true", help="it is a model's PEFT adapter, not a data set")
    pull.add_argument("--revision", metavar="R", help="a branch, tag or commit (default: the newest)")
    pull.add_argument("--replace", action="store_true", help="replace files of these names that are there")
    push = actions.add_parser("push", help="send a data set, or a tuned model's adapter")
    hub_push.configure(push)
    for action in (pull, push):
        action.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        action.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    """Run the action."""
    return _pull(args) if args.action == "pull" else hub_push.run(args)


def _pull(args: argparse.Namespace) -> int:
    """Fetch the files and say what can be done with them."""
    from curator.jobs.hub.hub import Hub, require_name  # heavy
    from curator.jobs.hub.pull import choose_files, fetch, require_free

    name = require_name(args.repo)
    hub, target = Hub(), Path(args.out)
    repository = hub.look(name, "model" if args.adapter else "dataset", args.revision)
    files = choose_files(repository)
    require_free(files, target, args.replace)
    size = sum(file.bytes for file in files)
    facts = {
        "repo": name, "commit": repository.commit, "private": repository.private,
        "path": str(target), "bytes": size,
        "files": [{"name": file.name, "bytes": file.bytes} for file in files],
        "left": len(repository.files) - len(files),
    }  # fmt: skip
    if not args.json:
        for file in files:
            out(f"{file.bytes:>14,}  {styled(file.name, '1')}")
    if args.dry_run:
        return would(
            f"fetch {count_of(len(files), 'file')}, {count_of(size, 'byte')}, into {target}", args.json, **facts
        )
    paths = fetch(hub, repository, files, target, _progress)
    if args.json:
        emit(facts)
    else:
        say(f"{count_of(len(paths), 'file')} of {name} at {repository.commit[:12]} are in {target}")
        say(_next_step(paths, args.adapter))
    return 0


def _next_step(paths: list[Path], adapter: bool) -> str:
    """What can be done with the files, in a sentence."""
    if adapter:
        return "The README of the adapter names its base; PEFT and vLLM load the folder as it is."
    data = next(path for path in paths if path.name != "README.md")
    return f"curator import {one_line(str(data))} -w NAME.curator adds a file to a workspace"


def _progress(name: str, done: int, total: int) -> None:
    """Show on a terminal how many bytes are here."""
    if sys.stderr.isatty():
        line = f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB  {one_line(name, 40)}" if name else ""
        sys.stderr.write("\r" + line[: shutil.get_terminal_size().columns - 1] + "\x1b[K")
        sys.stderr.flush()

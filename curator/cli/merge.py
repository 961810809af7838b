"""`curator merge`: take over what somebody else judged of the same examples, and tell how far both agree."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from curator.cli import output
from curator.core.text import count_of, one_line
from curator.errors import InputError

if TYPE_CHECKING:
    from curator.workspace.exchange.merge_marks import Merge

EXAMPLE = "curator merge theirs.curator -w mine.curator --name alex"
_WAIT = 5.0
"""Seconds to wait for another writer to close the workspace."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("other", metavar="OTHER.curator", help="the workspace of somebody else; only read")
    parser.add_argument(
        "-w", "--workspace", required=True, metavar="WORKSPACE", help="the workspace to merge into"
    )
    parser.add_argument("--name", metavar="NAME", help="whose judgements they are; by default OTHER")
    parser.add_argument(
        "--take",
        choices=("mine", "theirs"),
        help="decide every disagreement for this side at once; by default they wait for the queue in the UI",
    )


def run(args: argparse.Namespace) -> int:
    """Compare, take over, and print the agreement; exit status 1 where something waits to be decided."""
    from curator.workspace.exchange.disagreements import decide, name_of_user  # heavy
    from curator.workspace.exchange.merge_marks import as_dict, commit_merge, find_merge
    from curator.workspace.opening import open_workspace
    from curator.workspace.storage.folder import is_workspace

    for path in (args.other, args.workspace):
        if not is_workspace(Path(path)):
            raise InputError(f"{path} is no workspace; `curator import FILE -w NAME.curator` makes one")
    by = args.name or one_line(Path(args.other).resolve().stem, 100)
    with (
        open_workspace(args.workspace, read_only=args.dry_run, wait=_WAIT) as here,
        open_workspace(args.other, read_only=True) as there,
    ):
        if not args.dry_run:
            here.require_writer()
        merge = find_merge(here, there, by)
        if not args.dry_run and merge.parts:
            commit_merge(here, merge)
            if args.take and merge.disagreements:
                decide(here, [(each, args.take) for each in merge.disagreements], name_of_user())
        revision = here.revision()
    decided = bool(args.take) and not args.dry_run
    if args.json:
        output.emit({**as_dict(merge), "decided": args.take if decided else None, "revision": revision,
                     "dry_run": args.dry_run})  # fmt: skip
    else:
        _print(merge, args, decided)
    return 1 if merge.disagreements and not decided else 0


def _print(merge: Merge, args: argparse.Namespace, decided: bool) -> None:
    who = output.styled(one_line(merge.by, 60), "1")
    output.out(
        f"{who}: {count_of(merge.same)} the same, {merge.only_here:,} only here, {merge.only_there:,} only there"
    )
    for what, agreement in merge.agreement.items():
        output.out(f"  {output.styled(one_line(what.replace(':', ' ', 1), 40), '1')}: {agreement.words}")
    if not merge.agreement:
        output.out("  nothing was judged by both")
    verb = "would get" if args.dry_run else "got"
    output.out(f"{count_of(merge.taken)} {verb} judgements that they had not")
    if merge.disagreements and decided:
        output.out(
            f"{count_of(len(merge.disagreements), 'disagreement was', 'disagreements were')} "
            f"decided for {args.take}"
        )
    elif merge.disagreements:
        rest = "would wait" if args.dry_run else "wait: Disagreements in the palette of the UI, or --take"
        output.out(f"{count_of(len(merge.disagreements), 'disagreement')} {rest}")
    _say_rest(merge)


def _say_rest(merge: Merge) -> None:
    """Say what neither was taken nor waits now."""
    if merge.known:
        output.say(f"{count_of(merge.known, 'known difference')}: waiting already, or decided")
    if merge.refused:
        output.say(
            f"left out: {count_of(merge.refused, 'judgement')} of "
            f"{one_line(merge.by, 60)}, none that Curator writes"
        )

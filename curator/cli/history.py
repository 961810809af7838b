"""`curator history`: the changes, runs and rounds of a workspace, or what differs between two revisions."""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli import output, round_options
from curator.core.text import one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.workspace.records import Change
    from curator.workspace.versions import RevisionDifference
    from curator.workspace.workspace import Workspace

EXAMPLE = "curator history data.curator --diff 3..12"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("workspace", metavar="WORKSPACE", help="a workspace (NAME.curator)")
    parser.add_argument(
        "--diff", metavar="REV..REV", help="compare two revisions; an empty one is the first or last"
    )
    parser.add_argument(
        "--rounds",
        metavar="A..B",
        nargs="?",
        const="",
        help="the trainings with what changed before each and what it did to the scores",
    )
    round_options.add_round(parser)
    parser.add_argument("--limit", type=output.count, metavar="N", help="the latest N changes only")


def run(args: argparse.Namespace) -> int:
    """Print changes and runs, oldest first; with --diff the difference."""
    from curator.workspace.opening import open_workspace  # heavy
    from curator.workspace.storage.folder import folder_for, is_workspace
    from curator.workspace.versions import difference

    path = Path(args.workspace)
    if not is_workspace(path):
        own = folder_for(path) if path.is_file() else path
        more = f"its workspace is {own}" if own != path and own.is_dir() else "`curator list` shows a file"
        raise InputError(f"{path} is no workspace; {more}")
    if round_options.are_asked_for(args):
        return round_options.run(args, path)
    with open_workspace(path, read_only=True) as workspace:
        changes = workspace.history(args.limit or 2**31, undos=True)[::-1]
        runs = _runs(path)
        changed = difference(workspace, *_revisions(args.diff, workspace.revision())) if args.diff else None
        if changed is not None and not args.json:
            _print_difference(changed, workspace)
    if args.json:
        report: dict[str, Any] = {"changes": [_as_dict(c) for c in changes], "runs": runs}
        report |= {"added": [], "removed": [], "edited": []} if changed is None else changed.as_dict()
        output.emit(report)
    elif changed is None:
        _print(changes, runs)
    return 0


def _runs(path: Path) -> list[dict[str, Any]]:
    if not (path / "runs.db").is_file():
        return []
    from curator.jobs.ledger.find_runs import run_json  # heavy
    from curator.jobs.ledger.ledger import Ledger

    with Ledger.for_path(path) as ledger:
        return [run_json(run, ledger) for run in ledger.runs()]


def _revisions(text: str, last: int) -> tuple[int, int]:
    match = re.fullmatch(r"(\d*)\.\.(\d*)", text)
    if match is None:
        raise UsageError(f"'{one_line(text)}' is no range of revisions: write FROM..TO, e.g. 3..12")
    old, new = int(match[1] or 0), int(match[2] or last)
    if max(old, new) > last:
        raise UsageError(f"there is no revision {max(old, new)}; the latest is {last}")
    return old, new


def _as_dict(change: Change) -> dict[str, Any]:
    return {
        "revision": change.id, "kind": change.kind, "label": change.label, "examples": change.examples,
        "ids": change.ids, "created_at": _when(change), "undone": change.undone, "reverts": change.reverts,
    }  # fmt: skip


def _when(change: Change) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(change.created_at))


def _print(changes: list[Change], runs: list[dict[str, Any]]) -> None:
    for change in changes:
        undone = " (undone)" if change.undone else ""
        output.out(f"{change.id:>6}  {_when(change)}  {output.styled(one_line(change.label, 100), '0')}{undone}")
    for run in runs:
        words = f"run {run['run']}: {run['model']} on {run['provider']}, {run['status']}"
        output.out(output.styled(one_line(words, 120), "0"))
    output.say(f"{_count_words(len(changes), 'change')}, {_count_words(len(runs), 'run')}")


def _count_words(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _print_difference(difference: RevisionDifference, workspace: Workspace) -> None:
    """One line an example: what it says; of an edited one what it said and what it says."""
    added, removed, edited = difference.added, difference.removed, difference.edited
    for sign, ids, code in (("+", added, "32"), ("-", removed, "31"), ("~", edited, "33")):
        for example in ids:
            words = _words_of(workspace, example, sign, difference)
            output.out(f"{output.styled(f'{sign} {example}', code)}  {output.styled(words, '0')}")
    counts = f"{len(added):,} added, {len(removed):,} removed, {len(edited):,} edited"
    output.say(f"revision {difference.old} to {difference.new}: {counts}")


def _words_of(workspace: Workspace, example: int, sign: str, difference: RevisionDifference) -> str:
    from curator.core.duplicates.question import question_and_answer  # heavy
    from curator.workspace.versions import raw_at

    revisions = {"+": (difference.new,), "-": (difference.old,)}.get(sign, (difference.old, difference.new))
    texts = [question_and_answer(raw_at(workspace, example, revision)) for revision in revisions]
    (question, answer), (after, new_answer) = texts[0], texts[-1]
    before = f"{one_line(question, 60)} → {one_line(answer, 40)}"
    if len(texts) == 1 or texts[0] == texts[1]:
        return before if len(texts) == 1 else f"{before} (other parts differ)"
    changed = [one_line(new_answer, 40)] if after == question else [one_line(after, 60), one_line(new_answer, 40)]
    return f"{before}  ⇒  {' → '.join(changed)}"

"""`curator history`: the changes, runs and rounds of a workspace, or what differs between two revisions."""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli import output
from curator.core.text import one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.jobs.runs.rounds import Round
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
    parser.add_argument("--limit", type=output.count, metavar="N", help="the latest N changes only")


def run(args: argparse.Namespace) -> int:
    """Print changes and runs, oldest first; with --diff the difference."""
    from curator.workspace.opening import open_workspace  # heavy
    from curator.workspace.storage.folder import is_workspace
    from curator.workspace.versions import difference

    path = Path(args.workspace)
    if not is_workspace(path):
        raise InputError(f"{path} is no workspace; `curator list` shows a file")
    with open_workspace(path, read_only=True) as workspace:
        changes = workspace.history(args.limit or 2**31, undos=True)[::-1]
        runs = _runs(path)
        changed = difference(workspace, *_revisions(args.diff, workspace.revision())) if args.diff else None
        rounds = _rounds(path, workspace, args.rounds) if args.rounds is not None else []
    if args.rounds is not None:
        _print_rounds(rounds, args.json)
        return 0
    if args.json:
        report: dict[str, Any] = {"changes": [_as_dict(c) for c in changes], "runs": runs}
        report |= {"added": [], "removed": [], "edited": []} if changed is None else changed.as_dict()
        output.emit(report)
    elif changed is not None:
        _print_difference(changed)
    else:
        _print(changes, runs)
    return 0


def _rounds(path: Path, workspace: Workspace, limits: str) -> list[Round]:
    """The rounds that were asked for, oldest first."""
    from curator.core.answers.contract import Contract  # heavy
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.runs.rounds import list_rounds, rounds_in_range
    from curator.workspace.versions import difference

    if not (path / "runs.db").is_file():
        return rounds_in_range([], limits)
    stored = workspace.meta("contract")
    contract = Contract.from_json(stored) if isinstance(stored, dict) else None
    with Ledger.for_path(path) as ledger:
        all_rounds = list_rounds(
            ledger, lambda old, new: difference(workspace, old, new), contract, workspace.also_right()
        )
    return rounds_in_range(all_rounds, limits)


def _print_rounds(rounds: list[Round], as_json: bool) -> None:
    if as_json:
        output.emit({"rounds": [each.to_json() for each in rounds]})
        return
    for each in rounds:
        run, changes = each.run, each.difference
        words = f"round {each.number}: {run.fine_tuned_model or run.model} on {run.provider}, {run.status}"
        output.out(output.styled(one_line(words, 120), "1"))
        if changes is not None:
            counts = f"+{len(changes.added):,} −{len(changes.removed):,} ~{len(changes.edited):,} examples"
            settings = f"; other {', '.join(each.settings_changed)}" if each.settings_changed else ""
            output.out(f"  {counts}{settings}")
        _print_scores(each)
        if each.prompts_compared:
            flips = f"{len(each.fixed)} fixed, {len(each.broken)} broken"
            output.out(f"  {flips} of {each.prompts_compared:,} prompts that both rounds answered")
        if each.both_changed:
            output.out("  Data and settings changed together: either may have made the difference.")
    output.say(_count_words(len(rounds), "round"))


def _print_scores(each: Round) -> None:
    for name, score in each.scores.items():
        delta = each.delta.get(name)
        against = f"   {delta.value:+.3f} ({delta.low:+.3f} to {delta.high:+.3f})" if delta else ""
        output.out(f"  {name:<12} {score.value:8.3f}   95 % from {score.low:.3f} to {score.high:.3f}{against}")


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


def _print_difference(difference: RevisionDifference) -> None:
    added, removed, edited = difference.added, difference.removed, difference.edited
    for sign, ids, code in (("+", added, "32"), ("-", removed, "31"), ("~", edited, "33")):
        for example in ids:
            output.out(output.styled(f"{sign} {example}", code))
    counts = f"{len(added):,} added, {len(removed):,} removed, {len(edited):,} edited"
    output.say(f"revision {difference.old} to {difference.new}: {counts}")

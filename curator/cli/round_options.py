"""The rounds of `curator history`: list them, tell one, write its files, note it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli import output
from curator.core.text import one_line
from curator.errors import UsageError

if TYPE_CHECKING:
    from curator.jobs.ledger.ledger import Ledger
    from curator.jobs.rounds.explaining import Reason
    from curator.jobs.rounds.rounds import Round
    from curator.workspace.workspace import Workspace

FILES = ("data", "validation", "run-card", "model-card", "dataset-card")


def add_round(parser: argparse.ArgumentParser) -> None:
    """Add the arguments about one round."""
    parser.add_argument(
        "--round", type=output.count, metavar="N", help="tell one round, with what explains its flips"
    )
    parser.add_argument("--against", type=output.count, metavar="M", help="tell it against round M")
    parser.add_argument("--write", choices=FILES, help="write a file about the round, to --output")
    parser.add_argument("-o", "--output", metavar="FILE", help="the file that --write writes")
    parser.add_argument("--note", metavar="TEXT", help="keep a note about the round; empty takes it away")
    parser.add_argument("--tag", metavar="TAG", action="append", help="tag the round; may be given more than once")


def are_asked_for(args: argparse.Namespace) -> bool:
    """Whether the command line is about rounds at all."""
    about_one = args.round, args.against, args.write, args.output, args.note, args.tag
    return args.rounds is not None or any(value is not None for value in about_one)


def run(args: argparse.Namespace, path: Path) -> int:
    """List rounds, or do what was asked with one. Raises UsageError and CuratorError."""
    from curator.jobs.ledger.ledger import Ledger  # heavy
    from curator.jobs.rounds import rounds
    from curator.workspace.opening import open_workspace

    _refuse_half_wishes(args)
    with open_workspace(path, read_only=True) as workspace:
        if not (path / "runs.db").is_file():
            all_rounds = rounds.rounds_in_range([], args.rounds or "")
            if args.round is not None:
                raise UsageError("there is no round yet; `curator train` makes the first")
            return _list_rounds(all_rounds, args.json)
        with Ledger.for_path(path) as ledger:
            all_rounds = rounds.list_rounds(ledger, rounds.Basis.of(workspace))
            if args.round is None:
                return _list_rounds(rounds.rounds_in_range(all_rounds, args.rounds), args.json)
            each = _find(all_rounds, args.round)
            if args.against is not None:
                each = rounds.between(_find(all_rounds, args.against), each, ledger, rounds.Basis.of(workspace))
            return _tell(args, each, ledger, workspace)


def _refuse_half_wishes(args: argparse.Namespace) -> None:
    """Raise UsageError for options that need another one."""
    if args.round is None and (args.write or args.note is not None or args.tag or args.against):
        raise UsageError("--write, --note, --tag and --against need --round N")
    if bool(args.write) != bool(args.output):
        raise UsageError("--write KIND and --output FILE go together")
    if args.against is not None and args.against >= args.round:
        raise UsageError("--against takes an earlier round")


def _find(all_rounds: list[Round], number: int) -> Round:
    if not 1 <= number <= len(all_rounds):
        raise UsageError(f"there is no round {number}: the rounds are 1 to {len(all_rounds)}")
    return all_rounds[number - 1]


def _tell(args: argparse.Namespace, each: Round, ledger: Ledger, workspace: Workspace) -> int:
    """Do what was asked with one round, then print it."""
    if args.note is not None or args.tag:
        from curator.jobs.ledger.remarks import make_remark  # heavy

        note = each.remark.note if args.note is None else args.note
        tags = " ".join(args.tag) if args.tag else " ".join(each.remark.tags)
        each = replace(each, remark=make_remark(note, tags))
        if not args.dry_run:
            ledger.set_remark(each.run.run, each.remark)
    if args.write:
        _write(args, each, ledger, workspace)
    reasons = _explain(each, workspace)
    if args.json:
        tried = {"dry_run": True} if args.dry_run else {}
        output.emit(each.to_json() | {"explained": _explained_json(each, reasons)} | tried)
        return 0
    _print_round(each)
    _print_flips(each, reasons)
    return 0


def _print_flips(each: Round, reasons: list[list[Reason]]) -> None:
    """The fixed and broken prompts, each with what explains it."""
    for flip, sign, explained in zip((*each.fixed, *each.broken), _signs(each), reasons, strict=True):
        words = f"{one_line(flip.prompt.text, 48)}: {one_line(flip.before, 24)} → {one_line(flip.after, 24)}"
        output.out(output.styled(f"  {sign} {flip.prompt.line}: {words}", "32" if sign == "+" else "31"))
        for reason in explained:
            output.out(f"      {reason.changed.id} {reason.words}: {one_line(reason.changed.prompt, 40)}")


def _signs(each: Round) -> str:
    return "+" * len(each.fixed) + "-" * len(each.broken)


def _write(args: argparse.Namespace, each: Round, ledger: Ledger, workspace: Workspace) -> None:
    from curator.jobs.rounds.files import write_about  # heavy
    from curator.jobs.rounds.rounds import Basis
    from curator.jobs.side_effects.of_a_run import known_words

    effects = known_words(each.run, each.model, ledger, Basis.of(workspace).contract)
    name, reviewed = workspace.source_name, workspace.counts().reviewed
    target = Path(args.output)
    words = write_about(args.write, each, ledger, target, name=name, reviewed=reviewed, side_effects=effects)
    output.say(("this would be written: " if args.dry_run else "") + one_line(words))


def _explain(each: Round, workspace: Workspace) -> list[list[Reason]]:
    """What explains each fixed and each broken prompt."""
    from curator.jobs.rounds import explaining  # heavy

    flips = (*each.fixed, *each.broken)
    if each.difference is None or not flips:
        return [[] for _ in flips]
    changed = explaining.read_changed(workspace, each.difference)
    return explaining.reasons(flips, changed)


def _explained_json(each: Round, reasons: list[list[Reason]]) -> list[dict[str, Any]]:
    flips = zip((*each.fixed, *each.broken), reasons, strict=True)
    return [
        {
            "id": flip.prompt.line,
            "prompt": flip.prompt.text,
            "expected": flip.prompt.expected,
            "before": flip.before,
            "after": flip.after,
            "because": [{"id": reason.changed.id, "words": reason.words} for reason in explained],
        }
        for flip, explained in flips
    ]


def _list_rounds(all_rounds: list[Round], as_json: bool) -> int:
    if as_json:
        output.emit({"rounds": [each.to_json() for each in all_rounds]})
        return 0
    for each in all_rounds:
        _print_round(each)
    output.say(f"{len(all_rounds):,} round{'s' * (len(all_rounds) != 1)}")
    return 0


def _print_round(each: Round) -> None:
    from curator.core.answers.misses import KIND_WORDS  # heavy
    from curator.core.scores.metrics import difference_words

    run, changes = each.run, each.difference
    words = f"round {each.number}: {run.fine_tuned_model or run.model} on {run.provider}, {run.status}"
    output.out(output.styled(one_line(words, 120), "1"))
    if each.remark.note or each.remark.tags:
        tags = " ".join(f"#{tag}" for tag in each.remark.tags)
        output.out(f"  {one_line(f'{tags} {each.remark.note}'.strip(), 200)}")
    if changes is not None:
        counts = f"+{len(changes.added):,} −{len(changes.removed):,} ~{len(changes.edited):,} examples"
        settings = f"; other {', '.join(each.settings_changed)}" if each.settings_changed else ""
        output.out(f"  {counts}{settings}")
    _print_scores(each)
    if each.prompts_compared:
        flips = difference_words(len(each.fixed), len(each.broken))
        compared = f"since round {each.against}, on {each.prompts_compared:,} prompts that both rounds answered"
        output.out(f"  {flips}; {compared}")
    if each.misses:
        counts = ", ".join(f"{count} {KIND_WORDS[kind]}" for kind, count in each.misses.items())
        output.out(f"  misses: {counts}")
    if each.flattery is not None:
        output.out(f"  {each.flattery.words}")
    if each.both_changed:
        output.out("  Data and settings changed together: either may have made the difference.")


def _print_scores(each: Round) -> None:
    for name, score in each.scores.items():
        delta = each.delta.get(name)
        against = f"   {delta.value:+.3f} ({delta.low:+.3f} to {delta.high:+.3f})" if delta else ""
        output.out(f"  {name:<12} {score.value:8.3f}   95 % from {score.low:.3f} to {score.high:.3f}{against}")

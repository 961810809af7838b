"""`curator diff`: what differs between two datasets; of one alone its examples as text, for git's textconv."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from curator.cli import output
from curator.core.text import count_of, one_line

if TYPE_CHECKING:
    from curator.workspace.exchange.compare_datasets import DatasetDifference

EXAMPLE = "curator diff old.jsonl new.jsonl"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="A", help="a dataset file or a workspace")
    parser.add_argument("other", nargs="?", metavar="B", help="what it is compared with; without it A is printed")
    parser.add_argument(
        "--limit", type=output.count, default=100, metavar="N", help="most differences of each kind (100)"
    )


def run(args: argparse.Namespace) -> int:
    """Print the differences; exit status 1 where there are any. Or print one dataset as text."""
    from curator.workspace.exchange.compare_datasets import compare, text_lines  # heavy
    from curator.workspace.opening import open_for_reading

    with open_for_reading(args.path) as first:
        if args.other is None:
            lines = text_lines(first)
            if args.json:
                output.emit({"lines": list(lines)})
            else:
                for line in lines:
                    output.out(output.styled(line, "0"))
            return 0
        with open_for_reading(args.other) as second:
            difference = compare(first, second)
    if args.json:
        output.emit(_as_dict(difference))
    else:
        _print(difference, args.limit)
    return 1 if difference.differs else 0


def _as_dict(difference: DatasetDifference) -> dict[str, Any]:
    sides = {
        name: [{"number": number, "text": text} for number, text in side]
        for name, side in (("removed", difference.removed), ("added", difference.added))
    }
    return {**sides, "marks": [each._asdict() for each in difference.marks], "equal": difference.equal}


def _print(difference: DatasetDifference, limit: int) -> None:
    for sign, side, code in (("-", difference.removed, "31"), ("+", difference.added, "32")):
        for number, text in side[:limit]:
            output.out(output.styled(one_line(f"{sign} {number}: {text}", 300), code))
        if len(side) > limit:
            output.out(f"  … and {len(side) - limit:,} more")
    for each in difference.marks[:limit]:
        words = f"~ {each.example} {each.what}: {each.before} → {each.after}"
        output.out(output.styled(one_line(words, 200), "33"))
    if len(difference.marks) > limit:
        output.out(f"  … and {len(difference.marks) - limit:,} more")
    counts = f"{len(difference.removed):,} only in the first, {len(difference.added):,} only in the second"
    output.say(
        f"{count_of(difference.equal)} are the same, {counts}, "
        f"{count_of(len(difference.marks), 'judgement')} differ"
    )

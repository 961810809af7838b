"""`curator split`: write train.jsonl, validation.jsonl and test.jsonl, no copy of an example on two sides."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli import output
from curator.core.text import count_of, one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.workspace.any_dataset import Examples
    from curator.workspace.duplicates.three_sides import ThreeSides

EXAMPLE = "curator split data.jsonl -d out --validation 0.1 --seed 7"
SIDES = ("train", "validation", "test")
_SHOWN = 8


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="a dataset file or a workspace")
    parser.add_argument("-d", "--directory", metavar="DIR", required=True, help="folder for the files")
    parser.add_argument(
        "--validation", type=float, default=0.1, metavar="N", help="a share below 1 or a count (default 0.1)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="the same seed gives the same split (default 0)"
    )
    parser.add_argument(
        "--stratify",
        metavar="FIELD",
        help="give all files equal shares of each `answer`, or of a field such as metadata.topic",
    )
    parser.add_argument(
        "--test",
        metavar="N|FILE",
        help="the size of test.jsonl, or a test file whose lines with a copy in train.jsonl are reported",
    )


def run(args: argparse.Namespace) -> int:
    """Divide the examples and write the files; the input stays as it is."""
    from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD  # heavy
    from curator.workspace.any_dataset import open_examples
    from curator.workspace.duplicates.split import find_copied_lines
    from curator.workspace.duplicates.three_sides import divide_in_three

    folder, share = Path(args.directory), _share(args.test)
    names = ("train", "validation", "test") if share else ("train", "validation")
    paths = {side: folder / f"{side}.jsonl" for side in names}
    if Path(args.path).resolve() in {path.resolve() for path in paths.values()}:
        raise UsageError(f"{args.path} would be overwritten; name another folder with -d")
    with open_examples(args.path, to_train=True) as source:
        raws = source.read_all()
        split = divide_in_three(raws, args.validation, share or 0, args.seed, stratify=args.stratify)
        trained = {example: raws[example] for example in split.train}
        copied: list[tuple[int, int]] = []
        if args.test and share is None:
            with open_examples(args.test) as test_lines:
                copied = find_copied_lines(test_lines, trained, DEFAULT_THRESHOLD)
        _write(paths, split, source)
        noun = source.noun
    report = _report(args, paths, split, copied) | {"rejected": source.left_out}
    if args.json:
        output.emit(report)
    else:
        _print(args, report, split, [f"  line {line} is a copy of {noun} {own}" for line, own in copied])
    return 0


def _share(text: str | None) -> float | None:
    """The size of the test side in `--test`; None where it names a file. Raises UsageError for a bad size."""
    try:
        share = float(text) if text else None
    except ValueError:
        return None
    if share is not None and not 0 < share < float("inf"):
        raise UsageError(f"--test is a share below 1, a count or a file, not {text}")
    return share


def _report(
    args: argparse.Namespace, paths: dict[str, Path], split: ThreeSides, copied: list[tuple[int, int]]
) -> dict[str, Any]:
    """The result as one JSON object; `copied`: (line of the test file, number of the training example)."""
    report: dict[str, Any] = {
        side: {"path": str(path), "examples": len(getattr(split, side))} for side, path in paths.items()
    }
    report |= {"leaks": split.leaks, "seed": split.seed, "reasons": list(split.reasons)}
    if args.test and "test" not in paths:
        report["test"] = {"path": args.test, "leaks": [{"line": line, "train": own} for line, own in copied]}
    return report


def _print(args: argparse.Namespace, report: dict[str, Any], split: ThreeSides, copies: list[str]) -> None:
    """Print the sizes of the files, the leaks, and a line for each of the first copies of test lines."""
    for side in (side for side in SIDES if "examples" in report.get(side, ())):
        output.out(f"{side:<11}{count_of(report[side]['examples']):>17}  {one_line(report[side]['path'])}")
    output.out(f"leaks      {split.leaks:>8}  (seed {split.seed})")
    if args.test and "leaks" in report["test"]:
        output.out(
            f"test       {len(copies):>8}  of the lines of {one_line(args.test)} with a copy in train.jsonl"
        )
    if report["rejected"]:
        output.out(f"left out   {report['rejected']:>8,}  rejected in review")
    for words in (*copies[:_SHOWN], *(f"  {reason}" for reason in split.reasons)):
        output.out(words)


def _write(paths: dict[str, Path], split: ThreeSides, source: Examples) -> None:
    from curator.atomic import replacing  # heavy

    sides: dict[int, str] = {**split.side_of}
    try:
        paths["train"].parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:  # all files or none: each is replaced when all are written
            files = {side: stack.enter_context(replacing(path)) for side, path in paths.items()}
            for number, raw in source.by_number.items():
                files[sides.get(number, "train")].write(raw + b"\n")
    except OSError as error:
        raise InputError(f"cannot write to {paths['train'].parent}: {error.strerror or error}") from error

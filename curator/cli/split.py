"""`curator split`: write train.jsonl and validation.jsonl, without copies of an example on both sides."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli import output
from curator.core.text import one_line
from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.workspace.any_dataset import Examples

EXAMPLE = "curator split data.jsonl -d out --validation 0.1 --seed 7"
_SHOWN = 8


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="a dataset file or a workspace")
    parser.add_argument("-d", "--directory", metavar="DIR", required=True, help="folder for the two files")
    parser.add_argument(
        "--validation", type=float, default=0.1, metavar="N", help="a share below 1 or a count (default 0.1)"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="S", help="the same seed gives the same split (default 0)"
    )
    parser.add_argument(
        "--stratify",
        metavar="FIELD",
        help="give both files equal shares of each `answer`, or of a field such as metadata.topic",
    )
    parser.add_argument(
        "--test",
        metavar="FILE",
        help="report lines of this test file that have a copy in train.jsonl",
    )


def run(args: argparse.Namespace) -> int:
    """Divide the examples and write both files; the input stays as it is."""
    from curator.core.duplicates.found_duplicates import DEFAULT_THRESHOLD  # heavy
    from curator.workspace.any_dataset import open_examples
    from curator.workspace.duplicates.split import divide, find_copied_lines

    folder = Path(args.directory)
    paths = {side: folder / f"{side}.jsonl" for side in ("train", "validation")}
    if Path(args.path).resolve() in {path.resolve() for path in paths.values()}:
        raise UsageError(f"{args.path} would be overwritten; name another folder with -d")
    with open_examples(args.path) as source:
        raws = source.read_all()
        split = divide(raws, args.validation, args.seed, stratify=args.stratify)
        trained = {example: raws[example] for example in split.train}
        copied: list[tuple[int, int]] = []
        if args.test:
            with open_examples(args.test) as test_lines:
                copied = find_copied_lines(test_lines, trained, DEFAULT_THRESHOLD)
        sides = {"train": split.train, "validation": split.validation}
        _write(paths, sides, source)
        noun = source.noun
    report: dict[str, Any] = {
        side: {"path": str(paths[side]), "examples": len(ids)} for side, ids in sides.items()
    }
    report |= {"leaks": split.leaks, "seed": split.seed, "reasons": list(split.reasons)}
    if args.test:
        report["test"] = {"path": args.test, "leaks": [{"line": line, "train": own} for line, own in copied]}
    if args.json:
        output.emit(report)
        return 0
    for side in sides:
        output.out(f"{side:<11}{report[side]['examples']:>8,} examples  {one_line(report[side]['path'])}")
    output.out(f"leaks      {split.leaks:>8}  (seed {split.seed})")
    if args.test:
        output.out(f"test       {len(copied):>8}  lines of {one_line(args.test)} with a copy in train.jsonl")
    for line, own in copied[:_SHOWN]:
        output.out(f"  line {line} is a copy of {noun} {own}")
    for reason in split.reasons:
        output.out(f"  {reason}")
    return 0


def _write(paths: dict[str, Path], sides: dict[str, tuple[int, ...]], source: Examples) -> None:
    from curator.atomic import replacing  # heavy

    try:
        paths["train"].parent.mkdir(parents=True, exist_ok=True)
        with replacing(paths["train"]) as train, replacing(paths["validation"]) as validation:
            for file, side in ((train, "train"), (validation, "validation")):
                for example in sides[side]:
                    file.write(source.raw(example) + b"\n")
    except OSError as error:
        raise InputError(f"cannot write to {paths['train'].parent}: {error.strerror or error}") from error

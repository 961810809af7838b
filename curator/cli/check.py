"""`curator check`: validate datasets and print their problems."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from curator.cli.contract_options import PROFILE_HELP, add_contract, contract_of, origin_of
from curator.cli.output import encoded, positive, say
from curator.errors import CuratorError, UsageError

if TYPE_CHECKING:
    from curator.workspace.checks.one_pass import Options
    from curator.workspace.checks.verdict import Check

EXAMPLE = "curator check train.jsonl --validation validation.jsonl"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument(
        "paths", nargs="+", metavar="PATH", help="a dataset file, '-' or a workspace (NAME.curator)"
    )
    parser.add_argument("--profile", choices=("openai", "azure", "local"), help=PROFILE_HELP)
    parser.add_argument("--model", default="", help="the model whose tokens, training context and price apply")
    parser.add_argument(
        "--limit", type=positive, metavar="N", help="most tokens of an example that training reads"
    )
    parser.add_argument("--compat", choices=("cookbook", "book"), help="also print the seven classic counts")
    parser.add_argument(
        "--validation", metavar="FILE", help="a validation file; reports examples that are in both"
    )
    add_contract(parser)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only the rules on formats; several times as fast, without tokens and cost",
    )


def run(args: argparse.Namespace) -> int:
    """Check and print; exit status 1 if an error was found, 2 if a path could not be read."""
    from curator.workspace.checks.check import value_lines  # heavy
    from curator.workspace.checks.verdict import Check

    options = _options(args)
    validation: Mapping[int, int] | None = value_lines(args.validation, options) if args.validation else None
    results = _check_all(args.paths, options, args.validation, validation)
    if args.json:
        _emit(results)
    else:
        from curator.cli.report import print_check  # heavy: not needed with --json

        for index, result in enumerate(results):
            if isinstance(result, Check):
                sys.stdout.write("\n\n" if index else "")
                print_check(result)
    if any(isinstance(result, dict) for result in results):
        return 2
    return 1 if any(isinstance(r, Check) and (r.errors or r.damage) for r in results) else 0


def _options(args: argparse.Namespace) -> Options:
    """The options of the check. Raises UsageError for arguments that exclude each other."""
    from curator.workspace.checks.one_pass import Options  # heavy

    if args.quick and (args.compat or args.validation or args.contract or args.pattern):
        raise UsageError("--quick looks at formats alone: leave out --compat, --validation, --contract, --pattern")
    if [*args.paths, args.validation].count("-") > 1:
        raise UsageError("standard input can be read only once: name a file instead of the second '-'")
    return Options(
        profile=args.profile or "openai",
        profile_given=args.profile is not None,
        model=args.model,
        limit=args.limit,
        compat=args.compat,
        contract=contract_of(args),
        contract_origin=origin_of(args),
        quick=args.quick,
        shown_per_rule=None if args.json else 3,
    )


def _check_all(
    paths: Sequence[str], options: Options, validation_path: str | None, validation: Mapping[int, int] | None
) -> list[Check | dict[str, Any]]:
    """The check of each path; of several paths one that cannot be read gives {"path", "error"} instead."""
    from curator.workspace.checks.check import check_file, copied_lines  # heavy

    results: list[Check | dict[str, Any]] = []
    for path in paths:
        try:
            copied = copied_lines(path, validation_path) if validation_path else None
            results.append(check_file(path, options, validation=validation, copied=copied, progress=_progress()))
        except CuratorError as error:
            if len(paths) == 1:
                raise
            say(f"curator: {error.message}")
            results.append({"path": path, "error": error.message})
    return results


def _emit(results: list[Any]) -> None:
    """Print the checks of all files as one JSON object; problems are copied from their file, not into memory."""
    write = sys.stdout.buffer.write
    write(b'{"files":[')
    for index, result in enumerate(results):
        write(b"," if index else b"")
        if isinstance(result, dict):
            write(encoded(result))
            continue
        write(encoded(result.as_dict())[:-1] + b',"problems":[')
        result.findings.rows.write_to(sys.stdout.buffer)
        write(b"]}")
    write(b"]}\n")
    sys.stdout.buffer.flush()


def _progress() -> Any:
    """A function that shows the share of bytes checked on stderr; None without a terminal."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, size: int | None) -> None:
        share = f"{done / size:4.0%}" if size else f"{done >> 20} MB"
        sys.stderr.write(f"\rchecking {share}" + ("\r\x1b[K" if done == size else ""))
        sys.stderr.flush()

    return show

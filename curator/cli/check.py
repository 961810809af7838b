"""`curator check`: validate datasets and print their problems."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from curator.cli.contract_options import PROFILE_HELP, add_contract, contract_of, origin_of
from curator.cli.output import encoded, positive, say, target
from curator.cli.own_rule_options import add_own_rules, own_rule_files
from curator.errors import CuratorError, UsageError

if TYPE_CHECKING:
    from curator.workspace.checks.one_pass import Options
    from curator.workspace.checks.verdict import Check

SHOWN = 3
"""Findings of each rule that are printed."""
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
    parser.add_argument(
        "--baseline", metavar="OLD.json", help="report only what an earlier check (its --json) did not find"
    )
    parser.add_argument("--sarif", type=target, metavar="FILE", help="also write the findings as SARIF 2.1.0")
    add_own_rules(parser)
    parser.add_argument("--html", type=target, metavar="FILE", help="also write the result as one HTML page")


def run(args: argparse.Namespace) -> int:
    """Check and print; exit status 1 if an error was found, 2 if a path could not be read."""
    from curator.workspace.checks.check import value_lines  # heavy
    from curator.workspace.checks.verdict import Check

    options = _options(args)
    validation: Mapping[int, int] | None = value_lines(args.validation, options) if args.validation else None
    results = _check_all(args, options, validation)
    _write_reports(args, results)
    if args.json:
        _emit(results)
    else:
        from curator.cli.report import print_check  # heavy: not needed with --json

        for index, result in enumerate(results):
            if isinstance(result, Check):
                sys.stdout.write("\n\n" if index else "")
                print_check(result, SHOWN)
    if any(isinstance(result, dict) for result in results):
        return 2
    return 1 if any(isinstance(r, Check) and (r.errors or r.damage) for r in results) else 0


def _options(args: argparse.Namespace) -> Options:
    """The options of the check. Raises UsageError for arguments that exclude each other."""
    from curator.workspace.checks.html_report import SHOWN_IN_HTML  # heavy
    from curator.workspace.checks.one_pass import Options

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
        shown_per_rule=SHOWN_IN_HTML if args.html else 0 if args.json else SHOWN,
        rows=bool(args.json or args.baseline or args.sarif),
    )


def _check_all(
    args: argparse.Namespace, options: Options, validation: Mapping[int, int] | None
) -> list[Check | dict[str, Any]]:
    """The check of each path; of several paths one that cannot be read gives {"path", "error"} instead."""
    from curator.workspace.checks.check import check_file, copied_lines  # heavy
    from curator.workspace.checks.known_findings import keep_new, read_baseline

    baseline = read_baseline(args.baseline) if args.baseline else None
    own = () if args.quick else own_rule_files(args.rules)
    results: list[Check | dict[str, Any]] = []
    for path in args.paths:
        try:
            if baseline is not None:
                baseline.known_for(path)  # told before a long check
            copied = copied_lines(path, args.validation) if args.validation else None
            check = check_file(path, options, validation=validation, copied=copied, progress=_progress(), own=own)
            if baseline is not None:
                keep_new(check, baseline)
            results.append(check)
        except CuratorError as error:
            if len(args.paths) == 1:
                raise
            say(f"curator: {error.message}")
            results.append({"path": path, "error": error.message})
    _say_of_counter()
    return results


def _say_of_counter() -> None:
    """Say that tokens were counted the slow way, where the fast counter is not to be trusted."""
    vocabulary = sys.modules.get("curator.core.counting.vocabulary")  # not loaded where nothing was counted
    if vocabulary is not None and vocabulary.mistrusted:
        say(
            "note: the package toktok-rs counts some texts differently from tiktoken, so tiktoken counted, which "
            "is slower: install the version of it that Curator asks for"
        )


def _write_reports(args: argparse.Namespace, results: Sequence[Check | dict[str, Any]]) -> None:
    """Write the files that --sarif and --html ask for."""
    checks = [each for each in results if not isinstance(each, dict)]
    failures = {str(each["path"]): str(each["error"]) for each in results if isinstance(each, dict)}
    if args.sarif:
        from curator.workspace.checks.sarif import write_sarif  # heavy

        write_sarif(Path(args.sarif), checks, failures)
    if args.html:
        from curator.workspace.checks.html_report import write_html  # heavy

        write_html(Path(args.html), checks, failures)


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

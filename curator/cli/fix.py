"""`curator fix`: write a copy of a dataset with the safe fixes applied."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from curator.cli.contract_options import PROFILE_HELP, add_contract, contract_of, origin_of
from curator.cli.output import emit, out, say, styled, target
from curator.cli.own_rule_options import add_own_rules, own_rule_files
from curator.errors import InputError, UsageError

EXAMPLE = "curator fix train.jsonl -o train.fixed.jsonl"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("path", metavar="PATH", help="a dataset file, '-' for standard input, or a workspace")
    parser.add_argument("-o", "--out", type=target, required=True, metavar="OUT", help="the .jsonl file to write")
    parser.add_argument("--rule", action="append", default=[], metavar="R", help="apply only this rule's fix")
    parser.add_argument("--unsafe", action="store_true", help="also apply fixes that may lose something")
    parser.add_argument("--profile", choices=("openai", "azure", "local"), help=PROFILE_HELP)
    add_own_rules(parser)
    add_contract(parser)


def run(args: argparse.Namespace) -> int:
    """Write the repaired copy and print what was fixed; exit status 1 if errors remain."""
    from curator.core.problem import Severity  # heavy
    from curator.core.rules import REGISTRY
    from curator.workspace.checks.one_pass import Options
    from curator.workspace.checks.repair import repair

    _require_fixes(args.rule, args.unsafe)
    options = Options(
        profile=args.profile or "openai",
        profile_given=args.profile is not None,
        contract=contract_of(args),
        contract_origin=origin_of(args),
        tokens=False,
        shown_per_rule=0,
    )
    rules = frozenset(args.rule) or None
    with _target(args) as target:
        own = own_rule_files(args.rules)
        report = repair(args.path, target, options, rules=rules, unsafe=args.unsafe, own=own)
    errors = sum(report.check.errors.values())
    remaining = {**report.check.errors, **report.check.warnings}
    form = report.check.contract_words
    if "answer_outside_contract" in args.rule and form is None:
        say("note: no contract says what answers may look like: name one with --contract FILE or --pattern P")
    if args.json:
        emit({"fixed": report.fixed, "remaining": remaining, "path": str(args.out), "contract": form})
        return 1 if errors else 0
    for rule, count in report.fixed.items():
        out(f"{styled('✓', '32')} {count:>7,}  {rule}: {REGISTRY[rule].fix_text}")
    if not report.fixed:
        out("nothing to fix")
    for rule, count in remaining.items():
        severity = Severity.ERROR if rule in report.check.errors else Severity.WARNING
        out(f"{styled(severity.mark, '31' if severity is Severity.ERROR else '33')} {count:>7,}  {rule} remains")
    if form is not None:
        out(f"answer contract: {form}")
    out(f"{'would be written' if args.dry_run else 'written'}: {styled(str(args.out), '1')}")
    return 1 if errors else 0


@contextmanager
def _target(args: argparse.Namespace) -> Iterator[str]:
    """The file to write; in a dry run one of that name in a temporary folder, if the real one could be written."""
    from curator import atomic  # heavy

    path = Path(args.out)
    if not args.dry_run or (Path(args.path).exists() and path.exists() and path.samefile(args.path)):
        yield args.out
        return
    try:
        with atomic.replacing(path):
            pass
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    with tempfile.TemporaryDirectory(prefix="curator-") as folder, atomic.dry_run(False):
        yield str(Path(folder) / path.name)


def _require_fixes(rules: list[str], unsafe: bool) -> None:
    """Raise UsageError for a rule that does not exist, has no fix, or only an unsafe one without --unsafe."""
    from curator.core.rules import REGISTRY  # heavy

    for rule in rules:
        if rule not in REGISTRY:
            raise UsageError(f"there is no rule '{rule}'; docs/rules.md lists them")
        if REGISTRY[rule].fix is None:
            raise UsageError(f"the rule '{rule}' has no fix")
        if REGISTRY[rule].fix == "unsafe" and not (unsafe or REGISTRY[rule].partly_safe):
            raise UsageError(f"the fix of '{rule}' may lose something: add --unsafe to apply it")

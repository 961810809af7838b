"""The options --contract and --pattern: which answers are allowed; shared by the commands that check answers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from curator.errors import InputError, UsageError

if TYPE_CHECKING:
    from curator.core.answers.contract import Contract


PROFILE_HELP = "whose rules apply (default: those of the workspace, else openai)"


def add_contract(parser: argparse.ArgumentParser) -> None:
    """Add --contract and --pattern."""
    parser.add_argument(
        "--contract", metavar="FILE", help="the allowed answers, one a line, or a JSON list of them"
    )
    parser.add_argument("--pattern", metavar="P", help="a pattern that every answer must match (docs/answers.md)")


def contract_of(args: argparse.Namespace) -> Contract | None:
    """The answer contract of --contract and --pattern; None without them. Raises UsageError or InputError."""
    file, pattern = args.contract, args.pattern
    if file is None and pattern is None:
        return None
    from curator.core.answers.contract import Contract, parse_vocabulary  # heavy

    try:
        words = parse_vocabulary(Path(file).read_text(encoding="utf-8")) if file is not None else None
        return Contract(words, pattern)
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        place = f"{file} is no vocabulary" if file is not None else "--pattern"
        raise UsageError(f"{place}: {error}") from None


def origin_of(args: argparse.Namespace) -> str:
    """Where the contract of the options comes from, in words; "" without them."""
    return " and ".join(filter(None, (args.contract, "--pattern" if args.pattern is not None else "")))

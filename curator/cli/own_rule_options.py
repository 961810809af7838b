"""`--rules`: where own rules are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from curator.errors import UsageError


def add_own_rules(parser: argparse.ArgumentParser) -> None:
    """Add the option to a command's arguments."""
    words = "the folder of your own rules (default: rules in the configuration folder)"
    parser.add_argument("--rules", metavar="DIR", help=words)


def own_rule_files(folder: str | None) -> Sequence[Path]:
    """The files of own rules in a folder, by default in that of the configuration.

    Raises UsageError for a folder that holds none.
    """
    from curator.workspace.own_rules.asking import own_rules_folder  # heavy
    from curator.workspace.own_rules.rule_files import rule_files

    files = rule_files(Path(folder) if folder else own_rules_folder())
    if folder and not files:
        raise UsageError(f"{folder} holds no rules: --rules wants a folder with NAME.toml or NAME.py")
    return files

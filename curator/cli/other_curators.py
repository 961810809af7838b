"""Other programs that are called curator: which one runs, and what to do about it."""

from __future__ import annotations

import os
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

NAME, SECOND_NAME = "curator", "curator-ft"
KNOWN = ("elasticsearch-curator",)
"""Packages that install a command and a Python package of the same name."""
HEAD = 4_000
"""Bytes of a program that are read to know it."""


def find_commands(path: str, own_folder: Path) -> dict[str, Any]:
    """The commands called curator on a PATH: the first, whether that is this program, and the others.

    `own_folder` is where the commands of this Python are.
    """
    names = (f"{NAME}.exe", NAME) if os.name == "nt" else (NAME,)
    every = [Path(folder) / name for folder in path.split(os.pathsep) if folder for name in names]
    commands = list(
        dict.fromkeys(command for command in every if os.access(command, os.X_OK) and command.is_file())
    )
    own = [command for command in commands if _is_own(command, own_folder)]
    others = [str(command) for command in commands if command not in own]
    runs_first, first = commands[:1] == own[:1] != [], str(commands[0]) if commands else ""
    sharing = [name for name in KNOWN if _is_installed(name)]
    return {
        "path": first,
        "ours": runs_first,
        "others": others,
        "same_environment": sharing,
        "says": _words(first, runs_first, others, sharing),
    }


def check_path() -> dict[str, Any]:
    """`find_commands` for this process."""
    return find_commands(os.environ.get("PATH", ""), Path(sys.executable).parent)


def _is_own(command: Path, own_folder: Path) -> bool:
    """Whether a command is this program: it lies beside this Python, or leads to `curator.cli.main`."""
    try:
        if command.parent.resolve() == own_folder.resolve() and not _is_installed(KNOWN[0]):
            return True
        with command.open("rb") as file:
            return b"curator.cli.main" in file.read(HEAD)
    except OSError:
        return False


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _words(first: str, runs_first: bool, others: list[str], sharing: list[str]) -> str:
    """What is wrong and what to do, in one sentence; empty where nothing is."""
    if sharing:
        return (
            f"{sharing[0]} is installed into the same Python, and both have a package called curator: install "
            "one of them into an environment of its own (pipx install curator-ft)."
        )
    if others and not runs_first:
        return f"'{NAME}' runs {first}, which is another program: type {SECOND_NAME} for this one."
    if others:
        return f"Another program called {NAME} is further back on the PATH: {others[0]}."
    return ""

"""Make the checkout's own virtual environment once; afterwards finding it takes no time."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
BIN = FOLDER / ("Scripts" if os.name == "nt" else "bin")
OLDEST = (3, 11)


def ensure(extra: str = "") -> Path:
    """The folder of the environment's programs; installs Curator (and `extra`) where that is not done yet.

    What is started from here keeps its bytecode, also where the shell says not to: without it Curator is compiled
    at every start, which doubles the time to its first screen.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if sys.version_info < OLDEST:
        sys.exit(f"Curator needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}.")
    stamp = FOLDER / f"installed-{extra or 'base'}"
    wanted = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    if not (stamp.is_file() and stamp.read_text() == wanted):
        print(f"Setting up {FOLDER.name} (once; about a minute) …", file=sys.stderr)
        try:
            venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(FOLDER)
        except subprocess.CalledProcessError:
            sys.exit(
                "Python's venv module has no pip here: install your system's python3-venv package and try again."
            )
        target = f"{ROOT}[{extra}]" if extra else str(ROOT)
        pip = [python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--editable", target]
        if subprocess.run(pip, check=False).returncode:
            sys.exit("Setting up failed: pip's own message is above; a package registry must be reachable once.")
        stamp.write_text(wanted)
    return BIN


def python() -> str:
    """The environment's Python."""
    return str(BIN / ("python.exe" if os.name == "nt" else "python"))


def run(command: list[str]) -> int:
    """Run a program in the foreground and return its exit status; where possible, become it."""
    if os.name != "nt":
        sys.stdout.flush()
        os.execv(command[0], command)
    return subprocess.run(command, check=False).returncode

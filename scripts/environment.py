"""Make the checkout's own virtual environment, once."""

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
    """Install Curator with the extra `extra`, if that is not done yet; the folder of the environment's programs.

    Also unsets PYTHONDONTWRITEBYTECODE for the programs started from here: without bytecode Curator is compiled at
    each start, which doubles the time to its first screen.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if sys.version_info < OLDEST:
        sys.exit(f"Curator needs Python {OLDEST[0]}.{OLDEST[1]} or newer; this is {sys.version.split()[0]}.")
    stamp = FOLDER / f"installed-{extra or 'base'}"
    stamp_text = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    if not (stamp.is_file() and stamp.read_text() == stamp_text):
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
        stamp.write_text(stamp_text)
    return BIN


def python() -> str:
    """The path of the environment's Python."""
    return str(BIN / ("python.exe" if os.name == "nt" else "python"))


def run(command: list[str]) -> int:
    """Run a program and return its exit status; except on Windows it replaces this process."""
    if os.name != "nt":
        sys.stdout.flush()
        os.execv(command[0], command)
    return subprocess.run(command, check=False).returncode

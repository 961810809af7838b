"""Download one wheel with the user's own pip, so that their package index, proxy and certificates are used."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from curator.errors import CuratorError

_POLL_SECONDS = 0.2


def command(package: str, version: str, into: Path) -> list[str]:
    """The command that downloads the wheel into a folder. Raises CuratorError if there is neither pip nor uv."""
    words = ["download", "--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--no-input"]
    words += ["--progress-bar", "off", "--dest", str(into), f"{package}=={version}"]
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", *words]
    uv = shutil.which("uv")
    if uv is not None:
        return [uv, "tool", "run", "pip", *words]
    raise CuratorError(
        "Pulling a model needs pip, which this Python lacks: run `python -m ensurepip` and try again"
    )


def fetch(package: str, version: str, size: int, into: Path, say: Callable[[str, int, int], None]) -> Path:
    """Download the wheel of about `size` bytes into the new folder `into` and return its path.

    `say` is called with the phase, the bytes so far and `size`. Raises CuratorError with pip's last message if the
    download fails. An interrupt stops pip.
    """
    into.mkdir()
    scratch = into / "tmp"
    scratch.mkdir()
    log = into / "log"
    with log.open("wb") as words:
        process = subprocess.Popen(
            command(package, version, into),
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            env=os.environ | {"TMPDIR": str(scratch)},
        )
        try:
            while process.poll() is None:
                say("downloading", min(size, _bytes_under(into)), size)
                time.sleep(_POLL_SECONDS)
        finally:
            if process.poll() is None:
                process.terminate()
                process.wait()
    wheels = list(into.glob("*.whl"))
    if process.returncode != 0 or len(wheels) != 1:
        raise CuratorError(f"{package} {version} could not be downloaded: {_last_words(log)}")
    return wheels[0]


def _bytes_under(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size
            except OSError:  # pip has just moved it
                continue
    return total


def _last_words(log: Path) -> str:
    """The last error in pip's output (or its last line), and what to do."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith(("ERROR", "error"))]
    last = (errors or lines or ["it said nothing"])[-1]
    return f"{last} (is a package index reachable? try `curator models pull` again)"

"""Set everything up on first use, then run all tests: python3 scripts/test.py [PYTEST ARGUMENTS]"""

from __future__ import annotations

import subprocess
import sys

from environment import ROOT, ensure, python

MODEL = "smollm2-135m-instruct"


def main() -> int:
    """Install with the extra `dev`, fetch the base model that the slow test trains, run pytest.

    Without arguments there are five processes: on two cores that saves a third of the time, because many tests
    wait for a server or a clock. The files keep the order of `tests/conftest.py`, the longest ones first.
    """
    ensure("dev")
    subprocess.run([python(), "-m", "curator", "models", "pull", MODEL], check=False)
    arguments = sys.argv[1:] or ["-n", "5", "--dist", "loadfile", "--no-loadscope-reorder", "--by-turns"]
    return subprocess.run([python(), "-m", "pytest", *arguments], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

"""Set everything up on first use, then run `curator`: python3 scripts/start.py [PATH | COMMAND …]"""

from __future__ import annotations

import subprocess
import sys

from environment import ensure, python, run

MODEL = "smollm2-135m-instruct"


def main() -> int:
    """Install Curator and fetch the base model (if that fails, Curator offers it later), then run `curator`."""
    fresh = not (ensure().parent / "model-tried").exists()
    if fresh:
        print("Fetching the small base model for local training (93 MB, once) …", file=sys.stderr)
        pulled = subprocess.run([python(), "-m", "curator", "models", "pull", MODEL], check=False).returncode == 0
        if pulled:
            (ensure().parent / "model-tried").touch()
        else:
            print("Without it everything but local training works; Curator will offer it again.", file=sys.stderr)
    return run([python(), "-m", "curator", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())

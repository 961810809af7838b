"""Interrupt every operation of a workspace at each of its writes, syncs, renames and removals, in every way.

    python scripts/crash_all.py [OPERATION…]

Needs strace. At each such call the process is killed, or the call fails with EIO or ENOSPC. Then everything that
was reported as saved must be there, and everything else must be complete or absent; if not, the exit status is 1.
Takes some minutes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.workspace.crashes import FAULTS, OPERATIONS, can_trace, interrupt, moments, prepare


def main(names: list[str]) -> int:
    """Interrupt the named operations, or all, and print what went wrong; the exit status."""
    if not can_trace():
        print("strace is missing, or not allowed to trace here", file=sys.stderr)
        return 2
    wrong = 0
    for name in names or list(OPERATIONS):
        with tempfile.TemporaryDirectory() as folder:
            start = prepare(Path(folder), name)
            crash_points = moments(name, start)
            ends = dict.fromkeys(("killed", "refused", "done", "WRONG"), 0)
            for call, nth in crash_points:
                for fault in FAULTS:
                    try:
                        ends[interrupt(name, start, call, nth, fault)] += 1
                    except AssertionError as error:
                        ends["WRONG"] += 1
                        print(error, file=sys.stderr)
            wrong += ends["WRONG"]
            print(f"{name:<13}{len(crash_points):>4} moments  {ends}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

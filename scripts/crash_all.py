"""Interrupt every operation of a workspace at each of its writes, syncs, renames and removals, in every way.

    python scripts/crash_all.py [OPERATION…]

Needs strace. Kills the process there, or lets the call fail with EIO and ENOSPC, then looks whether all that was
told as saved is there and the rest whole or absent. Ends with status 1 where it is not. Takes some minutes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.workspace.crashes import FAULTS, OPERATIONS, can_trace, interrupt, moments, prepare


def main(names: list[str]) -> int:
    """Try everything; print what went wrong."""
    if not can_trace():
        print("strace is missing, or not allowed to trace here", file=sys.stderr)
        return 2
    wrong = 0
    for name in names or list(OPERATIONS):
        with tempfile.TemporaryDirectory() as folder:
            start = prepare(Path(folder), name)
            found = moments(name, start)
            ends = dict.fromkeys(("killed", "refused", "done", "WRONG"), 0)
            for call, nth in found:
                for fault in FAULTS:
                    try:
                        ends[interrupt(name, start, call, nth, fault)] += 1
                    except AssertionError as error:
                        ends["WRONG"] += 1
                        print(error, file=sys.stderr)
            wrong += ends["WRONG"]
            print(f"{name:<13}{len(found):>4} moments  {ends}", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What a whole file costs beside a bare parse of it: check, import, first analysis, split, a fix of all.

    python benchmarks/bulk.py [FILE.jsonl] [--examples 100000] [--rounds 3] [--json]

Every pass runs in a process of its own; the passes of a round run one after another, so that other load on the
machine falls on all of them. Printed are medians: CPU seconds of the process and its children, wall seconds, the
greatest memory of one process, the CPU as a multiple of the bare loop, and CPU microseconds a line. The fix strips
blanks from the answers of as many generated chats as the file has lines; the groups are 20,000 of three copies.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from corpus import write_corpus
from figures import state

ROOT = Path(__file__).resolve().parent.parent

PARSE = """
import sys, orjson
for line in open(sys.argv[1], "rb"):
    try:
        orjson.loads(line)
    except ValueError:
        pass
"""
ANALYSE = """
import sys, time
from pathlib import Path
from curator.workspace import background
from curator.workspace.opening import open_workspace
with open_workspace(Path(sys.argv[1])) as workspace:
    child = background.start(workspace)
    while child.progress().running:
        child.poll()
        time.sleep(0.1)
    child.stop(30)
"""
FIX = """
import sys
from pathlib import Path
from curator.workspace.opening import open_workspace
with open_workspace(Path(sys.argv[1])) as workspace:
    workspace.changes.writing.copy_sources()
    workspace.changes.fix(workspace.ids(), "surrounding_whitespace")
"""
SETTLE = """
import sys
from pathlib import Path
from curator.tui.session.duplicate_groups import DuplicateGroup
from curator.tui.stage_models.settle_group import surplus
from curator.workspace.opening import open_workspace
with open_workspace(Path(sys.argv[1])) as workspace:
    workspace.changes.writing.copy_sources()
    groups = [DuplicateGroup("exact", (i, i + 1, i + 2)) for i in range(1, len(workspace.ids()), 3)]
    workspace.changes.delete(surplus(workspace, groups, "longest", {}))
    assert len(workspace.ids()) == len(groups)
"""
GROUPS, MEMBERS = 20_000, 3
"""Groups of copies that `X` of the Duplicates stage settles at once, and the examples of each."""


class Cost(NamedTuple):
    """What one process and its children took."""

    cpu: float
    wall: float
    megabytes: float


def cost_of(command: Sequence[str]) -> Cost:
    """Run a command to its end. Exits where it could not do its work (1 is what a check says of errors)."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment) as process:
        assert process.stderr is not None
        told = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        sys.exit(f"{' '.join(command)[:80]}: {told.decode(errors='replace')[-400:]}")
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss / 1024)


def commands(file: Path, spoilt: Path, repeated: Path, away: Path) -> dict[str, list[str]]:
    """The passes by name; what they write goes to `away`, an empty folder."""
    curator = [sys.executable, "-m", "curator"]
    copies = [away / name for name in ("analysed.jsonl", "fixed.jsonl", "settled.jsonl")]
    for source, copy in zip((file, spoilt, repeated), copies, strict=True):
        os.link(source, copy)
    return {
        "bare loop": [sys.executable, "-c", PARSE, str(file)],
        "check with tokens": [*curator, "check", str(file), "--json"],
        "import": [*curator, "import", str(file), "-w", str(away / "new.curator"), "--json"],
        "first analysis": [sys.executable, "-c", ANALYSE, str(copies[0])],
        "split": [*curator, "split", str(file), "-d", str(away / "sides"), "--json"],
        "fix of every example": [sys.executable, "-c", FIX, str(copies[1])],
        "settling of all groups": [sys.executable, "-c", SETTLE, str(copies[2])],
    }


def spoil(path: Path, count: int) -> None:
    """Write chats whose answers end in blanks."""
    with path.open("w") as file:
        for number in range(count):
            asked = f"Tell me about the harbour number {number} of the northern coast, please."
            turns = [("user", asked), ("assistant", f"Harbour {number} was built long ago. " * 6)]
            file.write(json.dumps({"messages": [{"role": r, "content": c} for r, c in turns]}) + "\n")


def repeat(path: Path) -> None:
    """Write chats, each several times."""
    with path.open("w") as file:
        for number in range(GROUPS):
            turns = [
                ("user", f"Tell me about the harbour number {number}."),
                ("assistant", f"It is old: {number}."),
            ]
            line = json.dumps({"messages": [{"role": r, "content": c} for r, c in turns]}) + "\n"
            file.write(line * MEMBERS)


def measure(file: Path, count: int, rounds: int, folder: Path) -> dict[str, Cost]:
    """The medians of all passes."""
    spoilt = folder / "spoilt.jsonl"
    spoil(spoilt, count)
    repeated = folder / "repeated.jsonl"
    repeat(repeated)
    costs: dict[str, list[Cost]] = {}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as away:
            for name, command in commands(file, spoilt, repeated, Path(away)).items():
                costs.setdefault(name, []).append(cost_of(command))
    return {
        name: Cost(*(statistics.median(column) for column in zip(*each, strict=True)))
        for name, each in costs.items()
    }


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.file.parent if args.file else None) as away:
        folder = Path(away)
        file = args.file or folder / "corpus.jsonl"
        if args.file is None:
            write_corpus(file, args.examples, 5)
        with file.open("rb") as lines:
            count = sum(1 for _ in lines)
        costs = measure(file, count, args.rounds, folder)
    bare = costs["bare loop"].cpu
    if args.json:
        print(json.dumps({"examples": count, **{name: cost._asdict() for name, cost in costs.items()}}))
        return
    print(
        f"{count:,} examples, {args.rounds} rounds; CPU s · wall s · MB of one process · x the bare loop · us each"
    )
    for name, cost in costs.items():
        each = cost.cpu / (GROUPS * MEMBERS if name.startswith("settling") else count) * 1e6
        print(
            f"{name:<22} {cost.cpu:8.2f} {cost.wall:8.2f} {cost.megabytes:8.0f} {cost.cpu / bare:8.1f} {each:8.1f}"
        )
    state_figures(costs, count)


def state_figures(costs: dict[str, Cost], count: int) -> None:
    """The figures that have goals, of `count` examples."""
    bare, check, split = costs["bare loop"], costs["check with tokens"], costs["split"]
    state(f"check of {count:,} with tokens", check.cpu / bare.cpu, "x the CPU of a bare parse", at_most=14)
    state("the same", check.wall / bare.wall, "x its wall time", at_most=8)
    state(f"first analysis of {count:,}", costs["first analysis"].cpu / bare.cpu, "x its CPU", at_most=20)
    state(f"split of {count:,}", split.wall, "wall s", at_most=60)
    state("the same", split.megabytes, "MB", at_most=1000)
    state(
        "a fix of every example",
        costs["fix of every example"].cpu / count * 1e6,
        "CPU microseconds each",
        at_most=30,
    )
    settled = costs["settling of all groups"].cpu / (GROUPS * MEMBERS) * 1e6
    state(f"X over {GROUPS:,} groups", settled, "CPU microseconds an example", at_most=30)


if __name__ == "__main__":
    main()

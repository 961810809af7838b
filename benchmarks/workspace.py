"""Times of a large workspace: open, page, edit, search, label, export, beside plain tools in the same run.

    python benchmarks/workspace.py [--examples 100000] [--no-analysis] [FILE.jsonl]

Printed are wall and CPU seconds (children included), ratios to a bare orjson parse, `wc -l`, `grep -c` and `cp` of
the same file, percentiles of single steps, and the greatest resident memory. The file is read once before, so that
the cache is warm. Everything is made in a temporary folder beside the file, which is removed at the end.
"""

from __future__ import annotations

import argparse
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from corpus import write_corpus

from curator.workspace import background as analysis
from curator.workspace.exchange import export as exporter
from curator.workspace.exchange import import_files as importer
from curator.workspace.opening import create_workspace, open_workspace
from curator.workspace.search.view import View
from curator.workspace.workspace import Workspace

PARSE = """
import sys, orjson
for line in open(sys.argv[1], "rb"):
    try:
        orjson.loads(line)
    except ValueError:
        pass
"""


def cpu() -> float:
    """CPU seconds of this process and of the children that have ended."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


@contextmanager
def measure(name: str, note: Callable[[], str] = str) -> Iterator[None]:
    """Print the wall and CPU seconds that a block took, and `note()`."""
    wall, before = time.perf_counter(), cpu()
    yield
    spent = cpu() - before
    print(f"{name:<44} {time.perf_counter() - wall:9.3f} s wall {spent:9.3f} s CPU  {note()}")


def quantiles(times: list[float]) -> str:
    """Median, p95, p99 in milliseconds."""
    cuts = statistics.quantiles(times, n=100)
    return f"median {cuts[49] * 1e3:.2f} ms, p95 {cuts[94] * 1e3:.2f} ms, p99 {cuts[98] * 1e3:.2f} ms"


def time_steps(steps: Iterator[Callable[[], Any]]) -> list[float]:
    """Run the steps; the seconds that each took."""
    times = []
    for step in steps:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return times


def plain_tools(file: Path, away: Path) -> float:
    """Measure plain tools on the same file; returns the CPU seconds of the bare parse."""
    with measure("wc -l"):
        subprocess.run(["wc", "-l", str(file)], check=True, stdout=subprocess.DEVNULL)
    searches = [["grep", how, word] for word in ("zyzzyva", "garden", "the") for how in ("-c", "-ci")]
    for words in searches:
        with measure(" ".join(words)):
            subprocess.run([*words, str(file)], check=False, capture_output=True)
    with measure("cp"):
        subprocess.run(["cp", str(file), str(away / "copy")], check=True)
    before = cpu()
    with measure("bare orjson parse"):
        subprocess.run([sys.executable, "-c", PARSE, str(file)], check=True)
    return cpu() - before


def first_screen(file: Path) -> None:
    """Open a file and read its first page in a new process, twice."""
    script = (
        "import sys; from curator.workspace.opening import open_workspace\n"
        "w = open_workspace(sys.argv[1]); w.rows(w.ids()[:50]); w.close()"
    )
    for name in ("first opening, 50 rows", "second opening, 50 rows"):
        with measure(name):
            subprocess.run([sys.executable, "-c", script, str(file)], check=True, stdout=subprocess.DEVNULL)


def bring_in(file: Path, away: Path, parse: float) -> None:
    """Import a file as `curator import` does: copy, SHA-256, offsets; parse, hash and count every line."""
    before = cpu()
    with measure("import: copy, parse, hash, offsets"), create_workspace(away / "import.curator") as workspace:
        importer.add(workspace, [file])
    print(f"  {(cpu() - before) / parse:.2f} x a bare parse")
    shutil.rmtree(away / "import.curator")


def analyse(workspace: Workspace, parse: float) -> None:
    """All work of the analysis child: copy, offsets, rules, tokens, previews, rules on the whole dataset."""
    before = cpu()
    with measure("analysis child: copy to last result"):
        child = analysis.start(workspace)
        while child.progress().running:
            child.poll()
            time.sleep(0.05)
        print(" ", child.progress())
        child.stop(30)
    print(f"  {(cpu() - before) / parse:.1f} x a bare parse (rules and tokens included)")


def reading(workspace: Workspace) -> None:
    """Pages, filters, searches."""
    ids = workspace.ids()
    chance = random.Random(1)
    places = [chance.randrange(max(1, len(ids) - 50)) for _ in range(300)]
    times = time_steps((lambda at=at: workspace.rows(ids[at : at + 50])) for at in places)
    print(f"{'a page of 50 rows anywhere':<44} {quantiles(times)}")
    with measure("counts"):
        workspace.counts()
    filters = (
        "is:error",
        "is:warning",
        "is:clean",
        "messages>3",
        "role:system",
        "tokens>500",
        "rule:invalid_json",
    )
    for query in (*filters, "zyzzyva", "zyzzyva", "garden", "the"):  # numpy is loaded at the first search
        totals: list[int] = []
        first: list[float] = []
        start = time.perf_counter()

        def meanwhile(view: View, first: list[float] = first, start: float = start) -> None:
            if view.total and not first:
                first.append(time.perf_counter() - start)

        def note(totals: list[int] = totals, first: list[float] = first) -> str:
            return f"{totals[0]:,} examples" + (f", the first after {first[0] * 1e3:.0f} ms" if first else "")

        with measure(f"view {query}", note):
            totals.append(workspace.view(query, meanwhile=meanwhile).total)
    with measure("sort by tokens"):
        workspace.view("", "tokens", descending=True)


def writing(workspace: Workspace, away: Path) -> None:
    """Edits until they are on the disk, a label on all examples, its undo, deletions, an export."""
    chance = random.Random(2)
    ids = list(workspace.view("-is:error").ids[:100_000])
    times = time_steps(
        (lambda n=n: workspace.changes.edit(chance.choice(ids), "messages[0].content", f"edited {n}"))
        for n in range(300)
    )
    print(f"{'an edit until it is on the disk':<44} {quantiles(times)}")
    times = time_steps((lambda: workspace.changes.label([chance.choice(ids)], "good")) for _ in range(300))
    print(f"{'a label until it is on the disk':<44} {quantiles(times)}")
    with measure("label everything"):
        workspace.changes.label(workspace.ids(), "bulk")
    with measure("undo that"):
        workspace.changes.undo()
    with measure("delete three in ten"):
        workspace.changes.delete(workspace.ids()[: len(workspace.ids()) * 3 // 10])
    with measure("counts, right after it"):
        workspace.counts()
    with measure("one more is deleted, counts"):
        workspace.changes.delete(workspace.ids()[:1])
        workspace.counts()
    with measure("undo both, counts"):
        workspace.changes.undo()
        workspace.changes.undo()
        workspace.counts()
    with measure("export everything (300 edits)"):
        exporter.export(workspace, workspace.ids(), away / "out.jsonl")


def sizes(workspace: Workspace, file: Path) -> None:
    """Sizes of the workspace's files relative to the source, and the greatest memory."""
    total = file.stat().st_size
    for name in ("analysis.db", "workspace.db"):
        size = sum(path.stat().st_size for path in workspace.path.glob(f"{name}*"))
        print(f"{name:<44} {size / total:9.3f} x the source, its write-ahead log included")
    index = sum(path.stat().st_size for path in (workspace.path / "sources").glob("*.idx"))
    print(f"{'offsets':<44} {index / total:9.3f} x the source")
    own, children = (
        resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    print(f"{'greatest memory':<44} {own:9.0f} MB this process, {children:.0f} MB the greatest child")


def main() -> None:
    """Run everything on one file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--no-analysis", action="store_true", help="leave the child's work out")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.file.parent if args.file else None) as folder:
        away = Path(folder)
        file = away / "data.jsonl"
        if args.file:
            shutil.copyfile(args.file, file)
        else:
            write_corpus(file, args.examples, 1)
        small = away / "small.jsonl"
        with file.open("rb") as lines:
            small.write_bytes(b"".join(line for _, line in zip(range(50), lines, strict=False)))
        print(f"{file.stat().st_size / 1e6:,.1f} MB")
        parse = plain_tools(file, away)
        bring_in(file, away, parse)
        print("50 lines:")
        first_screen(small)
        print("all lines:")
        first_screen(file)
        with open_workspace(file) as workspace:
            if args.no_analysis:
                with measure("copy and offsets"):
                    workspace.changes.writing.copy_sources()
            else:
                analyse(workspace, parse)
            reading(workspace)
            writing(workspace, away)
            sizes(workspace, file)
        print("all lines, analysed:")
        first_screen(file)


if __name__ == "__main__":
    main()

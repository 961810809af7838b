"""Run every benchmark, one after another, and write one table of what each took and said.

    python benchmarks/all.py --quick|--full [--only NAME …] [--write docs/performance.md]

`--quick` takes small data and one round, to see that all still runs and what is far off; `--full` takes the sizes
of docs/performance.md. Benchmarks beside other programs need these installed (each tells how); one that cannot run
is told in the table and stops nothing. `--write` puts the table, with the day, the machine and the versions,
between the marks of that file. Nothing else should be at work meanwhile.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- benchmarks/all.py: begin -->", "<!-- benchmarks/all.py: end -->"
SHOWN_LINES = 24
PACKAGES = ("orjson", "msgspec", "numpy", "tiktoken", "toktok-rs", "rapidfuzz", "textual")


class Part(NamedTuple):
    """One benchmark: what it answers, and its arguments in a quick and in a full run; None: left out."""

    name: str
    question: str
    quick: str | None
    full: str


MILLION = "--examples 1000000"
PARTS = (
    Part("bulk", "check, import, analysis, split, fix beside a parse", "--examples 2000 --rounds 1", MILLION),
    Part("check", "check beside notebook-style checks", "--examples 3000 --rounds 1", MILLION),
    Part("tokens", "counting beside tiktoken", "--examples 2000 --rounds 1", "--examples 100000"),
    Part("duplicates", "near copies beside peers", "--examples 3000 --rounds 1", "--examples 10000 100000"),
    Part("workspace", "open, page, edit, search, export", "--examples 3000", MILLION),
    Part("start", "the first screen", "--rounds 1", "--rounds 7"),
    Part("latency", "from a key to the screen", "--examples 3000 --keys 20", f"{MILLION} --keys 200 --train"),
    Part("lateness", "the UI beside its analysis", None, "--examples 100000"),
    Part("browse", "browsing beside toolong and VisiData", None, MILLION),
    Part("generation", "first token, tokens a second, memory beside llama.cpp", None, ""),
    Part("serving", "a short prompt beside a long one", None, ""),
    Part("constrained", "answers in a given form", None, ""),
    Part("training", "training the sample", None, "--examples 100 --epochs 3"),
    Part("tools", "calls before and after a training", None, ""),
    Part("loop", "asking two local models", None, "ask"),
    Part("study", "what studies cost and find", None, "suspects"),
)


class Outcome(NamedTuple):
    """What a benchmark took and said."""

    part: Part
    arguments: str
    status: str
    cpu: float
    wall: float
    said: list[str]


def run_part(part: Part, arguments: str) -> Outcome:
    """Run one benchmark in a process of its own."""
    script = HERE / f"{part.name}.py"
    if not script.exists():
        return Outcome(part, arguments, "is not there", 0.0, 0.0, [])
    start = time.perf_counter()
    command = [sys.executable, str(script), *arguments.split()]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read().decode(errors="replace").splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    ended = "ran" if process.returncode == 0 else f"ended with {process.returncode}"
    spent = usage.ru_utime + usage.ru_stime
    return Outcome(part, arguments, ended, spent, time.perf_counter() - start, said)


def machine() -> str:
    """The day, the machine and the versions, in one sentence."""
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"{time.strftime('%Y-%m-%d')}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"system load {load:.1f} at the start; Python {platform.python_version()}, {', '.join(versions)}"
    )


def table(outcomes: Sequence[Outcome], about: str, kind: str) -> str:
    """The outcomes as Markdown: one table, then the last lines that each benchmark printed."""
    lines = [f"One run of `python benchmarks/all.py --{kind}`: {about}.", ""]
    lines += ["| benchmark | question | arguments | outcome | CPU s | wall s |", "|---|---|---|---|---|---|"]
    for each in outcomes:
        words = (f"`{each.part.name}.py`", each.part.question, f"`{each.arguments}`" if each.arguments else "")
        lines.append(f"| {' | '.join(words)} | {each.status} | {each.cpu:.1f} | {each.wall:.1f} |")
    for each in outcomes:
        if each.said:
            lines += ["", f"`{each.part.name}.py`:", "", "```", *each.said[-SHOWN_LINES:], "```"]
    return "\n".join(lines)


def write_between_marks(path: Path, text: str) -> None:
    """Put a text between the marks of a file, at its end where it has none."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2] if begin else "\n"
    path.write_text(f"{before.rstrip()}\n\n{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def main() -> int:
    """Run the parts that were asked for; 1 where one of them did not run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--quick", action="store_true")
    size.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="+", choices=[part.name for part in PARTS], metavar="NAME")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between the marks of this file")
    args = parser.parse_args()
    about = machine()
    outcomes = []
    for part in PARTS:
        arguments = part.quick if args.quick else part.full
        if (args.only and part.name not in args.only) or arguments is None:
            continue
        print(f"{part.name}: {part.question} …", file=sys.stderr, flush=True)
        outcomes.append(run_part(part, arguments))
    text = table(outcomes, about, "quick" if args.quick else "full")
    print(text)
    if args.write:
        write_between_marks(args.write, text)
    return int(any(each.status != "ran" for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())

"""Run every benchmark, one after another; write one table of their figures and goals, and what each took and said.

    python benchmarks/all.py --quick|--full [--only NAME …] [--write docs/performance.md] [--keep FOLDER]
                             [--llama FOLDER] [--trl PYTHON] [--peer NAME=COMMAND …]

`--quick` takes small data and one round, to see that all still runs and what is far off; `--full` takes the sizes
of docs/performance.md and about an hour. Peers that are no Python packages are told where they are: `--llama`,
where `npm install node-llama-cpp` was run; `--trl`, a Python with torch, trl and peft; `--peer`, a program that
shows a file (`toolong=tl`). One that is missing is left out by its benchmark, which says so; a benchmark that
cannot run is told in the table and stops nothing. What has ended is kept in FOLDER, so that a second start goes
on there, with what ran before as it was. `--write` puts the result, with the day, the machine and the versions,
between the marks of that file. Nothing else should be at work meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import nullcontext
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
import figures

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- benchmarks/all.py: begin -->", "<!-- benchmarks/all.py: end -->"
SHOWN_LINES = 30
PACKAGES = ("orjson", "msgspec", "numpy", "tiktoken", "toktok-rs", "rapidfuzz", "textual")


class Part(NamedTuple):
    """One benchmark: its script, what it answers, and its arguments in a quick and in a full run; None: left out.

    `{llama}`, `{trl}` and `{peers}` in the arguments are replaced by where these are, if they are given.
    """

    script: str
    question: str
    quick: str | None
    full: str


MILLION = "--examples 1000000"
PARTS = (
    Part(
        "bulk",
        "check, import, analysis, split, fix beside a parse",
        "--examples 2000 --rounds 1",
        f"{MILLION} --rounds 1",
    ),
    Part("check", "check beside notebook-style checks", "--examples 3000 --rounds 1", MILLION),
    Part("tokens", "counting beside tiktoken", "--examples 2000 --rounds 1", "--examples 100000"),
    Part("duplicates", "near copies beside peers", "--examples 3000 --rounds 1", "--examples 10000 100000"),
    Part("workspace", "open, page, edit, search, export", "--examples 3000", MILLION),
    Part("start", "the first screen", "--rounds 1", "--rounds 7"),
    Part(
        "latency",
        "from a key to the screen",
        "--examples 3000 --keys 20 {peers}",
        f"{MILLION} --keys 100 --train {{peers}}",
    ),
    Part("small", "300 examples: longest steps, a saved edit", "--edits 5", "--edits 40 --train"),
    Part("lateness", "the UI beside its analysis", None, "--examples 100000"),
    Part("browse", "browsing beside toolong and VisiData", None, "--examples 100000 --rounds 1"),
    Part("generation", "first token, tokens a second, memory beside llama.cpp", None, "--rounds 1 {llama}"),
    Part("serving", "a short prompt beside a long one", None, ""),
    Part("constrained", "answers in a given form", None, ""),
    Part("training", "training the sample beside TRL", None, "--examples 100 --epochs 3 --products {trl}"),
    Part("tools", "calls before and after a training", None, ""),
    Part("loop", "asking two local models", None, "ask"),
    Part("study", "what studies find and cost", None, "suspects"),
    Part("study", "which examples pushed an answer, and what it costs", None, "influences"),
)


class Outcome(NamedTuple):
    """What a benchmark took, said and stated; `figures` are those with a name, a value and perhaps goals."""

    script: str
    question: str
    arguments: str
    status: str
    cpu: float
    wall: float
    said: list[str]
    figures: list[figures.Figure]


def run_part(part: Part, arguments: str, shown: str, scratch: Path) -> Outcome:
    """Run one benchmark in a process of its own; `scratch` is a folder for the figures that it states.

    The outcome has the arguments as `shown`, and names no folder of this machine.
    """
    script, stated = HERE / f"{part.script}.py", scratch / "figures.jsonl"
    stated.unlink(missing_ok=True)
    start = time.perf_counter()
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent), figures.FILE_VARIABLE: str(stated)}
    with subprocess.Popen(
        [sys.executable, str(script), *shlex.split(arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read().decode(errors="replace").splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    ended = "ran" if process.returncode == 0 else f"ended with {process.returncode}"
    spent, wall = usage.ru_utime + usage.ru_stime, time.perf_counter() - start
    lines = [without_folders(line) for line in said if "figure: " not in line and not line.startswith("\x1b")]
    return Outcome(part.script, part.question, shown, ended, spent, wall, lines, figures.read(stated))


def without_folders(line: str) -> str:
    """A line without the names of this user's folder and of temporary ones."""
    return re.sub(rf"{re.escape(tempfile.gettempdir())}/tmp\w+/", "", line).replace(str(Path.home()), "~")


def read_kept(kept: Path) -> Outcome | None:
    """What an earlier start kept of a benchmark that ran; None if there is nothing."""
    try:
        fields: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    stated = [figures.Figure(*each) for each in fields.pop("figures")]
    return Outcome(**fields, figures=stated)


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


def write_report(outcomes: Sequence[Outcome], about: str, kind: str) -> str:
    """The outcomes as Markdown: figures with their goals, what each benchmark took, and its last lines."""
    lines = [f"One run of `python benchmarks/all.py --{kind}`: {about}.", ""]
    if stated := [figure for each in outcomes for figure in each.figures]:
        lines += ["| figure | measured | goal | reached |", "|---|---|---|---|", *map(figures.row, stated), ""]
    lines += ["| benchmark | question | arguments | outcome | CPU s | wall s |", "|---|---|---|---|---|---|"]
    for each in outcomes:
        words = (f"`{each.script}.py`", each.question, f"`{each.arguments}`" if each.arguments else "")
        lines.append(f"| {' | '.join(words)} | {each.status} | {each.cpu:.1f} | {each.wall:.1f} |")
    for each in outcomes:
        if each.said:
            lines += ["", f"`{each.script}.py {each.arguments}`".replace(" `", "`") + ":", ""]
            lines += ["```", *each.said[-SHOWN_LINES:], "```"]
    return "\n".join(lines)


def write_between_marks(path: Path, text: str) -> None:
    """Put a text between the marks of a file, at its end where it has none."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2] if begin else "\n"
    path.write_text(f"{before.rstrip()}\n\n{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def parse_arguments() -> argparse.Namespace:
    """What to run, beside which peers, and where to put the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    size = parser.add_mutually_exclusive_group(required=True)
    size.add_argument("--quick", action="store_true")
    size.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="+", choices=sorted({part.script for part in PARTS}), metavar="NAME")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the report between the marks of this file")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what ran, and do not run it again")
    parser.add_argument("--llama", metavar="FOLDER", help="where node-llama-cpp is installed")
    parser.add_argument("--trl", metavar="PYTHON", help="a Python with torch, trl and peft")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    return parser.parse_args()


def main() -> int:
    """Run the parts that were asked for; 1 where one of them did not run."""
    args = parse_arguments()
    peers = {
        "llama": f"--llama {shlex.quote(args.llama)}" if args.llama else "",
        "trl": f"--trl {shlex.quote(args.trl)}" if args.trl else "",
        "peers": " ".join(f"--peer {shlex.quote(peer)}" for peer in args.peer),
    }
    shown = {
        "llama": "--llama FOLDER" if args.llama else "",
        "trl": "--trl PYTHON" if args.trl else "",
        "peers": " ".join(f"--peer {peer.partition('=')[0]}" for peer in args.peer),
    }
    about, outcomes = machine(), []
    if args.keep:
        args.keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() if args.keep is None else nullcontext(args.keep) as folder:
        for number, part in enumerate(PARTS):
            template = part.quick if args.quick else part.full
            if template is None or (args.only and part.script not in args.only):
                continue
            kept = Path(folder) / f"{number}-{part.script}-{'quick' if args.quick else 'full'}.json"
            outcome = read_kept(kept)
            if outcome is None:
                print(f"{part.script}: {part.question} …", file=sys.stderr, flush=True)
                outcome = run_part(part, template.format(**peers), template.format(**shown).strip(), Path(folder))
                if outcome.status == "ran":
                    kept.write_text(json.dumps(outcome._asdict()), encoding="utf-8")
            outcomes.append(outcome)
    text = write_report(outcomes, about, "quick" if args.quick else "full")
    print(text)
    if args.write:
        write_between_marks(args.write, text)
    return int(any(each.status != "ran" for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())

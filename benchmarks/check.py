"""Speed of `curator check` beside notebook-style checks and a bare parse loop, on one file; and its correctness.

    python benchmarks/check.py [FILE.jsonl] [--examples 100000] [--rounds 3]

Every pass runs in a process of its own. The passes of a round run one after another, so that other load on the
machine falls on all of them. Printed are medians of all rounds: CPU seconds of all processes, wall seconds, and
the greatest resident memory of all processes together, measured every 20 ms (Linux). The file is in the cache
before the first pass. Curator runs as from the command line: `check --quick`, `check` without tokens, and `check`.

If there is a file FILE.jsonl.truth.json (`errors`: [{"line", "kind"}], as benchmarks/corpus.py writes it), the
lines in which Curator finds an error are compared with it. Without FILE a file is generated.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from figures import state

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

ROLES = ("system", "user", "assistant", "function")
KEYS = ("role", "content", "name", "function_call", "weight")


def check_as_notebook(path: Path) -> int:
    """The checks of OpenAI's well-known notebook: load all lines into a list, then count errors. Lines that are
    no JSON, on which the notebook would stop, are skipped."""
    dataset = []
    with path.open("rb") as file:
        for line in file:
            try:
                dataset.append(json.loads(line))
            except ValueError:
                continue
    counts: Counter[str] = Counter()
    for example in dataset:
        if not isinstance(example, dict):
            counts["data_type"] += 1
            continue
        messages = example.get("messages", None)
        if not messages:
            counts["missing_messages_list"] += 1
            continue
        for message in messages:
            if "role" not in message or "content" not in message:
                counts["message_missing_key"] += 1
            if any(key not in KEYS for key in message):
                counts["message_unrecognized_key"] += 1
            if message.get("role", None) not in ROLES:
                counts["unrecognized_role"] += 1
            content, call = message.get("content", None), message.get("function_call", None)
            if (not content and not call) or not isinstance(content, str):
                counts["missing_content"] += 1
        if not any(message.get("role", None) == "assistant" for message in messages):
            counts["example_missing_assistant_message"] += 1
    return sum(counts.values())


def parse_only(path: Path) -> int:
    """Parse every line and drop the result; the number of lines that are no JSON."""
    import orjson

    bad = 0
    with path.open("rb") as file:
        for line in file:
            try:
                orjson.loads(line)
            except orjson.JSONDecodeError:
                bad += 1
    return bad


def check_with_curator(path: Path, *, workers: int, quick: bool = False, tokens: bool = True) -> int:
    """Curator's check of a file; the number of errors."""
    from curator.workspace.checks.check import check_file
    from curator.workspace.checks.one_pass import Options

    return sum(
        check_file(path, Options(shown_per_rule=3, quick=quick, tokens=tokens), workers=workers).errors.values()
    )


PASSES: dict[str, Callable[[Path], int]] = {
    "bare orjson loop": parse_only,
    "notebook-style checks": check_as_notebook,
    "Curator, formats": partial(check_with_curator, workers=1, quick=True),
    "Curator, formats, two processes": partial(check_with_curator, workers=2, quick=True),
    "Curator, all rules": partial(check_with_curator, workers=1, tokens=False),
    "Curator, all rules, two processes": partial(check_with_curator, workers=2, tokens=False),
    "Curator, rules and tokens, two processes": partial(check_with_curator, workers=2),
}


def measure(name: str, path: Path) -> dict[str, float]:
    """Run one pass in this process: seconds, its children's included, and what it counted."""
    before = time.perf_counter()
    count = PASSES[name](path)
    wall = time.perf_counter() - before
    own, below = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = own.ru_utime + own.ru_stime + below.ru_utime + below.ru_stime
    return {"cpu": seconds, "wall": wall, "count": count}


def measure_in_child(name: str, path: Path) -> dict[str, float]:
    """Run `measure` in a child process, and measure the greatest memory of it and its children together, in MB."""
    from start import children_of, resident

    peak = 0.0
    with subprocess.Popen(
        [sys.executable, __file__, str(path), "--pass", name], stdout=subprocess.PIPE
    ) as running:
        while running.poll() is None:
            with suppress(OSError, IndexError):  # one of them has just ended
                peak = max(peak, sum(map(resident, (running.pid, *children_of(running.pid)))))
            time.sleep(0.02)
        assert running.stdout is not None
        figures: dict[str, float] = json.loads(running.stdout.read())
    return figures | {"mb": peak * 2**20 / 1e6}


def report(path: Path, rounds: int) -> None:
    """Run all passes in turn, `rounds` times, and print the medians."""
    from statistics import median  # nothing that a pass needs

    runs: dict[str, list[dict[str, float]]] = {name: [] for name in PASSES}
    for _ in range(rounds):
        for name, pass_runs in runs.items():
            pass_runs.append(measure_in_child(name, path))
    medians = {
        name: {key: median(run[key] for run in pass_runs) for key in pass_runs[0]}
        for name, pass_runs in runs.items()
    }
    peer = medians["notebook-style checks"]["cpu"]
    unit = medians["bare orjson loop"]["cpu"]
    print(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB, medians of {rounds}")
    print(f"{'':42}{'CPU s':>8}{'x bare':>8}{'peer/x':>8}{'wall s':>8}{'MB':>7}  counted")
    for name, row in medians.items():
        ratios = f"{row['cpu']:8.2f}{row['cpu'] / unit:8.2f}{peer / row['cpu']:8.2f}"
        print(f"{name:42}{ratios}{row['wall']:8.2f}{row['mb']:7.0f}  {row['count']:,.0f}")
    greatest = max(row["mb"] for name, row in medians.items() if "tokens" in name)
    state(f"check with tokens of {path.name}", greatest, "MB of all processes", at_most=200)


def compare(path: Path, truth: Path) -> None:
    """Compare the lines in which Curator finds an error with those in which one was planted."""
    from curator.core.rules import REGISTRY
    from curator.core.rules.engine import is_about_format
    from curator.workspace.checks.check import check_file
    from curator.workspace.checks.one_pass import Options

    planted = {item["line"]: item["kind"] for item in json.loads(truth.read_text())["errors"]}
    for name, options in (
        ("formats", Options(quick=True, shown_per_rule=None)),
        ("all rules", Options(tokens=False, shown_per_rule=None)),
    ):
        problems: list[dict[str, Any]] = check_file(path, options).findings.rows.parsed()
        faulty = {problem["line"] for problem in problems if is_about_format(REGISTRY[problem["rule"]])}
        missed = Counter(planted[line] for line in planted.keys() - faulty)
        words = ", ".join(f"{kind} {count}" for kind, count in missed.items()) or "none"
        extra = sorted(faulty - planted.keys())
        print(f"{name}: {len(planted):,} lines with an error, {len(planted.keys() & faulty):,} found")
        print(f"    missed: {words}; called faulty without one: {len(extra):,} {extra[:5] if extra else ''}")


def main() -> None:
    """Run the rounds and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pass", dest="one", choices=PASSES, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(measure(args.one, args.file)))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = args.file or Path(folder) / "corpus.jsonl"
        if args.file is None:
            words = [
                sys.executable,
                str(ROOT / "benchmarks/corpus.py"),
                str(path),
                "--examples",
                str(args.examples),
            ]
            subprocess.run(words, check=True)
        report(path, args.rounds)
        truth = Path(f"{path}.truth.json")
        if truth.exists():
            compare(path, truth)


if __name__ == "__main__":
    main()

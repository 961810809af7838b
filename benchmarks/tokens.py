"""Token counting beside tiktoken's plain loop, in one run: CPU, memory, equality, and the time of a key press.

    python benchmarks/tokens.py [--examples 10000] [--seed 5] [--rounds 3] [--encoding o200k_base]
    python benchmarks/tokens.py --corpus FILE.jsonl

Each way runs in a process of its own, in turn, on the same examples, parsed beforehand. CPU seconds are the figure
to compare; "load" is what the vocabulary takes. `curator, quick` needs the optional package toktok-rs.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

Count = Callable[[list[Any]], int]
KEYS = 300


def plain_loop(name: str) -> Count:
    """The notebook's way: tiktoken's encode on every string of every message."""
    from curator.core import vocabulary

    encoding = vocabulary.encoding(name)

    def total(examples: list[Any]) -> int:
        found = 0
        for example in examples:
            found += 3
            for message in example["messages"]:
                found += 3
                for key, value in message.items():
                    found += len(encoding.encode_ordinary(value)) + (key == "name")
        return found

    return total


def curators(name: str) -> Count:
    """Curator's counter, as the commands and the analysis use it."""
    from curator.core.tokens import Counter
    from curator.core.vocabulary import Vocabulary

    counter = Counter(Vocabulary(name), name)
    counter.text("load the vocabulary")

    def total(examples: list[Any]) -> int:
        return sum(counter.example(example).total for example in examples)

    return total


def exact(name: str) -> Count:
    """Curator's counter with tiktoken, also where a faster counter is installed."""
    sys.modules["toktok"] = None  # type: ignore[assignment]
    return curators(name)


WAYS = {"tiktoken loop": plain_loop, "curator, tiktoken": exact, "curator, quick": curators}


def examples_of(path: Path) -> list[Any]:
    """The examples whose messages hold texts only: those that the plain loop can count."""
    found = []
    for line in path.read_bytes().splitlines():
        try:
            value = json.loads(line)
            if all(isinstance(text, str) for message in value["messages"] for text in message.values()):
                found.append(value)
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return found


def measure(way: str, path: Path, encoding: str) -> dict[str, float]:
    """CPU seconds, memory and the sum of one way; runs in the child process."""
    examples = examples_of(path)
    before = time.process_time()
    count = WAYS[way](encoding)
    loaded = time.process_time()
    total = count(examples)
    done = time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "load": loaded - before,
        "cpu": done - loaded,
        "total": total,
        "mb": memory,
        "examples": len(examples),
    }


def key_press(encoding: str) -> list[float]:
    """Milliseconds to count an example of 20 messages and about 4,000 tokens again after each of many keys."""
    from curator.core.tokens import Counter
    from curator.core.vocabulary import Vocabulary

    counter = Counter(Vocabulary(encoding), encoding)
    text = "The quick brown fox jumps over the lazy dog and writes a note about what it saw. "
    example = {
        "messages": [{"role": ("user", "assistant")[at % 2], "content": f"{at} {text * 11}"} for at in range(20)]
    }
    counter.example(example)
    taken = []
    for _ in range(KEYS):
        example["messages"][7]["content"] += "k"
        before = time.perf_counter()
        counter.example(example)
        taken.append((time.perf_counter() - before) * 1000)
    return sorted(taken)


def run(path: Path, encoding: str, rounds: int) -> None:
    """All ways in turn, `rounds` times; the best of each, since other work only ever adds."""
    ways = [way for way in WAYS if way != "curator, quick" or importlib.util.find_spec("toktok")]
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            words = [sys.executable, __file__, "--child", way, "--corpus", str(path), "--encoding", encoding]
            printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            runs[way].append(json.loads(printed))
    base = min(each["cpu"] for each in runs["tiktoken loop"])
    print(f"{runs['tiktoken loop'][0]['examples']:,} examples, {encoding}, best of {rounds} rounds")
    print(f"{'way':<20} {'load s':>7} {'CPU s':>7} {'x':>6} {'Mtok/s':>7} {'MB':>5}  tokens")
    for way, found in runs.items():
        load, cpu, total, memory = (min(each[key] for each in found) for key in ("load", "cpu", "total", "mb"))
        figures = f"{load:7.2f} {cpu:7.2f} {base / cpu:6.1f} {total / cpu / 1e6:7.2f} {memory:5.0f}"
        print(f"{way:<20} {figures}  {total:,.0f}")
    if len({each["total"] for found in runs.values() for each in found}) != 1:
        sys.exit("the totals differ")
    keys = key_press(encoding)
    print(f"key press, 20 messages: median {keys[KEYS // 2]:.2f} ms, p99 {keys[int(KEYS * 0.99)]:.2f} ms")


def main() -> None:
    """Parse the words and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--encoding", default="o200k_base")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(args.child, args.corpus, args.encoding)))
        return
    if args.corpus:
        run(args.corpus, args.encoding, args.rounds)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.jsonl"
        words = ["--examples", str(args.examples), "--seed", str(args.seed)]
        subprocess.run([sys.executable, str(ROOT / "benchmarks" / "corpus.py"), str(path), *words], check=True)
        run(path, args.encoding, args.rounds)


if __name__ == "__main__":
    main()

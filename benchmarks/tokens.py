"""The time of token counting beside a plain loop over tiktoken, and of the editor's check after a key press.

    python benchmarks/tokens.py [--examples 10000] [--seed 5] [--rounds 3] [--encoding o200k_base]
    python benchmarks/tokens.py --corpus FILE.jsonl

Each way runs in a process of its own, in turn, on the same lines in batches of 4,000. Compare CPU seconds (medians
of the rounds), of the counting alone and with the parse; "load" is the loading of the vocabulary. `curator,
toktok` needs the optional package toktok-rs. The editor's check after each key is: parse, rules, tokens and cost
of an example, here of 20 messages and about 4,000 tokens.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

BATCH = 4_000
KEYS = 500
Way = tuple[Callable[[bytes], Any], Callable[[list[Any]], int]]
"""A function that parses a line, and one that counts the tokens of many parsed lines."""


def plain_loop(name: str) -> Way:
    """The notebook's way: tiktoken's encode on every string of every message."""
    from curator.core.counting import vocabulary

    encoding = vocabulary.encoding(name)

    def total(examples: list[Any]) -> int:
        tokens = 0
        for example in examples:
            tokens += 3
            for message in example["messages"]:
                tokens += 3
                for key, value in message.items():
                    tokens += len(encoding.encode_ordinary(value)) + (key == "name")
        return tokens

    return json.loads, total


def curator_way(name: str) -> Way:
    """Curator's way in `check`: typed parse, texts counted in bulk."""
    from curator.core.counting.vocabulary import Vocabulary
    from curator.core.typed_chats import decode_plain, roles_of
    from curator.tokens import Counter

    gc.disable()  # as a check does
    counter = Counter(Vocabulary(name), name)
    counter.text("load the vocabulary")

    def parse(line: bytes) -> tuple[tuple[str, ...], list[str]]:
        messages = decode_plain(line).messages
        return roles_of(tuple(map(type, messages))), [message.content for message in messages]

    return parse, lambda many: sum([tokens.total for tokens in counter.chats(many)])


def curator_way_with_tiktoken(name: str) -> Way:
    """Curator's way with tiktoken, even if a faster counter is installed."""
    sys.modules["toktok"] = None  # type: ignore[assignment]
    return curator_way(name)


WAYS = {
    "tiktoken loop": plain_loop,
    "curator, tiktoken": curator_way_with_tiktoken,
    "curator, toktok": curator_way,
}


def plain_lines(path: Path) -> list[bytes]:
    """The lines of plain chats, which the plain loop can count."""
    from curator.core.typed_chats import REFUSED, decode_plain

    plain = []
    for line in path.read_bytes().splitlines():
        try:
            decode_plain(line)
        except REFUSED:
            continue
        plain.append(line)
    return plain


def measure(way: str, path: Path, encoding: str) -> dict[str, float]:
    """CPU seconds, memory in MB and the number of tokens of one way; runs in the child process."""
    lines = plain_lines(path)
    before = time.process_time()
    parse, count = WAYS[way](encoding)
    load = time.process_time() - before
    parsing = counting = 0.0
    total = 0
    for start in range(0, len(lines), BATCH):
        begin = time.process_time()
        parsed = [*map(parse, lines[start : start + BATCH])]
        middle = time.process_time()
        total += count(parsed)
        parsing += middle - begin
        counting += time.process_time() - middle
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "load": load,
        "count": counting,
        "both": counting + parsing,
        "total": total,
        "mb": memory,
        "examples": len(lines),
    }


def key_presses(encoding: str) -> list[float]:
    """Milliseconds of the editor's check after each of many keys, ascending."""
    from curator.core import cost, models, rules, splice
    from curator.core.counting.vocabulary import Vocabulary
    from curator.core.example import parse
    from curator.tokens import Counter

    counter, model = Counter(Vocabulary(encoding), encoding), models.find("gpt-4o-mini")
    context = rules.Context(limit=65_536, count=counter.example, cut=counter.truncation)
    text = "The quick brown fox jumps over the lazy dog and writes a note about what it saw. "
    messages = [{"role": ("user", "assistant")[at % 2], "content": f"{at} {text * 11}"} for at in range(20)]
    raw = splice.dump({"messages": messages})
    milliseconds = []
    for _ in range(KEYS + 1):
        before = time.perf_counter()
        content = parse(raw).value["messages"][7]["content"] + "k"
        raw = splice.set_value(raw, ("messages", 7, "content"), content)
        example = parse(raw)
        rules.check(example, context)
        tokens = counter.example(example.value)
        cost.estimate([tokens.total], model, 3)
        milliseconds.append((time.perf_counter() - before) * 1000)
    return sorted(milliseconds[1:])


def run(path: Path, encoding: str, rounds: int) -> None:
    """Run all ways in turn, `rounds` times, then the editor's check, and print the figures."""
    ways = [way for way in WAYS if way != "curator, toktok" or importlib.util.find_spec("toktok")]
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            words = [sys.executable, __file__, "--child", way, "--corpus", str(path), "--encoding", encoding]
            printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
            runs[way].append(json.loads(printed))
    medians = {
        way: {key: median(each[key] for each in way_runs) for key in way_runs[0]} for way, way_runs in runs.items()
    }
    loop = medians["tiktoken loop"]
    print(f"{loop['examples']:,.0f} examples, {encoding}, medians of {rounds} rounds")
    print(f"{'way':<20} {'load s':>7} {'count s':>8} {'x':>6} {'+parse s':>9} {'x':>6} {'Mtok/s':>7} {'MB':>5}")
    for way, row in medians.items():
        count, both = row["count"], row["both"]
        ratios = f"{count:8.2f} {loop['count'] / count:6.1f} {both:9.2f} {loop['both'] / both:6.1f}"
        print(f"{way:<20} {row['load']:7.2f} {ratios} {row['total'] / count / 1e6:7.2f} {row['mb']:5.0f}")
    if len({each["total"] for way_runs in runs.values() for each in way_runs}) != 1:
        sys.exit("the totals differ")
    keys = key_presses(encoding)
    print(f"a key press, 20 messages: median {median(keys):.2f} ms, p99 {keys[int(KEYS * 0.99)]:.2f} ms", end="")
    print(f", worst {keys[-1]:.2f} ms")


def main() -> None:
    """Parse the arguments and measure."""
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

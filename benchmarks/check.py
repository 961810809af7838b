"""Check speed: Curator against notebook-style checks and a bare parse loop, on one generated file, in one run.

    python benchmarks/check.py [--examples 100000] [--rounds 3] [FILE.jsonl]

Every pass runs in a process of its own, the passes of a round one after another, so that load from elsewhere
falls on all of them. Printed are CPU seconds (the least of all rounds), the ratio to the bare loop, and the
greatest resident memory. The file is in the cache before the first pass. Tokens are not counted here.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

TEXT = """time way day thing world life hand part place case week company system program question work number night
point home water room mother area money story fact month lot right study book eye job word business issue"""
WORDS = TEXT.split()
ROLES = ("system", "user", "assistant", "function")
KEYS = ("role", "content", "name", "function_call", "weight")


def generate(path: Path, examples: int) -> None:
    """Chats of one to four turns over a small vocabulary; one in a hundred has a fault."""
    rng = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for number in range(examples):
            messages = [{"role": "system", "content": "You are a helpful assistant."}]
            for _ in range(rng.choice((1, 1, 1, 2, 2, 4))):
                messages.append({"role": "user", "content": _prose(rng, 20)})
                messages.append({"role": "assistant", "content": _prose(rng, 60)})
            if number % 100 == 0:
                messages[-1].pop(rng.choice(("role", "content")))
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")


def _prose(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(WORDS, k=rng.randrange(words // 2, words * 2))) + rng.choice(
        (".", "?", "! 🎉", ": é")
    )


def notebook(path: Path) -> int:
    """Everything into one list, then counts: what the well-known notebook does."""
    with path.open(encoding="utf-8") as file:
        dataset = [json.loads(line) for line in file]
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


def bare(path: Path) -> int:
    """Parse every line and throw it away."""
    import orjson

    bad = 0
    with path.open("rb") as file:
        for line in file:
            try:
                orjson.loads(line)
            except orjson.JSONDecodeError:
                bad += 1
    return bad


def formats(path: Path) -> int:
    """Curator: is each line free of format errors?"""
    from curator.core.fastpath import is_clean
    from curator.core.rules import Context
    from curator.workspace.lines import opened

    context = Context()
    with opened(path) as source:
        return sum(1 for _, raw in source.records() if not is_clean(raw, context))


def rules(path: Path, workers: int = 1) -> int:
    """Curator: the whole rule set, dataset rules and the report included, without tokens."""
    from curator.workspace.check import check_file
    from curator.workspace.examine import Options

    return sum(check_file(path, Options(tokens=False), workers=workers).errors.values())


def rules_on_two_cores(path: Path) -> int:
    """The same in two worker processes."""
    return rules(path, 2)


PASSES = {
    "bare orjson loop": bare,
    "notebook-style checks": notebook,
    "Curator, format errors": formats,
    "Curator, all rules": rules,
    "Curator, all rules, two processes": rules_on_two_cores,
}


def measure(name: str, path: Path) -> dict[str, Any]:
    """One pass in this process: CPU seconds (children included), peak memory in MB, faults found."""
    found = PASSES[name](path)
    own, below = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = own.ru_utime + own.ru_stime + below.ru_utime + below.ru_stime
    return {"seconds": seconds, "memory": (own.ru_maxrss + below.ru_maxrss) / 1024, "found": found}


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
            generate(path, args.examples)
        report(path, args.rounds)


def report(path: Path, rounds: int) -> None:
    """All passes, interleaved, and what they took."""
    best: dict[str, dict[str, Any]] = {}
    for _ in range(rounds):
        for name in PASSES:
            command = [sys.executable, __file__, str(path), "--pass", name]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                best.setdefault(name, {"seconds": float("inf"), "memory": 0, "found": "stops at a bad line"})
                continue
            result = json.loads(done.stdout)
            if name not in best or result["seconds"] < best[name]["seconds"]:
                best[name] = result
    unit = best["bare orjson loop"]["seconds"]
    print(f"{path.name}: {path.stat().st_size / 1e6:.0f} MB, best of {rounds}")
    print(f"{'':36}{'CPU s':>8}{'x bare':>8}{'MB':>8}  found")
    for name, result in best.items():
        ratio = result["seconds"] / unit
        print(f"{name:36}{result['seconds']:8.2f}{ratio:8.2f}{result['memory']:8.0f}  {result['found']}")


if __name__ == "__main__":
    main()

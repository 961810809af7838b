"""Near-duplicate search beside its peers, in one run: time, memory, recall, precision.

    python benchmarks/duplicates.py [--examples 10000 100000] [--seed 23] [--rounds 2] [--peers datasketch rensa]
    python benchmarks/duplicates.py --corpus FILE      (FILE.truth.json beside it)
    python benchmarks/duplicates.py --meaning          (pairs that differ in meaning, by kind: is one removed?)

Each method runs in a process of its own, in turn, on the same file; CPU seconds of the process are the
figure to compare. Recall is over planted near copies (in brackets: without those with 30 % of the words
replaced); precision over what would be removed, look-alikes and broken examples not counted.
Peers: pip install datasketch rensa.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path
from typing import Any

from figures import state

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

Groups = list[Sequence[int]]


class Lines:
    """The lines of a file without their ends, read on demand: the file is not held in memory."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")  # noqa: SIM115 - open as long as the process
        self._ends = array("q", accumulate(map(len, self._file), initial=0))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, row: int) -> bytes:
        return os.pread(self._file.fileno(), self._ends[row + 1] - self._ends[row] - 1, self._ends[row])


def by_value(path: Path) -> Groups:
    """Curator's search for equal JSON values and contradictions, as in `curator dedup --exact`."""
    from curator.workspace.any_dataset import open_examples
    from curator.workspace.duplicates.index_by_id import equal_values

    with open_examples(path) as lines:
        groups, _ = equal_values(lines.physical_lines(), lines.raw)
    return [[line - 1 for line in group.ids] for group in groups]


def parse_only(path: Path) -> Groups:
    """A bare orjson parse of every line: the least that any search by value must do."""
    import orjson

    with path.open("rb") as file:
        for line in file:
            with suppress(orjson.JSONDecodeError):
                orjson.loads(line)
    return []


def curator(path: Path, threshold: float) -> Groups:
    """Curator's search for near copies, as in `curator dedup`."""
    from curator.workspace.duplicates.index_by_id import Duplicates

    lines = Lines(path)
    duplicates = Duplicates.build(((row, lines[row]) for row in range(len(lines))), lines.__getitem__)
    return [group.ids for group in duplicates.groups(threshold) if group.kind != "family"]


def _texts(path: Path) -> dict[int, list[str]]:
    """Lower-cased words of all but the system message, by line from 0; broken and empty examples left out."""
    from curator.core.duplicates.texts import compared_text, normalise
    from curator.core.example import parse

    out = {}
    lines = Lines(path)
    for row in range(len(lines)):
        words = normalise(compared_text(parse(lines[row]).value)).split()
        if words:
            out[row] = words
    return out


def _join_verified(pairs: Iterable[tuple[int, int]], texts: dict[int, list[str]], threshold: float) -> Groups:
    """Join candidate pairs that rapidfuzz confirms."""
    from rapidfuzz import fuzz

    from curator.core.duplicates.disjoint_sets import DisjointSets

    sets = DisjointSets()
    for a, b in pairs:
        if sets.find(a) != sets.find(b) and fuzz.ratio(" ".join(texts[a]), " ".join(texts[b])) >= threshold:
            sets.join(a, b)
    return list(sets.sets())


def _shingles(words: list[str], size: int) -> set[str]:
    return {" ".join(words[i : i + size]) for i in range(max(1, len(words) - size + 1))}


def datasketch(path: Path, threshold: float, size: int) -> Groups:
    """datasketch MinHashLSH, 128 permutations, threshold .5, verified."""
    from datasketch import MinHash, MinHashLSH  # type: ignore[import-not-found]

    texts = _texts(path)
    lsh = MinHashLSH(threshold=0.5, num_perm=128)
    pairs = []
    for row, words in texts.items():
        sketch = MinHash(num_perm=128)
        sketch.update_batch([item.encode() for item in _shingles(words, size)])
        pairs += [(other, row) for other in lsh.query(sketch)]
        lsh.insert(row, sketch, check_duplication=False)
    return _join_verified(pairs, texts, threshold)


def rensa(path: Path, threshold: float) -> Groups:
    """rensa RMinHash on 2-grams, own bands of 32 x 3, verified."""
    from rensa import RMinHash  # type: ignore[import-not-found]

    texts = _texts(path)
    buckets: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for row, words in texts.items():
        sketch = RMinHash(num_perm=96, seed=7)
        sketch.update(list(_shingles(words, 2)))
        digest = sketch.digest()
        for band in range(32):
            buckets[(band, *digest[3 * band : 3 * band + 3])].append(row)
    pairs = {(a, b) for rows in buckets.values() for i, a in enumerate(rows) for b in rows[i + 1 :]}
    return _join_verified(pairs, texts, threshold)


METHODS: dict[str, Callable[[Path], Groups]] = {
    "curator": lambda path: curator(path, 72),
    "parse": parse_only,
    "curator-by-value": by_value,
    "datasketch-words": lambda path: datasketch(path, 70, 1),
    "datasketch-2grams": lambda path: datasketch(path, 70, 2),
    "rensa-2grams": lambda path: rensa(path, 70),
}


OWN = ("curator", "curator-by-value", "parse")


def meaning_pairs() -> dict[str, list[tuple[Any, Any]]]:
    """The pairs of the tests by kind: those that differ in meaning, and last the copies."""
    from tests.meaning_pairs import make_copies, make_pairs
    from tests.meaning_shapes import pairs_of_frames, pairs_of_shapes

    by_kind: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    for pair in [*make_pairs(), *pairs_of_frames(), *pairs_of_shapes()]:
        by_kind[pair.kind.removeprefix("long ").removeprefix("answer: ").partition(",")[0]].append(
            (pair.a, pair.b)
        )
    by_kind = dict(sorted(by_kind.items()))
    by_kind["copies, which should go"] = [(pair.a, pair.b) for pair in make_copies()]
    return by_kind


def compare_meaning(methods: list[str]) -> None:
    """Print for each kind in how many pairs each method would remove one, each pair a file of its own."""
    print(f"{'kind':<34} {'pairs':>5} " + " ".join(f"{method:>18}" for method in methods))
    total: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pair.jsonl"
        for kind, pairs in meaning_pairs().items():
            removed: Counter[str] = Counter()
            for pair in pairs:
                path.write_text("".join(json.dumps(value) + "\n" for value in pair))
                for method in methods:
                    removed[method] += any(len(group) > 1 for group in METHODS[method](path))
            if not kind.startswith("copies"):
                total.update(removed)
                total["pairs"] += len(pairs)
            print(f"{kind[:34]:<34} {len(pairs):>5} " + " ".join(f"{removed[method]:>18}" for method in methods))
    print(f"{'all that differ':<34} {total['pairs']:>5} " + " ".join(f"{total[method]:>18}" for method in methods))


def score(groups: Groups, truth: dict[str, Any]) -> dict[str, float]:
    """Recall over planted copies; precision over what would be removed (each member of a group but the first)."""
    group_of = {row + 1: number for number, rows in enumerate(groups) for row in rows}
    together = {True: Counter[str](), False: Counter[str]()}
    for copy in truth["near"]:
        hit = group_of.get(copy["line"], -1) == group_of.get(copy["of"], -2)
        together[hit]["all"] += 1
        together[hit]["mild"] += copy["kind"] != "subst30"
    exact = [group_of.get(c["line"], -1) == group_of.get(c["of"], -2) for c in truth["exact"]]
    source = {line: rows[0] for rows in truth["groups"] for line in rows}
    alike = {line for lines in truth["lookalikes"] for line in lines}
    alike |= {error["line"] for error in truth["errors"]}  # some broken examples are equal by chance
    good = bad = 0
    for rows in groups:
        kin = Counter(source.get(row + 1) for row in rows)
        for row in list(rows)[1:]:
            of = source.get(row + 1)
            if row + 1 in alike:
                continue
            good, bad = (good + 1, bad) if of is not None and kin[of] > 1 else (good, bad + 1)
    return {
        "recall": together[True]["all"] / max(1, len(truth["near"])),
        "mild": together[True]["mild"] / max(1, together[True]["mild"] + together[False]["mild"]),
        "exact": sum(exact) / max(1, len(exact)),
        "precision": good / max(1, good + bad),
    }


def child(method: str, path: Path) -> None:
    """Run one method and print its figures as JSON."""
    start = time.process_time()
    groups = METHODS[method](path)
    cpu = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    truth = json.loads(Path(f"{path}.truth.json").read_text())
    print(json.dumps({"cpu": cpu, "mb": peak, **score(groups, truth)}))


def compare(path: Path, methods: list[str], rounds: int) -> None:
    """Run the methods in turn, `rounds` times, and print a line for each run."""
    print(f"\n{path.name}: {path.stat().st_size / 1e6:.1f} MB")
    print(
        f"{'method':<18} {'round':>5} {'CPU s':>8} {'x':>6} {'MB':>6} {'recall':>15} {'exact':>6} {'precision':>9}"
    )
    for number in range(1, rounds + 1):
        own = 0.0
        for method in methods:
            command = [sys.executable, __file__, "--child", method, "--corpus", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{method:<18} {number:>5}  failed: {done.stderr.strip().splitlines()[-1]}")
                continue
            f = json.loads(done.stdout)
            own = own or f["cpu"]
            recall = f"{f['recall']:.3f} ({f['mild']:.3f})"
            ratio = f"{f['cpu'] / own:.1f}"
            print(
                f"{method:<18} {number:>5} {f['cpu']:>8.1f} {ratio:>6} {f['mb']:>6.0f} {recall:>15}"
                f" {f['exact']:>6.3f} {f['precision']:>9.4f}",
                flush=True,
            )
            if method == "curator" and number == rounds:
                state(f"near copies, {path.name}: recall", f["recall"], "", at_least=0.97)
                state("the same: precision", f["precision"], "", at_least=1)
                state("the same: time", f["cpu"], "CPU s")


def main() -> None:
    """Compare on generated corpora or on a given one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--peers", nargs="*", default=["datasketch-words", "datasketch-2grams", "rensa-2grams"])
    parser.add_argument("--corpus", type=Path)
    parser.add_argument("--meaning", action="store_true", help="pairs that differ in meaning instead of a corpus")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        child(args.child, args.corpus)
        return
    there = [p for p in args.peers if importlib.util.find_spec(p.partition("-")[0])]
    for peer in set(args.peers) - set(there):
        print(f"{peer}: not installed, left out")
    if args.meaning:
        compare_meaning(["curator", *there])
        return
    if args.corpus:
        compare(args.corpus, [*OWN, *there], args.rounds)
        return
    from corpus import write_corpus

    with tempfile.TemporaryDirectory() as folder:
        for examples in args.examples:
            path = Path(folder) / f"{examples}.jsonl"
            write_corpus(path, examples, args.seed)
            compare(path, [*OWN, *there], args.rounds)


if __name__ == "__main__":
    main()

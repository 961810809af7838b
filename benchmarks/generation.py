"""How fast the local model answers, and with how much memory, beside llama.cpp on the same weights in float32.

    python benchmarks/generation.py [--rounds 3] [--llama FOLDER] [--json]

Of both it measures a process of its own: the first token of a process that has just been started ("cold") and of
one that has the model in memory ("warm"), after a prompt of 50 tokens; the tokens a second behind it; and the
greatest memory with prompts of 200 and 7,000 tokens. The processes take turns. FOLDER is where
`npm install node-llama-cpp` was run; without it Curator is measured alone. Memory is read on Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Protocol

from figures import state

from curator import paths
from curator.basemodels import text_model, weights
from curator.basemodels.gguf_model import write_gguf_model
from curator.server.engines.embedded.answers import DECODING_THREADS

MODEL = "smollm2-135m-instruct"
WORDS = ("river", "stone", "apple", "cloud", "green", "seven", "table", "music", "paper", "light")
PROMPT, ANSWER = 50, 128
"""Tokens of a prompt and of its answer."""
Figures = dict[str, list[float]]


def prompt(tokens: int, number: int) -> str:
    """A text of about so many tokens (one a word), which begins in another way for each number."""
    return " ".join(WORDS[(n * n + n // 7 + number * (n + 1)) % len(WORDS)] for n in range(tokens))


class Answerer(Protocol):
    """A process that has a model and answers prompts."""

    process: subprocess.Popen[bytes]

    def ask(self, text: str, tokens: int) -> tuple[float, float, int]:
        """Answer; the times of the first and the last token (`time.monotonic`), and how many there were."""


def read(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The next JSON line of a process."""
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(process.stdout.readline())
    return line


def write(process: subprocess.Popen[bytes], value: dict[str, Any]) -> None:
    """Send a JSON line to a process."""
    assert process.stdin is not None
    process.stdin.write(json.dumps(value).encode() + b"\n")
    process.stdin.flush()


class Curator:
    """The local server's generation process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        words = [sys.executable, "-m", "curator.server.children.generate"]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, text: str, tokens: int) -> tuple[float, float, int]:
        """As `Answerer.ask`."""
        asked = {"id": "x", "base": str(self.folder), "adapter": None, "prompts": [text]}
        write(self.process, asked | {"max_tokens": tokens, "temperature": 0, "logprobs": True})
        times: list[float] = []
        while not (line := read(self.process)).get("done"):
            if "error" in line:
                raise RuntimeError(line["error"]["message"])
            if "logprob" in line:  # of each token, also of one whose text is not whole yet
                times.append(time.monotonic())
        return times[0], times[-1], len(times)


class LlamaCpp:
    """llama.cpp in Node.js."""

    def __init__(self, package: Path, file: Path) -> None:
        script = Path(__file__).with_name("generation.mjs")
        words = ["node", str(script), package.as_uri(), str(file), str(DECODING_THREADS)]
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._ready = False

    def ask(self, text: str, tokens: int) -> tuple[float, float, int]:
        """As `Answerer.ask`."""
        write(self.process, {"prompt": text, "tokens": tokens})
        if not self._ready:
            self._ready = bool(read(self.process)["ready"])
        read(self.process)
        first = time.monotonic()
        count = read(self.process)["count"]
        return first, time.monotonic(), count


def peak(process: subprocess.Popen[bytes]) -> float:
    """The greatest memory of a process so far in MB; 0 where that cannot be read."""
    try:
        status = Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM")), 0.0)


def measure(answerer: Answerer, began: float, number: int, into: Figures) -> None:
    """Take all figures of one process, which was started at `began`."""

    def note(name: str, value: float) -> None:
        into.setdefault(name, []).append(value)

    try:
        note("cold, first token, s", answerer.ask(prompt(PROMPT, number), 2)[0] - began)
        for turn in range(1, 4):
            asked = time.monotonic()
            first, last, count = answerer.ask(prompt(PROMPT, number + 3 * turn), ANSWER)
            note("warm, first token, s", first - asked)
            note("tokens a second", (count - 1) / (last - first))
        for tokens in (200, 7_000):
            asked = time.monotonic()
            first, *_ = answerer.ask(prompt(tokens, number + 7), 2)
            note(f"first token after {tokens:,}, s", first - asked)
            note(f"most memory, {tokens:,} tokens, MB", peak(answerer.process))
    finally:
        answerer.process.kill()
        answerer.process.communicate()


def package_in(folder: Path | None) -> Path | None:
    """The package node-llama-cpp in a folder, where Node.js is there too."""
    file = (folder or Path.cwd()) / "node_modules" / "node-llama-cpp" / "dist" / "index.js"
    return file.resolve() if file.is_file() and shutil.which("node") else None


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description="The local model beside llama.cpp.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--llama", type=Path, metavar="FOLDER", help="where node-llama-cpp is installed")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    folder, package = paths.models_dir() / MODEL, package_in(args.llama)
    own: Figures = {}
    theirs: Figures = {}
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch, "model.gguf")
        if package:
            text = text_model.load(folder)
            template = (folder / "chat_template.jinja").read_text("utf-8")
            write_gguf_model(
                file, weights.load(folder), folder, text, name=MODEL, template=template, quantisation="f32"
            )
        for number in range(args.rounds):
            measure(Curator(folder), time.monotonic(), number, own)
            if package:
                measure(LlamaCpp(package, file), time.monotonic(), number, theirs)
    figures = {
        name: {"curator": statistics.median(values), "llama.cpp": statistics.median(theirs.get(name, [0.0]))}
        for name, values in own.items()
    }
    if args.json:
        sys.stdout.write(json.dumps(figures | {"threads": DECODING_THREADS, "load": os.getloadavg()[0]}) + "\n")
        return
    for name, pair in figures.items():
        beside = f"{pair['llama.cpp']:10.2f}" if package else ""
        sys.stdout.write(f"{name:34}{pair['curator']:10.2f}{beside}\n")
    own_figures = {name: pair["curator"] for name, pair in figures.items()}
    state("first token, 50 tokens of prompt, cold", own_figures["cold, first token, s"], "s", at_most=1.5)
    state("the same, warm", own_figures["warm, first token, s"], "s", at_most=0.15)
    if package:
        rates = figures["tokens a second"]
        state("tokens a second", rates["curator"] / rates["llama.cpp"], "x llama.cpp's", at_least=0.5)
    state("a prompt of 7,000 tokens", own_figures["most memory, 7,000 tokens, MB"], "MB of the process")


if __name__ == "__main__":
    main()

"""How soon a key's change is visible, seen from the terminal, at a million examples; beside other programs.

    python benchmarks/latency.py [--examples 1000000] [--keys 200] [--train] [--peer NAME=COMMAND …] [FILE.jsonl]

Each program runs on a pseudo-terminal of 80x24. `first paint` is the time from the command to its first line of
the data on the screen (of a peer: the word `messages` of the first record). Then keys go down and up through the
list, one at a time, with a pause of 60 to 120 ms; a key's change is visible when the cursor is drawn on another
line: for Curator the bytes of its `›`, for a peer the first bytes that it writes after the key. Curator is opened
three times: the first time, which makes the workspace; `at work`, while its analysis goes on, with `--train`
beside a training of the local server; and again. A peer is started as COMMAND with the file behind it, e.g.
`toolong=tl`, `visidata=vd`, `dtflow="dt view"`.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import random
import select
import shlex
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
from corpus import write_corpus
from figures import state

from curator import paths

if TYPE_CHECKING:
    from collections.abc import Iterator

CURATOR = [sys.executable, "-m", "curator"]
PATIENCE = 90.0
"""Seconds until a program counts as one that shows nothing."""
SETTLE = 3.0
"""Seconds between the first paint and the first key."""
UP, DOWN, FIRST = b"\x1b[A", b"\x1b[B", b"g"
LATE = 5.0
"""Seconds after which a key counts as one without an effect."""
LOST = 5
"""So many keys without an effect after each other end the measurement of a program."""
SAMPLE = Path(__file__).parent.parent / "sample_data" / "emojibot-clean.jsonl"


class Screen:
    """A program on a pseudo-terminal of its own."""

    def __init__(self, words: list[str], home: Path) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment |= {"CURATOR_HOME": str(home), "HOME": str(home)}
        self._began = time.perf_counter()
        self._process = subprocess.Popen(
            words, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)

    def read(self, seconds: float) -> bytes:
        """What it writes next, within some seconds; empty for nothing."""
        ready, _, _ = select.select([self._master], [], [], seconds)
        try:
            data = os.read(self._master, 1 << 16) if ready else b""
        except OSError:
            return b""
        if b"\x1b[6n" in data:
            os.write(self._master, b"\x1b[1;1R")
        return data

    def first_paint(self, text: bytes) -> float | None:
        """Seconds from the start until a text is on the screen; None where it does not come."""
        seen = b""
        while time.perf_counter() - self._began < PATIENCE:
            seen = seen[-4096:] + self.read(0.5)
            if text in seen:
                return time.perf_counter() - self._began
        return None

    def rest(self, seconds: float) -> None:
        """Read and forget what it writes for some seconds."""
        until = time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self.read(left)

    def press(self, key: bytes, sign: bytes) -> float:
        """Seconds from a key until the program has drawn a sign (empty: anything); `LATE` where it does not."""
        began, seen = time.perf_counter(), b""
        os.write(self._master, key)
        while (left := LATE - (time.perf_counter() - began)) > 0:
            seen += self.read(left)
            if seen and sign in seen:
                return time.perf_counter() - began
        return LATE

    def close(self) -> None:
        """End it."""
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
        os.close(self._master)


def measure(words: list[str], home: Path, text: bytes, sign: bytes, keys: int) -> tuple[float | None, list[float]]:
    """The first paint of a program, and how long each key took."""
    screen, chance = Screen(words, home), random.Random(1)
    try:
        first = screen.first_paint(text)
        if first is None:
            return None, []
        screen.rest(SETTLE)
        times = []
        for at in range(keys):
            times.append(screen.press(UP if at % 40 >= 20 else DOWN, sign))
            if times[-LOST:] == [LATE] * LOST:
                break
            screen.rest(chance.uniform(0.06, 0.12))
        screen.press(FIRST, sign)  # Curator begins where it was left
        screen.rest(1.0)
        return first, times
    finally:
        screen.close()


@contextmanager
def training(home: Path) -> Iterator[None]:
    """A training of the local server goes on."""
    environment = {**os.environ, "CURATOR_HOME": str(home)}
    words = [*CURATOR, "train", str(SAMPLE), "--provider", "local", "--epochs", "20", "--json", "--yes"]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"the training did not begin: {done.stderr or done.stdout}")
    time.sleep(20)  # until it has loaded its model
    try:
        yield
        listed = subprocess.run(
            [*CURATOR, "jobs", "--provider", "local", "--json"],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        print(f"{'':<22} at the end the training was {json.loads(listed.stdout)['jobs'][0]['status']}")
    finally:
        for about in home.rglob("server.json"):
            os.kill(json.loads(about.read_text("utf-8"))["pid"], signal.SIGTERM)
        time.sleep(5)


def print_figures(name: str, first: float | None, times: list[float]) -> None:
    """One line: seconds to the first paint, milliseconds of a key."""
    if first is None or len(times) < 2:
        print(f"{name:<22} shows nothing within {PATIENCE:.0f} s")
        return
    p99 = statistics.quantiles(times, n=100)[98]
    lost = sum(each >= LATE for each in times)
    print(
        f"{name:<22} first paint {first:6.2f} s   a key {statistics.median(times) * 1e3:6.1f} ms median, "
        f"{p99 * 1e3:7.1f} ms p99, {max(times) * 1e3:7.1f} ms greatest of {len(times):,}"
        + (f", {lost} without an effect" if lost else ""),
        flush=True,
    )
    if name.startswith("curator"):
        state(f"{name}: first paint", first, "s", at_most=0.2)
        state(f"{name}: a key, median", statistics.median(times) * 1e3, "ms", at_most=50)
        state(f"{name}: a key, 99 %", p99 * 1e3, "ms", at_most=100)


def main() -> None:
    """Measure, and print a line for each program."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--examples", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--train", action="store_true", help="beside a training")
    parser.add_argument("--peer", action="append", default=[], metavar="NAME=COMMAND")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home, file = Path(folder) / "home", Path(folder) / "data.jsonl"
        home.mkdir()
        if args.file:
            shutil.copyfile(args.file, file)
        else:
            write_corpus(file, args.examples, 1)
        with file.open("rb") as lines:
            messages = json.loads(lines.readline())["messages"]
        prompt = next(each["content"] for each in messages if each["role"] == "user")[:12].encode()
        os.environ.setdefault("CURATOR_MODELS", str(paths.models_dir()))
        curator, cursor = [*CURATOR, str(file)], "›".encode()
        print_figures("curator, first time", *measure(curator, home, prompt, cursor, args.keys))
        with training(home) if args.train else nullcontext():
            print_figures("curator, at work", *measure(curator, home, prompt, cursor, args.keys))
        print_figures("curator, again", *measure(curator, home, prompt, cursor, args.keys))
        for peer in args.peer:
            name, _, command = peer.partition("=")
            print_figures(name, *measure([*shlex.split(command), str(file)], home, b"messages", b"", args.keys))


if __name__ == "__main__":
    main()

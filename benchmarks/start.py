"""The time from the command to the first example on the screen, beside empty Python and an empty Textual app.

    python benchmarks/start.py [--rounds 7] [FILE.jsonl …]

Each program runs on a pseudo-terminal of 120x40 until its first text is written. Printed are medians: wall
seconds, CPU seconds of the UI process alone and with its children, and its resident memory at that moment and two
seconds later. Without files, corpora of 50 and 10,000 examples are made. Each round runs all programs in turn. A
file is opened once before the first round, so that it has a workspace; `--new` removes the workspace before each
round. All programs run from bytecode, as installed ones do.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import pty
import select
import shutil
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import dataclass
from pathlib import Path

EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("FIRST-PAINT")
Empty().run()
"""
BARE = "import time; print('FIRST-PAINT', flush=True); time.sleep(60)"
PATIENCE = 60.0
REST = 2.0
"""Seconds from the first text to the second measurement of memory."""


@dataclass(frozen=True)
class Start:
    """One start: wall seconds, CPU seconds of the UI process (`own`) and with its children (`tree`), and the
    UI's memory in MiB at the `first` text and at `rest`."""

    wall: float
    own: float
    tree: float
    first: float
    rest: float


def cpu_of(process: int) -> float:
    """CPU seconds of a process without its children; 0 if it has ended."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children_of(process: int) -> list[int]:
    """The ids of a process's running children."""
    lists = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for path in lists for child in path.read_text().split()]


def resident(process: int) -> float:
    """A process's resident memory in MiB."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def start(words: list[str], text: bytes, home: Path) -> Start:
    """Run a program until it has written `text`, let it rest, end it."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    began = time.perf_counter()
    child = subprocess.Popen(
        words, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "CURATOR_HOME": str(home), "PYTHONDONTWRITEBYTECODE": ""},
    )  # fmt: skip
    os.close(slave)
    try:
        read(master, text, PATIENCE)
        wall = time.perf_counter() - began
        own = cpu_of(child.pid)
        tree = own + sum(map(cpu_of, children_of(child.pid)))
        first = resident(child.pid)
        read(master, None, REST)
        return Start(wall, own, tree, first, resident(child.pid))
    finally:
        child.send_signal(signal.SIGTERM)
        read(master, None, 10.0, child)
        os.close(master)


def read(master: int, text: bytes | None, seconds: float, child: subprocess.Popen[bytes] | None = None) -> None:
    """Read until `text` came (an error where it does not), `child` ended or the time is over."""
    output, until = b"", time.monotonic() + seconds
    while time.monotonic() < until and (child is None or child.poll() is None):
        if select.select([master], [], [], 0.05)[0]:
            try:
                output += os.read(master, 65536)
            except OSError:
                break
        if text is not None and text in output:
            return
    if text is not None:
        raise SystemExit(f"{text!r} did not come: {output[-400:]!r}")


BEGINNING = 12
"""Characters of a prompt that its column of the list shows at this width."""


def beginning(path: Path) -> bytes:
    """The text by which the first example is recognised on the screen: the beginning of its last prompt."""
    with path.open("rb") as file:
        messages = json.loads(file.readline())["messages"]
    prompts = [message["content"] for message in messages if message["role"] == "user"]
    return str(prompts[-1])[:BEGINNING].strip().encode()


def write_corpora(folder: Path) -> list[Path]:
    """Files of 50 and 10,000 examples."""
    paths = []
    for count in (50, 10_000):
        paths.append(folder / f"{count}.jsonl")
        script = Path(__file__).with_name("corpus.py")
        subprocess.run(
            [sys.executable, script, paths[-1], "--examples", str(count)], check=True, capture_output=True
        )
    return paths


def format_line(name: str, starts: list[Start], base: float) -> str:
    """One program's medians as a line; `base`: the empty app's CPU seconds."""
    wall, own, tree, first, rest = (
        statistics.median(getattr(one, field) for one in starts)
        for field in ("wall", "own", "tree", "first", "rest")
    )
    return f"{name:<16} {wall:6.2f} {own:6.2f} {own / base:5.2f}x {tree:6.2f} {first:9.0f} {rest:9.0f}"


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--new", action="store_true", help="remove the workspaces before each round")
    parser.add_argument("files", nargs="*", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        files = arguments.files or write_corpora(folder)
        programs = {
            "empty Python": ([sys.executable, "-c", BARE], b"FIRST-PAINT"),
            "import sqlite3": ([sys.executable, "-c", f"import sqlite3\n{BARE}"], b"FIRST-PAINT"),
            "empty Textual": ([sys.executable, "-c", EMPTY], b"FIRST-PAINT"),
        }
        for path in files:
            programs[path.name] = ([sys.executable, "-m", "curator", str(path)], beginning(path))
            start(*programs[path.name], folder)
        starts: dict[str, list[Start]] = {name: [] for name in programs}
        for _ in range(arguments.rounds):
            for name, (words, text) in programs.items():
                if arguments.new and words[1] != "-c":
                    shutil.rmtree(Path(words[-1]).with_suffix(".curator"))
                starts[name].append(start(words, text, folder))
    print(f"{'':<16} {'wall s':>6} {'CPU s':>6} {'':>6} {'+child':>6} {'MiB first':>9} {'at rest':>9}")
    base = statistics.median(one.own for one in starts["empty Textual"])
    for name, program_starts in starts.items():
        print(format_line(name, program_starts, base))


if __name__ == "__main__":
    main()

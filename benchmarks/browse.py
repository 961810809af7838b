"""Opening and browsing one file: Curator, toolong and VisiData, with less as the floor, in one interleaved run.

    python benchmarks/browse.py [FILE.jsonl] [--examples 100000] [--rounds 3] [--peers FOLDER] [--settle 150]

Every program runs in a pseudo-terminal of 120 x 40. The first screen is there when a text of the first example
(toolong: of the file's last line) has been written; a program has settled when its processes have been idle for a
second. Then keys are pressed one by one, each when the screen has been quiet, and the time to the first bytes of
the answer is measured. CPU seconds and resident memory are sums over all processes of the program (shared pages
count once for each). Curator runs on a fresh copy, which it analyses meanwhile, and again on the analysed
workspace. All programs run from bytecode, as installed ones do.

The peers are installed into environments of their own under --peers (by default in the user's cache). A peer that
cannot be installed is reported and left out.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import venv
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import orjson

sys.path.insert(0, str(Path(__file__).parent))
from corpus import write_corpus

from curator import paths

SIZE = (40, 120)
DOWN, PAGE_DOWN, END = b"\x1b[B", b"\x1b[6~", b"\x1b[F"
UP, PAGE_UP, HOME = b"\x1b[A", b"\x1b[5~", b"\x1b[H"
PRESSES = 10
QUIET = 0.15
"""Seconds without output after which a screen counts as quiet."""
IDLE = 1.0
TICK = 1 / os.sysconf("SC_CLK_TCK")
SEQUENCE = re.compile(rb"\x1b(\[[0-9;?<>=$ ]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[P_][^\x1b]*\x1b\\|[()].|.)")


@dataclass
class Program:
    """A program to run, a text of its first screen, and its keys."""

    name: str
    argv: list[str]
    first: bytes
    keys: dict[str, bytes]
    leave: bytes = b"q"
    before: Callable[[], None] = lambda: None


@dataclass
class Run:
    """The figures of one run of a program, in seconds and MB."""

    wall: float = 0.0
    cpu: float = 0.0
    memory: float = 0.0
    settled_wall: float = 0.0
    settled_cpu: float = 0.0
    browsing: float = 0.0
    """The greatest memory while keys were pressed."""
    peak: float = 0.0
    answers: dict[str, list[float]] = field(default_factory=dict)


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, argv: list[str]) -> None:
        self.started = time.perf_counter()
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ.update(
                TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8", PYTHONDONTWRITEBYTECODE=""
            )
            os.execvp(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("4H", *SIZE, 0, 0))
        self.peak = 0.0

    def read(self, seconds: float) -> bytes:
        """The program's next output; empty if it writes nothing for `seconds`."""
        if select.select([self.fd], [], [], seconds)[0]:
            try:
                return os.read(self.fd, 1 << 16)
            except OSError:
                return b""
        return b""

    def until(self, text: bytes, limit: float) -> bool:
        """Read until a text has been written; False if that takes longer than `limit` seconds."""
        output, end = b"", time.perf_counter() + limit
        while time.perf_counter() < end:
            output = (output + self.read(0.05))[-200_000:]
            if text in SEQUENCE.sub(b"", output):
                return True
        return False

    def rest(self, limit: float = 1.0) -> None:
        """Read until nothing is written for QUIET seconds."""
        end = time.perf_counter() + limit
        while time.perf_counter() < end and self.read(QUIET):
            pass

    def processes(self) -> list[int]:
        """The ids of the program's process and its descendants."""
        parents: dict[int, int] = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    stat = (folder / "stat").read_text()
                except OSError:
                    continue
                parents[int(folder.name)] = int(stat.rpartition(")")[2].split()[1])
        pids = [self.pid]
        for pid in pids:
            pids += [child for child, parent in parents.items() if parent == pid]
        return pids

    def cpu(self) -> float:
        """CPU seconds of all its processes so far."""
        total = 0
        for pid in self.processes():
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            total += sum(map(int, fields[11:15]))
        return total * TICK

    def memory(self) -> float:
        """Resident MB of all its processes now."""
        pages = 0
        for pid in self.processes():
            try:
                pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except (OSError, IndexError):
                continue
        megabytes = pages * os.sysconf("SC_PAGE_SIZE") / 1e6
        self.peak = max(self.peak, megabytes)
        return megabytes

    def settle(self, limit: float) -> None:
        """Read until its processes have been idle for IDLE seconds."""
        end = time.perf_counter() + limit
        used, since = self.cpu(), time.perf_counter()
        while time.perf_counter() < end and time.perf_counter() - since < IDLE:
            self.read(0.1)
            self.memory()
            now = self.cpu()
            if now - used > 0.1 * IDLE:
                used, since = now, time.perf_counter()

    def press(self, key: bytes, limit: float = 3.0) -> float | None:
        """Seconds from a key to the first bytes written after it; None if nothing is written."""
        self.rest()
        start = time.perf_counter()
        os.write(self.fd, key)
        return time.perf_counter() - start if self.read(limit) else None

    def close(self) -> None:
        """Kill the program and its descendants."""
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                continue
        os.close(self.fd)
        os.waitpid(self.pid, 0)


def measure(program: Program, settle: float) -> Run:
    """Run a program once: first screen, settling, keys."""
    program.before()
    run, terminal = Run(), Terminal(program.argv)
    try:
        if not terminal.until(program.first, 60):
            raise SystemExit(f"{program.name} showed no {program.first!r} within a minute")
        run.wall, run.cpu, run.memory = time.perf_counter() - terminal.started, terminal.cpu(), terminal.memory()
        terminal.settle(settle)
        run.settled_wall, run.settled_cpu = time.perf_counter() - terminal.started, terminal.cpu()
        for name, key in program.keys.items():
            for _ in range(PRESSES if name != "End" else 1):
                took = terminal.press(key)
                if took is not None:
                    run.answers.setdefault(name, []).append(took)
                run.browsing = max(run.browsing, terminal.memory())
        run.peak = terminal.peak
    finally:
        terminal.close()
    return run


def install(folder: Path, package: str, command: str) -> str | None:
    """The path of a peer's command, which is installed into an environment of its own first; None if that
    fails."""
    program = folder / package / "bin" / command
    if not program.exists():
        print(f"installing {package} into {folder / package}", file=sys.stderr)
        venv.create(folder / package, with_pip=True, clear=True)
        pip = [str(folder / package / "bin" / "pip"), "install", "-q", package]
        if subprocess.run(pip, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
            print(f"{package} cannot be installed: it is left out")
            return None
    return str(program)


def first_words(line: bytes) -> bytes:
    """The beginning of the first user text of an example."""
    messages = orjson.loads(line)["messages"]
    text: str = next(message["content"] for message in messages if message["role"] == "user")
    return text.split("\n")[0].encode()[:16]


def list_programs(file: Path, small: Path, peers: Path) -> list[Program]:
    """Curator on the file and on its first 50 lines, and the peers that can be installed."""
    with file.open("rb") as lines:
        start = next(lines)
        lines.seek(-200_000, os.SEEK_END)
        last = lines.read().splitlines()[-1]
    keys = {"Down": DOWN, "PageDown": PAGE_DOWN, "End": END}
    curator = [sys.executable, "-m", "curator"]
    workspace = file.with_suffix(".curator")
    again = small.with_suffix(".curator")
    entries = [
        Program(
            "Curator, 50 lines", [*curator, str(small)], first_words(start), {}, before=lambda: _remove(again)
        ),
        Program(
            "Curator, first time",
            [*curator, str(file)],
            first_words(start),
            keys,
            before=lambda: _remove(workspace),
        ),
        Program("Curator, analysed", [*curator, str(file)], first_words(start), keys),
    ]
    if toolong := install(peers, "toolong", "tl"):
        mirrored = {"Down": UP, "PageDown": PAGE_UP, "End": HOME}  # it begins at the end
        entries.append(Program("toolong", [toolong, str(file)], last[2:12], mirrored))
    if visidata := install(peers, "visidata", "vd"):
        entries.append(Program("VisiData", [visidata, str(file)], b"role=", {**keys, "End": b"G"}))
    if less := shutil.which("less"):
        entries.append(
            Program("less", [less, "-S", str(file)], start[:40], {"Down": b"j", "PageDown": b" ", "End": b"G"})
        )
    return entries


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def milliseconds(times: list[float]) -> str:
    """Median, 90th percentile and greatest in milliseconds."""
    if not times:
        return "-"
    ninety = quantiles(times, n=10)[8] if len(times) > 1 else times[0]
    return f"{median(times) * 1e3:.0f} / {ninety * 1e3:.0f} / {max(times) * 1e3:.0f}"


def report(name: str, runs: list[Run]) -> None:
    """Print a program's medians over the rounds."""

    def mid(field: str) -> float:
        return float(median(getattr(run, field) for run in runs))

    keys = {key for run in runs for key in run.answers}
    answers = {key: [t for run in runs for t in run.answers.get(key, [])] for key in sorted(keys)}
    print(
        f"{name:<20} first {mid('wall'):6.2f} s wall {mid('cpu'):6.2f} s CPU {mid('memory'):6.0f} MB"
        f" | settled {mid('settled_wall'):6.1f} s wall {mid('settled_cpu'):6.1f} s CPU"
        f" | browsing {mid('browsing'):6.0f} MB, greatest {mid('peak'):6.0f} MB"
    )
    for key, times in answers.items():
        print(f"{'':<20} {key:<9} {milliseconds(times)} ms (median / p90 / max of {len(times)})")


def main() -> None:
    """Run all programs in turn, `--rounds` times, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, default=paths.cache_dir() / "benchmark-peers")
    parser.add_argument(
        "--settle", type=float, default=150.0, help="seconds to wait for a program to rest, at most"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(
        dir=args.file.parent if args.file and os.access(args.file.parent, os.W_OK) else None
    ) as folder:
        file = Path(folder) / "data.jsonl"
        shutil.copyfile(args.file, file) if args.file else write_corpus(file, args.examples, 1)
        small = file.with_name("small.jsonl")
        with file.open("rb") as lines:
            small.write_bytes(b"".join(line for _, line in zip(range(50), lines, strict=False)))
        print(f"{file.stat().st_size / 1e6:,.1f} MB, {args.rounds} rounds")
        runs: dict[str, list[Run]] = {}
        for _ in range(args.rounds):
            for program in list_programs(file, small, args.peers):
                runs.setdefault(program.name, []).append(measure(program, args.settle))
                print(f"  {program.name}", file=sys.stderr)
        for name, program_runs in runs.items():
            report(name, program_runs)


if __name__ == "__main__":
    main()

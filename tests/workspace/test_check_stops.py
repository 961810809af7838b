"""The processes of a check: how they start, and that they end with it, at Ctrl-C at once."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from curator.workspace.checks.byte_ranges import examine_in_ranges
from curator.workspace.checks.one_pass import Options


def test_a_stopped_check_ends_its_processes(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n')
    seen: list[BaseProcess] = []

    def stop(done: int, size: int | None) -> None:
        seen.extend(active_children())
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        examine_in_ranges(path, Options(), 2, stop)
    assert seen and all(child.exitcode == -signal.SIGTERM for child in seen)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to ask")
def test_its_processes_never_see_ctrl_c(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n')
    blocked: list[int] = []

    def look(done: int, size: int | None) -> None:
        for child in active_children():
            (line,) = re.findall(r"^SigBlk:\s*(\w+)$", Path(f"/proc/{child.pid}/status").read_text(), re.MULTILINE)
            blocked.append(int(line, 16))

    assert examine_in_ranges(path, Options(), 2, look).totals
    assert blocked and all(mask >> (signal.SIGINT - 1) & 1 for mask in blocked)
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


PROGRAM = """
import os, signal, sys
from multiprocessing import active_children
from pathlib import Path
from curator.workspace.checks import byte_ranges
from curator.workspace.checks.one_pass import Options

def look(done, size):
    kinds.update(type(child).__name__ for child in active_children())
    if sys.argv[2] == "killed":
        print(active_children()[0].pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    said, may_fork = [], byte_ranges._may_fork
    for fork in (True, False):
        kinds = set()
        byte_ranges._may_fork = may_fork if fork else lambda: False
        found = byte_ranges.examine_in_ranges(Path(sys.argv[1]), Options(rows=True), 2, look)
        rows = [row for row in found.rows]
        said.append((found.totals, found.answers, found.counts, found.tally, rows))
        print(*kinds)
    print(said[0] == said[1], len(said[0][0]))
"""


def lines_of_program(tmp_path: Path, name: str) -> list[str]:
    data, program = tmp_path / "data.jsonl", tmp_path / "program.py"
    chat = '{"messages": [{"role": "user", "content": "a %d"}, {"role": "assistant", "content": "%s"}]}\n'
    data.write_text("".join(chat % (n, "so, " * (n % 300)) for n in range(6_000)) + "{}\n{\n")
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(program), str(data), name],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == (-signal.SIGKILL if name == "killed" else 0), done.stderr
    return done.stdout.splitlines()


def test_forks_find_what_new_processes_find(tmp_path: Path) -> None:
    first, second, same = lines_of_program(tmp_path, "")
    assert first == ("ForkProcess" if sys.platform == "linux" else "SpawnProcess") and second == "SpawnProcess"
    assert same == "True 6001"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc to ask")
def test_a_killed_check_leaves_no_process_behind(tmp_path: Path) -> None:
    status = Path(f"/proc/{int(lines_of_program(tmp_path, 'killed')[0])}/stat")
    end = time.monotonic() + 60
    while status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_process_with_threads_is_never_forked() -> None:
    code = (
        "import threading, time; from curator.workspace.checks.byte_ranges import _may_fork; print(_may_fork());"
    )
    code += "threading.Thread(target=time.sleep, args=(5,), daemon=True).start(); print(_may_fork())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(sys.platform == "linux"), "False"]

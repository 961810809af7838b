"""Ctrl-C in the middle of a check ends its other processes at once."""

from __future__ import annotations

import re
import signal
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
